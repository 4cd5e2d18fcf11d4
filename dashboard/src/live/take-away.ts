/**
 * What is seen, taken out of the page: to the clipboard and to a file.
 */
import { say } from '../state/overlay.ts'

/** Copies a text. */
export function copyText(text: string, what: string): void {
  navigator.clipboard.writeText(text).then(
    () => say(`${what} copied`),
    () => say('This browser does not let the page copy. Download it instead.'),
  )
}

/** Downloads a text as a file. */
export function downloadText(text: string, name: string, kind: 'text/csv' | 'application/json' | 'text/html'): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${kind};charset=utf-8` }))
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  URL.revokeObjectURL(url)
}
