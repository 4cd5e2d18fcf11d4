/**
 * The page that asks who you are: plain HTML, without a script.
 */

/** Its style; a file of its own, because no page of ours has inline style. */
export const LOGIN_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; justify-items: center; align-content: start; min-height: 78vh; margin: 0; padding-top: 22vh; background: Canvas; color: CanvasText }
main { width: min(22rem, 90vw) }
h1 { font-size: 1.4rem; margin: 0 0 1rem }
label { display: block; margin: 0.75rem 0 }
input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: 0.6rem; margin-top: 0.25rem }
button { margin-top: 1rem; cursor: pointer }
p[role='alert'] { border-inline-start: 4px solid #c0392b; padding-inline-start: 0.75rem }
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
<h1>Tidemark</h1>
${alert}
<form method="post" action="/login">
<input type="hidden" name="to" value="${escapeHtml(target)}">
<label>Name <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button>
</form>
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
