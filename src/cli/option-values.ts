/**
 * Values of options as people type them. Each parser fails with the allowed form; commander adds option and value.
 */
import { InvalidArgumentError } from 'commander'
import { BROKERS, BROKERS_FORM } from '../pipeline/check/sources.ts'
import { DURATION_FORM, formatDuration, parseDuration } from '../time/duration.ts'

/** A duration such as `30m`, in milliseconds. */
export function durationMs(text: string): number {
  const value = parseDuration(text)
  if (value === undefined) throw new InvalidArgumentError(`Allowed: ${DURATION_FORM}.`)
  return value
}

/** A time in ISO 8601 with its zone, such as `2026-01-01T00:00:00Z`, in milliseconds since the epoch. */
export function instant(text: string): number {
  const value = instantMs(text)
  if (!Number.isNaN(value)) return value
  throw new InvalidArgumentError('Allowed: ISO-8601 with a zone, such as 2026-01-01T00:00:00Z.')
}

/** The same, or how long before now, such as `30m`. */
export function instantOrAgo(text: string): number {
  const agoMs = parseDuration(text)
  const value = agoMs === undefined ? instantMs(text) : Date.now() - agoMs
  if (!Number.isNaN(value)) return value
  throw new InvalidArgumentError(
    'Allowed: a time with its zone, such as 2026-01-01T12:00:00Z, or how long ago, such as 30m.',
  )
}

// `Date.parse` takes any number for a month or a year, and a time without a zone for one of this machine's.
function instantMs(text: string): number {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN
}

/** A parser of durations in `[minMs, maxMs]`. */
export function durationBetween(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    const value = parseDuration(text)
    if (value !== undefined && value >= minMs && value <= maxMs) return value
    const meant = value === undefined && /^\d+$/.test(text.trim()) ? ` (Did you mean ${text.trim()}s?)` : ''
    throw new InvalidArgumentError(`Allowed: ${formatDuration(minMs)} to ${formatDuration(maxMs)}.${meant}`)
  }
}

/** A share of 0 to 1, written `2%` or `0.02`. */
export function share(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text.trim())
  const value = match === null ? NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1)
  if (!(value <= 1)) throw new InvalidArgumentError('Allowed: 0% to 100%, or 0 to 1.')
  return value
}

/** Collects values, where an option may be repeated. */
export function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** A path, which may be of something that is not there. */
export function pathOf(text: string): string {
  if (text === '' || text.includes('\0')) throw new InvalidArgumentError('Allowed: a path.')
  return text
}

/** A parser of whole numbers in `[least, most]`; `1_000_000` and `1000000` are one number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}(_\d{3})*$/.test(text.trim()) ? Number(text.trim().replaceAll('_', '')) : NaN
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`Allowed: a whole number from ${least} to ${most}.`)
    return value
  }
}

/** A port: 0 (any free one) to 65535. */
export const port: (text: string) => number = wholeNumber(0, 65_535)

/** A number of bytes such as `500MB`, `20GB`, `4GiB` or `1000000`. */
export function byteCount(text: string): number {
  const match = /^(\d{1,15}(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$/.exec(text.trim())
  const value = match === null ? NaN : Math.round(Number(match[1]) * (BYTES_PER[match[2] ?? 'B'] ?? NaN))
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Allowed: bytes as 500MB, 20GB, 1000000.')
  return value
}

const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** A number of bytes that is not below `least`. */
export function byteCountFrom(least: number): (text: string) => number {
  return (text) => {
    const value = byteCount(text)
    if (value < least) throw new InvalidArgumentError(`Allowed: ${Math.round(least / 1e6)}MB or more.`)
    return value
  }
}

/** Addresses of Kafka brokers, such as `kafka-1:9092,kafka-2:9092`. */
export function brokers(text: string): string {
  if (BROKERS.test(text)) return text
  throw new InvalidArgumentError(`Allowed: ${BROKERS_FORM}, as 127.0.0.1:9092.`)
}

/** The address of a server that commands ask, such as `http://localhost:4400`, without a slash at its end. */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isServer = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  if (isServer) return url.href.replace(/\/+$/, '')
  throw new InvalidArgumentError('Allowed: http or https and a host, as http://localhost:4400.')
}

/** What others call a server, such as `https://ads.example`. */
export function publicUrl(text: string): URL {
  const url = originOf(text, ['https:'])
  if (url === undefined) throw new InvalidArgumentError('Allowed: https and a host, as https://ads.example.')
  return url
}

/** Collects origins such as `https://intranet.example`, where an option may be repeated. */
export function origins(text: string, before: readonly string[] = []): readonly string[] {
  const url = originOf(text, ['https:', 'http:'])
  if (url === undefined) throw new InvalidArgumentError('Allowed: scheme and host, as https://intranet.example.')
  return [...before, url.origin]
}

function originOf(text: string, schemes: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOrigin = url !== undefined && schemes.includes(url.protocol) && url.href === `${url.origin}/`
  return isOrigin ? url : undefined
}
