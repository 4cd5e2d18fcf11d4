/**
 * One partition as it is read: which of its events are malformed, future or late, and its watermark.
 *
 * W1  w_p = highest event time read so far − out-of-orderness, whether the event was a duplicate, late or neither. Of a
 *     bounded input W never exceeds w_p, so w_p alone decides what is late.
 * W2  A malformed record moves nothing, nor does a future one. A malformed one is put under the minute of the highest
 *     event time so far, under the epoch's first when there is none.
 * W3  Live, what depends on the clock was written down when lines arrived: the time, which decides what is future, and
 *     W. Until they were read W could only rise up to w_p, so max(w_p, W) is the same when they are read.
 */
import type { PlanParameters, StreamName } from '../pipeline/plan.ts'
import { Malformed, type EventParser, type ParsedEvent } from './parse-event.ts'
import { trimRecord } from './record.ts'
import type { Tally } from './tally.ts'

/** What is known of lines by when they arrived. */
export interface Arrival {
  /** The wall clock, ms. Lines of a file arrived at no time: nothing of them is future. */
  readonly arrivalMs: number
  /** W. A file knows of none: −Infinity. */
  readonly floorMs: number
}

/** Lines of a partition that arrived together. */
export interface LineBatch extends Arrival {
  /** Without line feeds, in order. */
  readonly lines: Iterable<Uint8Array>
}

/** How lines of a file arrived. */
export const FROM_FILE: Arrival = { arrivalMs: Infinity, floorMs: -Infinity }

export class Admission {
  readonly stream: StreamName
  readonly #parse: EventParser
  readonly #parameters: PlanParameters
  readonly #tally: Tally
  #highestMs = -Infinity

  constructor(stream: StreamName, parse: EventParser, parameters: PlanParameters, tally: Tally) {
    this.stream = stream
    this.#parse = parse
    this.#parameters = parameters
    this.#tally = tally
  }

  /** w_p: −∞ before the first event. */
  get watermarkMs(): number {
    return this.#highestMs - this.#parameters.outOfOrdernessMs
  }

  /** Reads a line. Returns an event that may be accepted; of any other the tally has been told. */
  admit(line: Uint8Array, { arrivalMs, floorMs }: Arrival): ParsedEvent | undefined {
    const record = trimRecord(line)
    if (record.length === 0) return undefined
    this.#tally.countRead(this.stream)
    const event = this.#parse(record)
    if (event instanceof Malformed) {
      this.#tally.countEvent(this.stream, 'malformed', Math.max(this.#highestMs, 0))
      return undefined
    }
    if (event.timeMs > arrivalMs + this.#parameters.maxFutureSkewMs) {
      this.#tally.countEvent(this.stream, 'future', event.timeMs)
      return undefined
    }
    const isLate = event.timeMs < Math.max(this.watermarkMs, floorMs) - this.#parameters.allowedLatenessMs
    this.#highestMs = Math.max(this.#highestMs, event.timeMs)
    if (isLate) this.#tally.countEvent(this.stream, 'late', event.timeMs)
    return isLate ? undefined : event
  }
}

/** What is read in step: its watermark says when it is next. */
interface InStep {
  readonly watermarkMs: number
}

/** The partition to read next: the one with the lowest w_p, the first of those where several have it. */
export function nextInStep<Partition extends InStep>(partitions: Iterable<Partition>): Partition | undefined {
  let next: Partition | undefined
  for (const partition of partitions) {
    if (next === undefined || partition.watermarkMs < next.watermarkMs) next = partition
  }
  return next
}
