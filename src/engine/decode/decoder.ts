/**
 * From blocks of bytes to rows of a batch: NDJSON lines, or one record at a time.
 *
 * K1  Every record becomes exactly one row, malformed ones included; a line of nothing but white space is no record.
 * K2  Every line counts as one position, a blank one too.
 * K3  Rows do not depend on where blocks, batches or calls begin and end.
 * K4  Nothing of a block is kept; `byteStart` and `byteEnd` point into the block given.
 */
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import { summedFields } from '../../pipeline/plan.ts'
import { EventBatch } from '../event-batch.ts'
import { Programs } from './compiled/programs.ts'
import { Dictionary } from './dictionary.ts'
import { IdHash } from './id-hash.ts'
import { NO_FIELD, REASON, RecordParser } from './json-record.ts'
import { LayoutPredictor } from './layout-predictor.ts'
import { isSpace } from './json-scan.ts'
import { knownFields } from './record-fields.ts'
import { afterLineEnd, endRow } from './record-layout.ts'

/** A longer record, white space around it left out, is malformed. */
export const MAX_RECORD_BYTES = 1_048_576

/** Compiling takes about as long as a thousand records. */
const COMPILE_AFTER_RECORDS = 512

const LF = 0x0a

/** Where a call to {@link Decoder.decodeLines} got to. */
export interface LinesDecoded {
  /** Start of the first line not decoded. */
  readonly nextStart: number
  /** Position of that line. */
  readonly nextPosition: number
}

/** What a decoder is made of. */
export interface DecoderOptions {
  readonly plan: Plan
  readonly stream: StreamName
  /** One for each dimension of the plan, shared by all decoders of an engine. */
  readonly dictionaries: readonly Dictionary[]
  /** Four secret lanes: the key under which ids that are no UUIDs are hashed. */
  readonly idKey: Int32Array
  /** Records that a prediction decodes before it is compiled; only how fast it goes depends on it. */
  readonly compileAfterRecords?: number
}

/** An empty batch with the columns of `stream`. */
export function createBatch(plan: Plan, stream: StreamName, capacity: number): EventBatch {
  const isImpressions = stream === 'impressions'
  return new EventBatch(capacity, {
    hasImpressionId: !isImpressions,
    dimensionCount: isImpressions ? plan.dimensions.length : 0,
    sumCount: isImpressions ? summedFields(plan).length : 0,
  })
}

/** The dictionaries of a plan's dimensions, in its order. `seed` is a secret of this process. */
export function createDictionaries(plan: Plan, seed: number): Dictionary[] {
  return plan.dimensions.map((dimension, index) => new Dictionary(dimension.missing, seed + index))
}

/** A decoder for records of one stream. It may serve any number of partitions, one call after another. */
export function createDecoder(options: DecoderOptions): Decoder {
  return new Decoder(options)
}

export class Decoder {
  readonly #parser: RecordParser
  readonly #predictor: LayoutPredictor
  readonly #programs: Programs
  #predictedRecords = 0
  #view: DataView = new DataView(new ArrayBuffer(0))

  constructor(options: DecoderOptions) {
    const fields = knownFields(options.plan, options.stream)
    this.#parser = new RecordParser(fields, options.dictionaries, new IdHash(options.idKey))
    const isImpressions = options.stream === 'impressions'
    this.#programs = new Programs(
      isImpressions ? options.dictionaries : [],
      isImpressions ? summedFields(options.plan).length : 0,
      options.compileAfterRecords ?? COMPILE_AFTER_RECORDS,
    )
    this.#predictor = new LayoutPredictor(fields, this.#parser, options.dictionaries, this.#programs)
  }

  /** Records decoded by a prediction so far; the general parser read all others. */
  get predictedRecords(): number {
    return this.#predictedRecords
  }

  /** Records decoded by compiled predictions so far, out of {@link predictedRecords}. */
  get compiledRecords(): number {
    return this.#programs.records
  }

  /**
   * Appends the events of whole lines in [start, end) to `batch`, until it holds `limit` rows or no whole line is left.
   * A line is whole when its LF is there; what follows the last LF is left to the caller.
   *
   * @param firstPosition position of the line at `start`: its number in the file, from 1
   */
  decodeLines(block: Uint8Array, start: number, end: number, batch: EventBatch, firstPosition: number): LinesDecoded {
    const view = this.#viewOf(block)
    let lineStart = start
    let position = firstPosition
    this.#programs.begin()
    while (batch.count < batch.limit && lineStart < end) {
      const before = batch.count
      lineStart = this.#predictor.decodeRun(view, block, lineStart, end, batch, position)
      const inRun = batch.count - before
      this.#predictedRecords += inRun
      position += inRun
      if (batch.count >= batch.limit || lineStart >= end) break
      const after = this.#predictor.decode(view, block, lineStart, end, batch, batch.count)
      const isPredicted = after >= 0 && after - lineStart <= MAX_RECORD_BYTES
      const next = isPredicted ? afterLineEnd(block, after, end) : -1
      if (next >= 0) {
        this.#endPredicted(batch, lineStart, after, position)
        lineStart = next
      } else {
        const lineEnd = block.indexOf(LF, lineStart)
        if (lineEnd < 0 || lineEnd >= end) break
        this.#parseTrimmed(block, lineStart, lineEnd, position, batch)
        lineStart = lineEnd + 1
      }
      position++
    }
    return { nextStart: lineStart, nextPosition: position }
  }

  /**
   * Appends the record [start, end), white space around it left out, to `batch`, which must not be full.
   *
   * @returns whether there was a record; white space alone is none
   */
  decodeRecord(block: Uint8Array, start: number, end: number, position: number, batch: EventBatch): boolean {
    const after = this.#predictor.decode(this.#viewOf(block), block, start, end, batch, batch.count)
    if (after !== end || after - start > MAX_RECORD_BYTES) return this.#parseTrimmed(block, start, end, position, batch)
    this.#endPredicted(batch, start, end, position)
    return true
  }

  #viewOf(block: Uint8Array): DataView {
    const view = this.#view
    if (view.buffer !== block.buffer || view.byteOffset !== block.byteOffset || view.byteLength !== block.byteLength) {
      this.#view = new DataView(block.buffer, block.byteOffset, block.byteLength)
    }
    return this.#view
  }

  #endPredicted(batch: EventBatch, start: number, end: number, position: number): void {
    this.#predictedRecords++
    endRow(batch, batch.count, start, end, position)
  }

  #parseTrimmed(block: Uint8Array, start: number, end: number, position: number, batch: EventBatch): boolean {
    let from = start
    let to = end
    while (from < to && isSpace(block[from] as number)) from++
    while (to > from && isSpace(block[to - 1] as number)) to--
    if (from === to) return false
    const row = batch.count
    batch.byteStart[row] = from
    batch.byteEnd[row] = to
    batch.position[row] = position
    batch.count = row + 1
    if (to - from > MAX_RECORD_BYTES) {
      batch.malformed[row] = REASON.record_too_long
      batch.malformedField[row] = NO_FIELD
      return true
    }
    this.#parser.parse(block, from, to, batch, row)
    if (batch.malformed[row] === 0) this.#predictor.learn(block, from, to, batch)
    return true
  }
}
