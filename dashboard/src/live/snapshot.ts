/**
 * The page as it is now, as one HTML file that needs nothing else and changes no more.
 *
 * S1  It holds no script and asks nobody for anything: its own policy forbids both.
 */

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
/** What only a live page can do. */
const LIVE_ONLY =
  '.tools, .board-tools, .choice, .menu, .quiet, .notice-line, dialog, script, .tip, header > :not(.mark, .fresh)'

/** The text of the file; `about` says what it shows and of when. */
export function snapshotHtml(title: string, about: string): string {
  const sheet = document.querySelector('.sheet')
  if (sheet === null) return ''
  // In a document that nobody shows, pictures are not loaded: the page's policy would refuse those of the canvases.
  const inert = document.implementation.createHTMLDocument()
  const copy = inert.importNode(sheet, true) as HTMLElement
  paintCanvases(sheet, copy)
  for (const element of copy.querySelectorAll(LIVE_ONLY)) element.remove()
  for (const element of copy.querySelectorAll('button, select, input')) element.replaceWith(asText(element))
  const fresh = copy.querySelector('.fresh')
  // Nothing of it is live any more.
  if (fresh !== null) fresh.className = 'fresh is-calm'
  fresh?.replaceChildren(about)
  copy.classList.remove('is-stale', 'is-waiting')
  // Written as text: the page's own policy, which documents made by it inherit, knows no styles within a document.
  const html = document.createElement('html')
  html.lang = 'en'
  Object.assign(html.dataset, document.documentElement.dataset)
  const name = document.createElement('title')
  name.textContent = title
  const policy = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`
  const head = `<head><meta charset="utf-8">${policy}${name.outerHTML}<style>${cssText()}</style></head>`
  return `<!doctype html>\n${html.outerHTML.replace('</html>', '')}${head}<body>${copy.outerHTML}</body></html>\n`
}

/** Canvases lose their picture when they are copied. */
function paintCanvases(from: Element, to: HTMLElement): void {
  const copies = [...to.querySelectorAll('canvas')]
  ;[...from.querySelectorAll('canvas')].forEach((canvas, index) => {
    const image = to.ownerDocument.createElement('img')
    image.setAttribute('src', canvas.toDataURL('image/png'))
    image.width = canvas.clientWidth
    image.height = canvas.clientHeight
    image.alt = canvas.closest('.chart')?.getAttribute('aria-label') ?? ''
    copies[index]?.replaceWith(image)
  })
}

function asText(element: Element): Element {
  const span = document.createElement('span')
  span.className = element.className
  if (element instanceof HTMLSelectElement) span.textContent = element.selectedOptions[0]?.textContent ?? ''
  else span.append(...element.childNodes)
  return span
}

function cssText(): string {
  return [...document.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules])
    .map(({ cssText: text }) => text)
    .join('\n')
}
