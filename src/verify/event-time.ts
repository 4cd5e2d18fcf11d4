/**
 * Event times as producers write them: whole milliseconds since the epoch, or ISO 8601 with a zone.
 */
import { MINUTE_MS } from '../time/units.ts'
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../time/window.ts'
import { parseDecimal, wholeNumberOf, type Decimal } from './decimal.ts'

const DIGITS = /^[0-9]+$/
const DATE = /^(\d{4})-(\d\d)-(\d\d)[Tt ]/
const CLOCK = /(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?/
const ZONE = /(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)$/
const ISO = new RegExp(DATE.source + CLOCK.source + ZONE.source)

/** The event time a number gives, in milliseconds; `undefined` where it has a fraction or is out of range. */
export function timeOfNumber(decimal: Decimal): number | undefined {
  return inRange(wholeNumberOf(decimal))
}

/** The event time a text gives, in milliseconds; `undefined` where it is none, finer than 1 ms, or out of range. */
export function timeOfText(text: string): number | undefined {
  return DIGITS.test(text) ? timeOfNumber(parseDecimal(text)) : inRange(isoTime(text))
}

function inRange(timeMs: number | undefined): number | undefined {
  return timeMs !== undefined && timeMs >= MIN_EVENT_TIME_MS && timeMs < END_EVENT_TIME_MS ? timeMs : undefined
}

function isoTime(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second = '0', fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] =
    match
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  if (Number(offsetHours) > 23 || Number(offsetMinutes) > 59) return undefined
  const dayMs = midnight(Number(year), Number(month), Number(day))
  const fractionMs = millisecondsOf(fraction)
  if (dayMs === undefined || fractionMs === undefined) return undefined
  const localMinutes = Number(hour) * 60 + Number(minute)
  const eastMinutes = (sign === '-' ? -1 : 1) * (Number(offsetHours) * 60 + Number(offsetMinutes))
  return dayMs + (localMinutes - eastMinutes) * MINUTE_MS + Number(second) * 1_000 + fractionMs
}

/** The first millisecond of a day that the calendar has. */
function midnight(year: number, month: number, day: number): number | undefined {
  const timeMs = Date.UTC(year, month - 1, day)
  const date = new Date(timeMs)
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? timeMs : undefined
}

/** Digits after the decimal point of a second; `undefined` where they say more than milliseconds can. */
function millisecondsOf(fraction: string): number | undefined {
  return /^0*$/.test(fraction.slice(3)) ? Number(fraction.slice(0, 3).padEnd(3, '0')) : undefined
}
