/**
 * Arrays in PostgreSQL's text form, written a column at a time.
 *
 * The driver's own array form looks at every element's type and escapes each anew: 0.12 µs an element, measured,
 * against 0.04 (text) and 0.03 (numbers) here. A row has a dozen elements, and the budget of a whole row is some 10 µs.
 *
 * Y1  Text is always quoted, with quotes and backslashes escaped: no text can end its element or be taken for NULL.
 */

const NEEDS_ESCAPE = /["\\]/
const ESCAPED = /["\\]/g

/** `{"a","b\"c"}` */
export function textArray(count: number, at: (index: number) => string): string {
  if (count === 0) return '{}'
  let literal = ''
  for (let i = 0; i < count; i++) {
    const text = at(i)
    const escaped = NEEDS_ESCAPE.test(text) ? text.replace(ESCAPED, String.raw`\$&`) : text
    literal += (i === 0 ? '{"' : '","') + escaped
  }
  return literal + '"}'
}

/** `{1,NULL,2.5}`: for numbers, exact decimals, booleans and times, whose texts need no quotes; null becomes NULL. */
export function plainArray(count: number, at: (index: number) => string | number | boolean | null): string {
  let literal = '{'
  for (let i = 0; i < count; i++) {
    const value = at(i)
    literal += (i === 0 ? '' : ',') + (value === null ? 'NULL' : value)
  }
  return literal + '}'
}
