/**
 * JSON numbers taken at their word: the decimal text is read exactly, never through a rounded double.
 *
 * N1  Work is in proportion to the length of the text, whatever its exponent says.
 */

/** A number as ± 0.DIGITS × 10^point; DIGITS neither begins nor ends with 0, and zero has none. */
export interface Decimal {
  readonly negative: boolean
  readonly digits: string
  /** Where the decimal point stands, counted from the first digit. ±Infinity where the exponent is beyond all use. */
  readonly point: number
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
const ZERO = 48
const FIVE = 53

/** The largest amount of money, 1,000,000 currency units, in millionths. */
export const MAX_MICROS = 1_000_000_000_000

/** Reads a number that the JSON grammar has accepted, or digits alone. Throws RangeError on anything else. */
export function parseDecimal(text: string): Decimal {
  const match = NUMBER.exec(text)
  if (match === null) throw new RangeError(`"${text}" is not a decimal number`)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const all = whole + fraction
  let start = 0
  let end = all.length
  while (all.charCodeAt(start) === ZERO) start++
  while (end > start && all.charCodeAt(end - 1) === ZERO) end--
  return {
    negative: sign === '-',
    digits: all.slice(start, end),
    point: whole.length - start + Number(exponent),
  }
}

/** The value of a decimal that is whole, not negative and below 10^15; `undefined` of any other. */
export function wholeNumberOf({ negative, digits, point }: Decimal): number | undefined {
  if (digits === '') return 0
  if (negative || point < digits.length || point > 15) return undefined
  return Number(digits.padEnd(point, '0'))
}

/**
 * An amount of money in millionths: first rounded half away from zero to 6 decimals, then held against its range.
 *
 * @returns 0 to {@link MAX_MICROS}, or `undefined` where the rounded amount is out of range
 */
export function microsOf({ negative, digits, point }: Decimal): number | undefined {
  const wholeDigits = point + 6
  if (digits === '' || wholeDigits < 0) return 0
  if (wholeDigits > 13) return undefined
  const cut = Number(`0${digits.slice(0, wholeDigits).padEnd(wholeDigits, '0')}`)
  const micros = digits.charCodeAt(wholeDigits) >= FIVE ? cut + 1 : cut
  return micros > MAX_MICROS || (negative && micros > 0) ? undefined : micros
}
