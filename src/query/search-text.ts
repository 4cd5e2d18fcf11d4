/**
 * The search part of a URL as keys and values, and lists inside a value.
 */
import { viewError } from './view-error.ts'

/** One key and its value, neither of them encoded. */
export type SearchEntry = readonly [key: string, value: string]

/** `a=1&b=2`. What is safe in a search part and easy on the eye is not encoded. */
export function formatSearch(entries: readonly SearchEntry[]): string {
  return entries.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&')
}

/**
 * The entries of a search part, with or without `?`.
 *
 * @throws TidemarkError VIEW_INVALID for what no URL holds
 */
export function parseSearch(search: string): readonly SearchEntry[] {
  const text = search.startsWith('?') ? search.slice(1) : search
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part): SearchEntry => {
      const at = part.indexOf('=')
      return at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))]
    })
}

/** Texts with `separator` between them. */
export function joinEscaped(texts: readonly string[], separator: ',' | ';'): string {
  return texts.map((text) => text.replaceAll('\\', '\\\\').replaceAll(separator, `\\${separator}`)).join(separator)
}

/** The texts that {@link joinEscaped} put together; always one at least. */
export function splitEscaped(text: string, separator: ',' | ';'): readonly string[] {
  const parts: string[] = ['']
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i)
    if (unit === separator) parts.push('')
    else parts[parts.length - 1] += unit === '\\' && i + 1 < text.length ? text.charAt(++i) : unit
  }
  return parts
}

function encode(text: string): string {
  // A browser would write ' like that, and the address would be another text.
  return encodeURIComponent(text)
    .replaceAll("'", '%27')
    .replace(/%2C|%3B|%3A|%2F|%3D/g, (code) => decodeURIComponent(code))
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw viewError('view', 'is not well encoded', text, ['text encoded as %XX in UTF-8'])
  }
}
