/**
 * The page that asks who you are: plain HTML, without a script.
 */

/** Its style; a file of its own, because no page of ours has inline style. */
export const LOGIN_STYLE = `
:root { color-scheme: light dark; font: 14px/1.45 ui-sans-serif, system-ui, 'Segoe UI', Roboto, sans-serif;
  --paper: light-dark(#fbfaf7, #14171a); --raised: light-dark(#fff, #1f2428); --ink: light-dark(#1b1f23, #e8e6e1);
  --muted: light-dark(#606871, #9aa1a9); --edge: light-dark(#8b929a, #7b838b); --tide: light-dark(#0b6e69, #4fc3b8); --down: light-dark(#b03a26, #f08b77) }
body { display: grid; justify-items: center; align-content: start; min-height: 78vh; margin: 0; padding-top: 22vh; background: var(--paper); color: var(--ink) }
main { width: min(22rem, 90vw) }
h1 { display: flex; gap: 9px; align-items: center; font-size: 17px; font-weight: 650; margin: 0 0 1.2rem }
h1 svg { width: 22px; height: 22px; fill: none; stroke: var(--tide); stroke-width: 2; stroke-linecap: round }
label { display: block; margin: 0.9rem 0; color: var(--muted) }
input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; font-size: 16px; padding: 0.5rem 0.7rem; margin-top: 0.25rem; border: 1px solid var(--edge); border-radius: 7px; background: var(--raised); color: var(--ink) }
button { margin-top: 1.2rem; border-color: var(--tide); background: var(--tide); color: var(--paper); font-weight: 600; cursor: pointer }
:focus-visible { outline: 2px solid var(--tide); outline-offset: 2px }
p { color: var(--muted); font-size: 12.5px; margin: 1.2rem 0 0 }
p[role='alert'] { border-inline-start: 4px solid var(--down); padding-inline-start: 0.75rem; color: var(--ink); font-size: inherit; margin: 0 }
`

/** The page, with what went wrong before, and where to go afterwards. */
export function loginPage(problem: string | undefined, target: string): string {
  const alert = problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Log in · Tidemark</title>
<link rel="stylesheet" href="/login.css">
</head>
<body>
<main>
<h1><svg viewBox="0 0 22 22" aria-hidden="true"><path d="M2 8c3-4 6-4 9 0s6 4 9 0"/><path d="M2 15c3-4 6-4 9 0s6 4 9 0" opacity=".45"/></svg>Tidemark</h1>
${alert}
<form method="post" action="/login">
<input type="hidden" name="to" value="${escapeHtml(target)}">
<label>Name <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
<p>The first password of the user admin is in the file users/admin-password of the data folder.</p>
</main>
</body>
</html>
`
}

/** A path of this server to go on to; anything else is the start page. */
export function localTarget(text: string | null | undefined): string {
  const isLocal = typeof text === 'string' && /^\/(?![/\\])[^\\\u0000-\u001f]{0,4000}$/.test(text)
  return isLocal && !text.startsWith('/login') ? text : '/'
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
