/**
 * Which events of a request are malformed: the engine's own decoder says so, before the answer.
 *
 * J1  The verdict is the one the engine will come to when it reads the same lines: it is the same code.
 * J2  Nothing of an event is kept. The decoder here knows no dimensions, so names never pile up.
 * J3  A record that is too long is cut to one byte more than a record may have: still too long, but no longer a burden.
 */
import { getRandomValues } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createBatch, createDecoder, MAX_RECORD_BYTES, type Decoder } from '../../engine/decode/decoder.ts'
import { MALFORMED_REASONS, type EventBatch, type MalformedReason } from '../../engine/event-batch.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import { PIECE_BYTES } from './to-lines.ts'

const LF = 0x0a
const BATCH_ROWS = 2_048
const TOO_LONG = MALFORMED_REASONS.indexOf('record_too_long')

/** A malformed event of a request. */
export interface Rejected {
  /** Its number among the request's events, from 0; blank lines do not count. */
  readonly index: number
  readonly reason: MalformedReason
  /** The field to blame, where there is one. */
  readonly field?: string
}

/** What is to be said of a request's events. */
export interface Verdict {
  readonly recordCount: number
  readonly rejected: readonly Rejected[]
  /** The lines to be written, with records that are too long cut. */
  readonly lines: Uint8Array
}

interface Findings {
  recordCount: number
  readonly rejected: Rejected[]
  /** Start and end of each record that is too long, in turn. */
  readonly overlong: number[]
}

/** Judges events of both streams. Requests may be judged at the same time. */
export class Judge {
  readonly #plan: Plan
  readonly #decoders: Readonly<Record<StreamName, Decoder>>
  readonly #batches: Readonly<Record<StreamName, EventBatch>>

  constructor(plan: Plan) {
    const fieldsOnly: Plan = { ...plan, dimensions: [] }
    const idKey = getRandomValues(new Int32Array(4))
    const decoder = (stream: StreamName): Decoder =>
      createDecoder({ plan: fieldsOnly, stream, dictionaries: [], idKey })
    this.#plan = plan
    this.#decoders = { impressions: decoder('impressions'), clicks: decoder('clicks') }
    this.#batches = {
      impressions: createBatch(fieldsOnly, 'impressions', BATCH_ROWS),
      clicks: createBatch(fieldsOnly, 'clicks', BATCH_ROWS),
    }
  }

  /**
   * Judges whole lines, each ended by LF; at once where they are no more than a piece.
   *
   * @returns undefined where there are more than `maxRecords`
   */
  judge(stream: StreamName, lines: Uint8Array, maxRecords: number): Verdict | undefined | Promise<Verdict | undefined> {
    const found: Findings = { recordCount: 0, rejected: [], overlong: [] }
    if (lines.length > PIECE_BYTES) return this.#judgePieces(stream, lines, maxRecords, found)
    this.#judgePiece(stream, lines, 0, lines.length, found)
    return verdictOf(found, lines, maxRecords)
  }

  async #judgePieces(
    stream: StreamName,
    lines: Uint8Array,
    maxRecords: number,
    found: Findings,
  ): Promise<Verdict | undefined> {
    for (let start = 0; start < lines.length && found.recordCount <= maxRecords;) {
      start = this.#judgePiece(stream, lines, start, endOfPiece(lines, start), found)
      if (start < lines.length) await nextTurn()
    }
    return verdictOf(found, lines, maxRecords)
  }

  #judgePiece(stream: StreamName, lines: Uint8Array, from: number, to: number, found: Findings): number {
    let start = from
    while (start < to) start = this.#judgeBatch(stream, lines, start, to, found)
    return start
  }

  #judgeBatch(stream: StreamName, lines: Uint8Array, start: number, end: number, found: Findings): number {
    const batch = this.#batches[stream]
    batch.count = 0
    const { nextStart } = this.#decoders[stream].decodeLines(lines, start, end, batch, 1)
    const { malformed, malformedField } = batch
    for (let row = 0; row < batch.count; row++) {
      const code = malformed[row] as number
      if (code === 0) continue
      const field = this.#plan.streams[stream].fields[malformedField[row] as number]?.name
      const reason = MALFORMED_REASONS[code] as MalformedReason
      found.rejected.push({ index: found.recordCount + row, reason, ...(field === undefined ? {} : { field }) })
      if (code === TOO_LONG) found.overlong.push(batch.byteStart[row] as number, batch.byteEnd[row] as number)
    }
    found.recordCount += batch.count
    return nextStart
  }
}

function verdictOf(found: Findings, lines: Uint8Array, maxRecords: number): Verdict | undefined {
  const { recordCount, rejected, overlong } = found
  if (recordCount > maxRecords) return undefined
  return { recordCount, rejected, lines: overlong.length === 0 ? lines : cutOverlong(lines, overlong) }
}

/** About a piece further on, after a line. */
function endOfPiece(lines: Uint8Array, start: number): number {
  if (lines.length - start <= PIECE_BYTES) return lines.length
  const lf = lines.indexOf(LF, start + PIECE_BYTES)
  return lf < 0 ? lines.length : lf + 1
}

/** Cuts records in place; the last byte kept is the record's own last, so that white space cannot make it shorter. */
function cutOverlong(lines: Uint8Array, overlong: readonly number[]): Uint8Array {
  let to = 0
  let from = 0
  for (let i = 0; i < overlong.length; i += 2) {
    const keptEnd = (overlong[i] as number) + MAX_RECORD_BYTES
    const recordEnd = overlong[i + 1] as number
    lines[keptEnd] = lines[recordEnd - 1] as number
    lines.copyWithin(to, from, keptEnd + 1)
    to += keptEnd + 1 - from
    from = recordEnd
  }
  lines.copyWithin(to, from)
  return lines.subarray(0, to + lines.length - from)
}
