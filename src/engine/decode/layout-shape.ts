/**
 * What a layout is made of, learned from a record the general parser has just found sound.
 */
import type { EventBatch } from '../event-batch.ts'
import { MAX_TRACKED_MEMBERS, NUMBER, STRING, type JsonScanner } from './json-scan.ts'
import type { KnownField } from './record-fields.ts'

const MAX_LITERAL_BYTES = 4096
/** Digits of a time that is read the fast way. */
export const TIME_DIGITS = 13

/** What is done with a value; the commonest first. */
export const OPERATIONS = {
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

/** Literals and what is done with the values between them. */
export interface LayoutShape {
  /** One before each value, and one after the last: one more than there are operations. */
  readonly literals: readonly Uint8Array[]
  readonly operations: readonly number[]
  /** The field of each value, where it is known. */
  readonly fields: readonly (KnownField | undefined)[]
  /** The dimension or sum each value goes to, or -1. */
  readonly targets: readonly number[]
  /** Dimensions and sums that no value goes to. */
  readonly absentDimensions: readonly number[]
  readonly absentSums: readonly number[]
}

/**
 * The shape of the record [start, end) that `scanner` scanned last; undefined where it is not worth predicting: too many
 * members, a known field twice, or a literal that is long or not all printable ASCII.
 */
export function learnShape(
  scanner: JsonScanner,
  known: readonly KnownField[],
  bytes: Uint8Array,
  start: number,
  end: number,
  batch: EventBatch,
): LayoutShape | undefined {
  if (scanner.memberCount > MAX_TRACKED_MEMBERS) return undefined
  const literals: Uint8Array[] = []
  const operations: number[] = []
  const fields: (KnownField | undefined)[] = []
  const seen = new Set<KnownField>()
  let literalStart = start
  for (let member = 0; member < scanner.memberCount; member++) {
    const field = known[scanner.memberFields[member] as number]
    if (field !== undefined && seen.has(field)) return undefined
    if (field !== undefined) seen.add(field)
    const kind = scanner.memberKinds[member] as number
    if (kind !== STRING && kind !== NUMBER) continue
    const valueStart = scanner.memberStarts[member] as number
    const valueEnd = scanner.memberEnds[member] as number
    literals.push(bytes.slice(literalStart, valueStart))
    operations.push(kind === STRING ? stringOperation(field) : numberOperation(field, bytes, valueStart, valueEnd))
    fields.push(field)
    literalStart = valueEnd
  }
  literals.push(bytes.slice(literalStart, end))
  if (!literals.every(isPredictable)) return undefined
  return { literals, operations, fields, targets: fields.map(targetOf), ...absent(fields, batch) }
}

/** Whether two shapes decode the same records in the same way. */
export function isSameShape(a: LayoutShape, b: LayoutShape): boolean {
  return (
    a.operations.length === b.operations.length &&
    a.operations.every((operation, i) => operation === b.operations[i]) &&
    a.literals.every((literal, i) => isSameBytes(literal, b.literals[i] as Uint8Array))
  )
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function isPredictable(literal: Uint8Array): boolean {
  return literal.length <= MAX_LITERAL_BYTES && literal.every((byte) => byte >= 0x20 && byte < 0x7f)
}

function stringOperation(field: KnownField | undefined): number {
  if (field === undefined) return OPERATIONS.skipString
  if (field.type === 'time') return OPERATIONS.timeString
  const roles = (field.isEventId ? 1 : 0) + (field.isImpressionId ? 1 : 0) + field.dimensions.length
  if (roles === 0 && !field.required) return OPERATIONS.skipString
  if (roles !== 1) return OPERATIONS.textString
  if (field.isEventId) return OPERATIONS.eventId
  if (field.isImpressionId) return OPERATIONS.impressionId
  return field.required ? OPERATIONS.textString : OPERATIONS.dimension
}

function numberOperation(field: KnownField | undefined, bytes: Uint8Array, start: number, end: number): number {
  if (field === undefined) return OPERATIONS.skipNumber
  if (field.type === 'money') return OPERATIONS.money
  if (field.type !== 'time') return OPERATIONS.textNumber
  const isPlain = field.isEventTime && end - start === TIME_DIGITS && bytes.subarray(start, end).every(isDigit)
  return isPlain ? OPERATIONS.eventTime : OPERATIONS.timeNumber
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function targetOf(field: KnownField | undefined): number {
  if (field === undefined) return -1
  return field.type === 'money' ? field.sum : (field.dimensions[0] ?? -1)
}

function absent(
  fields: readonly (KnownField | undefined)[],
  batch: EventBatch,
): { absentDimensions: number[]; absentSums: number[] } {
  const hasDimension = (index: number): boolean => fields.some((field) => field?.dimensions.includes(index))
  const hasSum = (index: number): boolean => fields.some((field) => field?.sum === index)
  return {
    absentDimensions: [...batch.dimensions.keys()].filter((index) => !hasDimension(index)),
    absentSums: [...batch.sumsMicros.keys()].filter((index) => !hasSum(index)),
  }
}
