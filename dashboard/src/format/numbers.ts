/**
 * Numbers as the page writes them: grouped, with a true minus sign and a thin space before units.
 */

/** Between a number and its unit. */
export const THIN_SPACE = '\u2009'
const MINUS = '\u2212'
/** For what does not exist: 0 / 0, or no hour before. */
export const NOTHING = '\u2014'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** `167,402` */
export function formatCount(count: number | bigint): string {
  return withMinus(whole.format(count))
}

/** For axes: `1.5k`, `20k`, `3M`. */
export function formatShort(value: number): string {
  for (const [size, suffix] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(value) >= size) return withMinus(`${trimmed(value / size, 1)}${suffix}`)
  }
  return withMinus(trimmed(value, value !== 0 && Math.abs(value) < 1 ? 2 : 1))
}

/** `0 B`, `12 kB`, `3.4 GB` */
export function formatBytes(bytes: number): string {
  for (const [size, unit] of [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (bytes >= size) return `${trimmed(bytes / size, bytes / size < 10 ? 1 : 0)}${THIN_SPACE}${unit}`
  }
  return `${bytes}${THIN_SPACE}B`
}

/** Millionths as units with two decimals, rounded half away from zero: `42,688.10`. */
export function formatMoney(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const cents = (size + 5_000n) / 10_000n
  const text = `${whole.format(cents / 100n)}.${(cents % 100n).toString().padStart(2, '0')}`
  return micros < 0n && cents > 0n ? MINUS + text : text
}

/** A share of 1 in percent: `7.73 %`. */
export function formatShare(share: number, digits: number = 2): string {
  return `${withMinus((share * 100).toFixed(digits))}${THIN_SPACE}%`
}

/** Any other number, with about four significant digits. */
export function formatPlain(value: number): string {
  const digits = Math.abs(value) >= 1_000 ? 0 : Math.abs(value) >= 10 ? 2 : 3
  return withMinus(new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }).format(value))
}

/** With its sign and one or two decimals: `+4.1`, `−0.51`, `±0.0`. */
export function formatSigned(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits)
  if (Number(text) === 0) return `±${text}`
  const [units = '', decimals] = text.split('.')
  const grouped = whole.format(BigInt(units)) + (decimals === undefined ? '' : `.${decimals}`)
  return (value < 0 ? MINUS : '+') + grouped
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

function withMinus(text: string): string {
  return text.replace('-', MINUS)
}
