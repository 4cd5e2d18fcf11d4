/**
 * Amounts: what can be added up, exactly.
 */
import type { Amounts } from './view-answer.ts'

/** `impressions`, `clicks`, or the name of a sum under `sums`. */
export type AmountRef = { readonly kind: 'impressions' | 'clicks' } | { readonly kind: 'sum'; readonly name: string }

export const IMPRESSIONS: AmountRef = { kind: 'impressions' }
export const CLICKS: AmountRef = { kind: 'clicks' }

/** One amount: a count as a number, a sum in millionths as a bigint. */
export function amountOf(ref: AmountRef, amounts: Amounts): number | bigint {
  if (ref.kind !== 'sum') return amounts[ref.kind]
  return microsOf(amounts.sums[ref.name] ?? '0')
}

/** A decimal of up to 6 places as whole millionths, exactly. */
export function microsOf(decimal: string): bigint {
  const [units = '0', fraction = ''] = decimal.replace('-', '').split('.')
  const micros = BigInt(units) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6))
  return decimal.startsWith('-') ? -micros : micros
}
