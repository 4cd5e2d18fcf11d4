// Runs before the first paint, so that remembered colours do not flash in others.
try {
  for (const name of ['theme', 'contrast', 'motion']) {
    const value = localStorage.getItem(`tidemark-${name}`)
    if (value !== null && value !== '' && value !== 'auto') document.documentElement.dataset[name] = value
  }
} catch {
  // Storage is blocked: the system's colours it is.
}
