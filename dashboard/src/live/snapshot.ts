/**
 * The page as it is now, as one HTML file that needs nothing else and changes no more.
 *
 * S1  It holds no script and asks nobody for anything: its own policy forbids both.
 */

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
/** What only a live page can do. */
const LIVE_ONLY = '.tools, .board-tools, .choice, .menu, .quiet, .notice-line, dialog, script, .tip'

/** The text of the file. */
export function snapshotHtml(title: string): string {
  const sheet = document.querySelector('.sheet')
  if (sheet === null) return ''
  const copy = sheet.cloneNode(true) as HTMLElement
  paintCanvases(sheet, copy)
  for (const element of copy.querySelectorAll(LIVE_ONLY)) element.remove()
  for (const element of copy.querySelectorAll('button, select, input')) element.replaceWith(asText(element))
  copy.querySelector('.fresh')?.replaceChildren(`Snapshot of ${new Date().toISOString().slice(0, 19)}Z`)
  copy.classList.remove('is-stale', 'is-waiting')
  const root = document.documentElement
  const file = document.implementation.createHTMLDocument(title)
  const policy = file.createElement('meta')
  policy.httpEquiv = 'Content-Security-Policy'
  policy.content = POLICY
  const charset = file.createElement('meta')
  charset.setAttribute('charset', 'utf-8')
  const style = file.createElement('style')
  style.textContent = cssText()
  file.head.prepend(charset, policy)
  file.head.append(style)
  file.documentElement.lang = 'en'
  Object.assign(file.documentElement.dataset, root.dataset)
  file.body.append(file.importNode(copy, true))
  return `<!doctype html>\n${file.documentElement.outerHTML}\n`
}

/** Canvases lose their picture when they are copied. */
function paintCanvases(from: Element, to: HTMLElement): void {
  const copies = [...to.querySelectorAll('canvas')]
  ;[...from.querySelectorAll('canvas')].forEach((canvas, index) => {
    const image = document.createElement('img')
    image.setAttribute('src', canvas.toDataURL('image/png'))
    image.setAttribute('style', `width: ${canvas.clientWidth}px; height: ${canvas.clientHeight}px`)
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
