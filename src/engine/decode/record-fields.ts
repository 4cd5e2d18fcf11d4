/**
 * The known fields of one stream, numbered in the order of the plan, and where in a batch each of them goes.
 */
import { TidemarkError } from '../../errors.ts'
import { summedFields, type FieldType, type Plan, type StreamName } from '../../pipeline/plan.ts'
import { encodeUtf8 } from './utf8.ts'

/** One known field and its columns in the batch. A field without columns is still checked. */
export interface KnownField {
  readonly name: string
  /** UTF-8 bytes of the name, to be compared with unescaped keys. */
  readonly nameBytes: Uint8Array
  readonly type: FieldType
  readonly required: boolean
  readonly isEventId: boolean
  /** Whether it fills the column of impression ids, which only clicks have. */
  readonly isImpressionId: boolean
  readonly isEventTime: boolean
  /** Indexes of the dimensions read from it. */
  readonly dimensions: readonly number[]
  /** Index of its sum, or -1. */
  readonly sum: number
}

/** A field's number when a key names none. */
export const UNKNOWN_FIELD = -1

/** The known fields of `stream`. Throws INTERNAL where the plan breaks its own promises (P3). */
export function knownFields(plan: Plan, stream: StreamName): readonly KnownField[] {
  const streamPlan = plan.streams[stream]
  const sums = stream === 'impressions' ? summedFields(plan) : []
  const dimensionFields = stream === 'impressions' ? plan.dimensions.map((dimension) => dimension.field) : []
  const fields = streamPlan.fields.map((field): KnownField => ({
    name: field.name,
    nameBytes: encodeUtf8(field.name),
    type: field.type,
    required: field.required,
    isEventId: field.name === streamPlan.idField,
    isImpressionId: stream === 'clicks' && field.name === streamPlan.impressionIdField,
    isEventTime: field.name === streamPlan.eventTimeField,
    dimensions: dimensionFields.flatMap((name, index) => (name === field.name ? [index] : [])),
    sum: sums.indexOf(field.name),
  }))
  checkRoles(fields, stream, dimensionFields, sums)
  return fields
}

function checkRoles(
  fields: readonly KnownField[],
  stream: StreamName,
  dimensionFields: readonly string[],
  sums: readonly string[],
): void {
  const need = (role: string, has: (field: KnownField) => boolean): void => {
    if (!fields.some(has))
      throw new TidemarkError('INTERNAL', `Stream "${stream}" of the plan has no field for ${role}.`)
  }
  const isText = (field: KnownField): boolean => field.type === 'id' || field.type === 'text'
  need('its id', (field) => field.isEventId && isText(field) && field.required)
  need('its event time', (field) => field.isEventTime && field.type === 'time' && field.required)
  if (stream === 'clicks') need('the impression id', (field) => field.isImpressionId && isText(field) && field.required)
  dimensionFields.forEach((name, i) =>
    need(`dimension "${name}"`, (field) => field.dimensions.includes(i) && isText(field)),
  )
  sums.forEach((name, i) => need(`the sum of "${name}"`, (field) => field.sum === i && field.type === 'money'))
  if (fields.length > 254) throw new TidemarkError('INTERNAL', `Stream "${stream}" has more than 254 known fields.`)
}

/** Finds a known field by the bytes of its unescaped key. */
export class FieldIndex {
  readonly #names: readonly Uint8Array[]
  /** Longest name, in bytes. */
  readonly maxNameBytes: number
  /** First field of each bucket + 1, and the next one of each field + 1. */
  readonly #buckets = new Uint8Array(256)
  readonly #next: Uint8Array

  constructor(names: readonly Uint8Array[]) {
    this.#names = names
    this.maxNameBytes = names.reduce((longest, name) => Math.max(longest, name.length), 0)
    this.#next = new Uint8Array(names.length)
    names.forEach((name, field) => {
      const bucket = bucketOf(name, 0, name.length)
      this.#next[field] = this.#buckets[bucket] as number
      this.#buckets[bucket] = field + 1
    })
  }

  /** The number of the field whose name is [start, end), or {@link UNKNOWN_FIELD}. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let field = (this.#buckets[bucketOf(bytes, start, end)] as number) - 1
    while (field >= 0) {
      if (equals(this.#names[field] as Uint8Array, bytes, start, end)) return field
      field = (this.#next[field] as number) - 1
    }
    return UNKNOWN_FIELD
  }
}

function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length === 0) return 0
  return (length * 17 + (bytes[start] as number) * 3 + (bytes[end - 1] as number) * 7) & 0xff
}

function equals(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false
  return true
}
