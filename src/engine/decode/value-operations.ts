/**
 * What is done with a value of a predicted record, by the field it belongs to and the form it had when it was learned.
 */
import { NULL, NUMBER, STRING } from './json-scan.ts'
import type { KnownField } from './record-fields.ts'

/** The operations by name. Negative ones read no value. */
export const OPERATIONS = {
  /** The record ends here. */
  close: -2,
  /** The value is part of the literal. */
  nothing: -1,
  skipString: 0,
  eventId: 1,
  dimension: 2,
  eventTime: 3,
  money: 4,
  impressionId: 5,
  skipNumber: 6,
  textString: 7,
  textNumber: 8,
  timeString: 9,
  timeNumber: 10,
} as const

/** Digits of an event time that is read the fast way. */
export const TIME_DIGITS = 13

/** The operation for a value of `kind` at [start, end); undefined for kinds that are not predicted. */
export function operationFor(
  kind: number,
  field: KnownField | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): number | undefined {
  if (kind === STRING) return forString(field)
  if (kind === NUMBER) return forNumber(field, bytes, start, end)
  return kind === NULL ? OPERATIONS.nothing : undefined
}

function forString(field: KnownField | undefined): number {
  if (field === undefined) return OPERATIONS.skipString
  if (field.type === 'time') return OPERATIONS.timeString
  const roles = (field.isEventId ? 1 : 0) + (field.isImpressionId ? 1 : 0) + field.dimensions.length
  if (roles === 0 && !field.required) return OPERATIONS.skipString
  if (roles !== 1) return OPERATIONS.textString
  if (field.isEventId) return OPERATIONS.eventId
  if (field.isImpressionId) return OPERATIONS.impressionId
  return field.required ? OPERATIONS.textString : OPERATIONS.dimension
}

function forNumber(field: KnownField | undefined, bytes: Uint8Array, start: number, end: number): number {
  if (field === undefined) return OPERATIONS.skipNumber
  if (field.type === 'money') return OPERATIONS.money
  if (field.type !== 'time') return OPERATIONS.textNumber
  const isPlain = field.isEventTime && end - start === TIME_DIGITS && bytes.subarray(start, end).every(isDigit)
  return isPlain ? OPERATIONS.eventTime : OPERATIONS.timeNumber
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
