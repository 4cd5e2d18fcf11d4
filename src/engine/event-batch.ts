/**
 * A batch of decoded events: what a decoder writes and the operators read, column by column.
 *
 * B1  Rows are in the order of the partition they were read from, malformed ones included.
 * B2  Where `malformed[i]` is not 0, only the position columns of row i mean anything.
 * B3  Two ids have equal lanes exactly when their texts are equal byte for byte (a canonical lower-case UUID is its own
 *     128 bits; any other text is a keyed 128-bit hash).
 * B4  A batch is reused: nothing keeps a reference to its columns.
 */

/** Why an event is malformed. 0 means that it is not. */
export const MALFORMED_REASONS = [
  'none',
  'not_json',
  'not_an_object',
  'record_too_long',
  'invalid_utf8',
  'missing_field',
  'wrong_type',
  'bad_time',
  'bad_money',
  'text_too_long',
  'unstorable_text',
] as const

export type MalformedReason = (typeof MALFORMED_REASONS)[number]

/** Columns for up to `capacity` events of one stream. */
export class EventBatch {
  readonly capacity: number
  /** Rows that a decoder may fill at present, up to `capacity`. */
  limit: number
  /** Rows in use. */
  count = 0
  /** Index into {@link MALFORMED_REASONS}. */
  readonly malformed: Uint8Array
  /** Index of the offending field in the stream's `fields`, or 255 where no field is to blame. */
  readonly malformedField: Uint8Array
  /** Event time, ms since the epoch. */
  readonly timeMs: Float64Array
  /** The event's own id: four lanes a row, row-major. */
  readonly id: Int32Array
  /** Clicks: the impression's id, four lanes a row. Impressions: empty. */
  readonly impressionId: Int32Array
  /** Impressions: one column of dictionary codes for each dimension of the plan. Clicks: none. */
  readonly dimensions: readonly Int32Array[]
  /** Impressions: one column of millionths for each summed field of the plan. Clicks: none. */
  readonly sumsMicros: readonly Float64Array[]
  /** Where the record's bytes start and end in the block it was decoded from, white space around it left out. */
  readonly byteStart: Uint32Array
  readonly byteEnd: Uint32Array
  /** Position in the partition: the line's number from 1 in a file, the offset in a topic. */
  readonly position: Float64Array

  constructor(capacity: number, shape: { hasImpressionId: boolean; dimensionCount: number; sumCount: number }) {
    this.capacity = capacity
    this.limit = capacity
    this.malformed = new Uint8Array(capacity)
    this.malformedField = new Uint8Array(capacity)
    this.timeMs = new Float64Array(capacity)
    this.id = new Int32Array(capacity * 4)
    this.impressionId = new Int32Array(shape.hasImpressionId ? capacity * 4 : 0)
    this.dimensions = Array.from({ length: shape.dimensionCount }, () => new Int32Array(capacity))
    this.sumsMicros = Array.from({ length: shape.sumCount }, () => new Float64Array(capacity))
    this.byteStart = new Uint32Array(capacity)
    this.byteEnd = new Uint32Array(capacity)
    this.position = new Float64Array(capacity)
  }
}
