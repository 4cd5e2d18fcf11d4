/**
 * The members of a JSON object as they stand in the text, so that numbers keep their digits.
 *
 * M1  The text is one that `JSON.parse` accepts and an object; nothing is checked again here.
 * M2  Only members that are asked for are kept, their keys compared after unescaping; of a key given twice the last
 *     counts.
 * M3  Nested values are passed over by counting brackets: their depth costs nothing.
 */

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Finds the source text of top-level members.
 *
 * @param text a JSON object
 * @param wanted key to its place in the answer
 * @returns the source of each wanted member's value at its place, `undefined` where the object has none
 */
export function memberSources(text: string, wanted: ReadonlyMap<string, number>): readonly (string | undefined)[] {
  const sources = new Array<string | undefined>(wanted.size).fill(undefined)
  let at = skipSpace(text, skipSpace(text, 0) + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const keyEnd = stringEnd(text, at)
    const place = wanted.get(stringOf(text.slice(at, keyEnd)))
    // Past white space and the colon to the value.
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    if (place !== undefined) sources[place] = text.slice(start, end)
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1)
  }
  return sources
}

/** What a JSON string stands for, given with its quotes. */
export function stringOf(source: string): string {
  if (!source.includes('\\')) return source.slice(1, -1)
  return String(JSON.parse(source))
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

/** Just past the value that begins at `start`. */
function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return stringEnd(text, start)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return containerEnd(text, start)
  let at = start
  while (!endsScalar(text.charCodeAt(at))) at++
  return at
}

function endsScalar(code: number): boolean {
  return code === COMMA || code === CLOSE_BRACE || isSpace(code)
}

/** Just past the closing quote of the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1)
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
  return quote + 1
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}

/** Just past the bracket that closes the one at `start`. */
function containerEnd(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
    at++
  } while (depth > 0)
  return at
}
