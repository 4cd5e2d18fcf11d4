/**
 * From the exact quantities the server sends to the texts and heights the page shows.
 */
import { ratioOf } from '../../../src/pipeline/cells.ts'
import type { PageMeasure, RatioMeasure } from '../../../src/pipeline/page.ts'
import type { Values } from '../../../src/server/page-data.ts'
import {
  formatCount,
  formatMoney,
  formatPlain,
  formatShare,
  formatShort,
  formatSigned,
  NOTHING,
  THIN_SPACE,
} from '../format/numbers.ts'
import { countsDiffer, FEW_EVENTS, sharesDiffer, wilsonInterval } from '../../../src/query/shares.ts'

/** Quantities from this index on are sums in millionths. */
const FIRST_SUM = 2

/** How a change looks: better, worse, or neither. */
export type Tone = 'up' | 'down' | 'flat'

export interface Change {
  readonly text: string
  readonly tone: Tone
}

/** One quantity: a count as a number, a sum in millionths as a bigint. */
export function amountOf(values: Values, quantity: number): number | bigint {
  const value = values[quantity] ?? 0
  return quantity >= FIRST_SUM ? BigInt(value) : Number(value)
}

/** A measure as a number, in units: what charts draw. Null for a ratio over nothing. */
export function measureNumber(measure: PageMeasure, values: Values): number | null {
  if (measure.kind === 'ratio') return ratioNumber(measure, values)
  const amount = amountOf(values, measure.quantity)
  return typeof amount === 'bigint' ? Number(amount) / 1e6 : amount
}

/** A measure as text: `few` for a ratio of too few events, a dash for a ratio over nothing. */
export function measureText(measure: PageMeasure, values: Values): string {
  if (measure.kind !== 'ratio') {
    const amount = amountOf(values, measure.quantity)
    return typeof amount === 'bigint' ? formatMoney(amount) : formatCount(amount)
  }
  const ratio = ratioNumber(measure, values)
  if (ratio === null) return NOTHING
  return hasFew(measure, values) ? 'few' : ratioText(measure, ratio)
}

/** A ratio with its unit. */
function ratioText(measure: RatioMeasure, ratio: number): string {
  if (measure.unit === 'share') return formatShare(ratio)
  return measure.unit === 'money' ? formatMoney(BigInt(Math.round(ratio * 1e6))) : formatPlain(ratio)
}

/** A value of a measure that is a number already. */
export function numberText(measure: PageMeasure, value: number): string {
  if (measure.kind === 'ratio') return ratioText(measure, value)
  return measure.kind === 'money' ? formatMoney(BigInt(Math.round(value * 1e6))) : formatCount(Math.round(value))
}

/** A value on an axis. */
export function axisText(measure: PageMeasure, value: number): string {
  if (measure.kind !== 'ratio' || measure.unit !== 'share') return formatShort(value)
  return value === 0 ? '0' : `${formatShort(value * 100)}${THIN_SPACE}%`
}

/** Whether a ratio stands on too few events to be shown. */
export function hasFew(measure: RatioMeasure, values: Values): boolean {
  const denominator = amountOf(values, measure.denominator)
  return typeof denominator === 'number' && denominator < FEW_EVENTS
}

/** The 95 % interval of a share, `7.60–7.86`; undefined for other measures and for too few events. */
export function intervalText(measure: PageMeasure, values: Values): string | undefined {
  if (measure.kind !== 'ratio' || measure.unit !== 'share' || hasFew(measure, values)) return undefined
  const { clicks, of } = shareOf(measure, values)
  const [low, high] = wilsonInterval(clicks, of)
  return `${(low * 100).toFixed(2)}–${(high * 100).toFixed(2)}`
}

/**
 * How a measure changed: shares in points, everything else in percent. Undefined where there is nothing to compare
 * with. Spending more is neither better nor worse, and what chance alone could do is none.
 */
export function measureChange(
  measure: PageMeasure,
  now: Values | undefined,
  before: Values | undefined,
): Change | undefined {
  if (now === undefined || before === undefined) return undefined
  const current = measureNumber(measure, now)
  const previous = measureNumber(measure, before)
  if (current === null || previous === null) return undefined
  if (measure.kind === 'ratio') {
    if (hasFew(measure, now) || hasFew(measure, before)) return undefined
    if (measure.unit === 'share') return shareChange(measure, now, before)
  }
  if (previous === 0) return undefined
  const percent = (current / previous - 1) * 100
  const isMeant = measure.kind === 'count' && countsDiffer(current, previous)
  const tone = isMeant ? toneOf(Number(percent.toFixed(1))) : 'flat'
  return { text: `${formatSigned(percent, 1)}${THIN_SPACE}%`, tone }
}

function shareChange(measure: RatioMeasure, now: Values, before: Values): Change {
  const current = shareOf(measure, now)
  const previous = shareOf(measure, before)
  const points = (current.clicks / current.of - previous.clicks / previous.of) * 100
  return {
    text: `${formatSigned(points, 2)}${THIN_SPACE}pt`,
    tone: sharesDiffer(current, previous) ? toneOf(points) : 'flat',
  }
}

function shareOf(measure: RatioMeasure, values: Values): { clicks: number; of: number } {
  return { clicks: Number(amountOf(values, measure.numerator)), of: Number(amountOf(values, measure.denominator)) }
}

function ratioNumber(measure: RatioMeasure, values: Values): number | null {
  return ratioOf(amountOf(values, measure.numerator), amountOf(values, measure.denominator), measure.scale)
}

function toneOf(change: number): Tone {
  return change === 0 ? 'flat' : change > 0 ? 'up' : 'down'
}
