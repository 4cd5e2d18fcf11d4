/**
 * What a body is said to be.
 */

/** `lines`: NDJSON and nothing else. `json`: one event, an array, or lines. */
export type MediaKind = 'json' | 'lines'

const KINDS: ReadonlyMap<string, MediaKind> = new Map([
  ['application/json', 'json'],
  ['text/plain', 'json'],
  ['application/x-ndjson', 'lines'],
  ['application/ndjson', 'lines'],
  ['application/jsonl', 'lines'],
])

/** The kind a `Content-Type` names, or undefined where it is none that is taken. Text is UTF-8. */
export function mediaKindOf(header: string | undefined): MediaKind | undefined {
  if (header === undefined) return undefined
  const known = KINDS.get(header)
  if (known !== undefined) return known
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase())
  const isUtf8 = parameters.every(
    (parameter) => !parameter.startsWith('charset=') || /^charset="?utf-?8"?$/.test(parameter),
  )
  return isUtf8 ? KINDS.get(type) : undefined
}
