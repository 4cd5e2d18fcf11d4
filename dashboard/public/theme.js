// Runs before the first paint, so that a remembered theme does not flash in the other one.
try {
  const theme = localStorage.getItem('tidemark-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage is blocked: the system's theme it is.
}
