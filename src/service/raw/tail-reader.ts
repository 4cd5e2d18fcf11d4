/**
 * Reads the newest blocks of partitions as the engine decodes them: many times as fast as the recount reads.
 *
 * D1  Of each event it says what its time makes of it, as `admit.ts` does, and whether what came before the blocks
 *     could change that.
 * D2  Its memory is bounded whatever the texts of dimensions are: after {@link MAX_TEXTS} of them it begins to number
 *     them anew. Codes of dimensions are good for the event handed over alone; ids are the same all the time.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { createBatch, createDecoder, createDictionaries, type Decoder } from '../../engine/decode/decoder.ts'
import type { Dictionary } from '../../engine/decode/dictionary.ts'
import type { EventBatch } from '../../engine/event-batch.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'

const BATCH_ROWS = 2_048
/** Each is of 512 bytes at most. */
const MAX_TEXTS = 200_000

/** Lines that arrived together, each with its line feed. */
export interface TailBlock {
  readonly arrivalMs: number
  readonly floorMs: number
  readonly lines: Uint8Array
}

/** The newest blocks of a partition. */
export interface PartitionTail {
  readonly stream: StreamName
  readonly name: string
  /**
   * Event time that nothing is past which came and is not in these blocks: −Infinity where nothing is missing, Infinity
   * where nothing is known of it.
   */
  readonly unseenUpToMs: number
  readonly blocks: Iterable<TailBlock> | AsyncIterable<TailBlock>
}

/** An event that is not malformed. */
export interface TailEvent {
  /** `null` where it may be accepted. */
  readonly eventClass: 'future' | 'late' | null
  readonly timeMs: number
  /** Watermark that it was held against: max(w_p, W). */
  readonly boundMs: number
  /** Whether it is certain that it is not late. */
  readonly isInTime: boolean
  readonly block: TailBlock
  readonly batch: EventBatch
  readonly row: number
}

export class TailReader {
  readonly #plan: Plan
  readonly #maxTexts: number
  readonly #idKey: Int32Array
  #dictionaries: readonly Dictionary[] = []
  #decoders: Readonly<Record<StreamName, Decoder>>
  readonly #batches: Readonly<Record<StreamName, EventBatch>>

  /** @param maxTexts how many texts of dimensions are kept, but for those of one batch */
  constructor(plan: Plan, maxTexts: number = MAX_TEXTS) {
    const key = randomBytes(16)
    this.#plan = plan
    this.#maxTexts = maxTexts
    this.#idKey = Int32Array.from([0, 4, 8, 12], (at) => key.readInt32LE(at))
    this.#decoders = this.#newDecoders()
    this.#batches = {
      impressions: createBatch(plan, 'impressions', BATCH_ROWS),
      clicks: createBatch(plan, 'clicks', BATCH_ROWS),
    }
  }

  /** Texts of dimensions that are kept now. */
  get textCount(): number {
    return this.#dictionaries.reduce((sum, { size }) => sum + size, 0)
  }

  /** Hands over each event that is not malformed, in order; what is handed over is good until the next one. */
  async read(tail: PartitionTail, giveWay: () => Promise<void>, onEvent: (event: TailEvent) => void): Promise<void> {
    const batch = this.#batches[tail.stream]
    let highestMs = -Infinity
    for await (const block of tail.blocks) {
      for (let start = 0; start < block.lines.length;) {
        batch.count = 0
        const { nextStart } = this.#decoders[tail.stream].decodeLines(block.lines, start, block.lines.length, batch, 1)
        if (nextStart === start) break
        start = nextStart
        for (let row = 0; row < batch.count; row++) {
          if (batch.malformed[row] !== 0) continue
          const event = this.#judge({ tail, block, batch, row, highestMs })
          if (event.eventClass !== 'future') highestMs = Math.max(highestMs, event.timeMs)
          onEvent(event)
        }
        if (this.textCount > this.#maxTexts) this.#decoders = this.#newDecoders()
        await giveWay()
      }
    }
  }

  #newDecoders(): Readonly<Record<StreamName, Decoder>> {
    const plan = this.#plan
    const idKey = this.#idKey
    const dictionaries = createDictionaries(plan, randomInt(2 ** 31))
    this.#dictionaries = dictionaries
    return {
      impressions: createDecoder({ plan, stream: 'impressions', dictionaries, idKey }),
      clicks: createDecoder({ plan, stream: 'clicks', dictionaries, idKey }),
    }
  }

  #judge(at: { tail: PartitionTail; block: TailBlock; batch: EventBatch; row: number; highestMs: number }): TailEvent {
    const { tail, block, batch, row, highestMs } = at
    const { allowedLatenessMs, outOfOrdernessMs, maxFutureSkewMs } = this.#plan.parameters
    const timeMs = batch.timeMs[row] as number
    const boundMs = Math.max(highestMs - outOfOrdernessMs, block.floorMs)
    const unseenMs = tail.unseenUpToMs - outOfOrdernessMs
    const timeClass = timeMs < boundMs - allowedLatenessMs ? 'late' : null
    return {
      eventClass: timeMs > block.arrivalMs + maxFutureSkewMs ? 'future' : timeClass,
      timeMs,
      boundMs,
      isInTime: boundMs >= unseenMs || timeMs >= unseenMs - allowedLatenessMs,
      block,
      batch,
      row,
    }
  }
}

/** An id as a key of maps: equal where the ids are. */
export function idKeyOf(lanes: Int32Array, row: number): string {
  const at = row * 4
  return `${lanes[at]},${lanes[at + 1]},${lanes[at + 2]},${lanes[at + 3]}`
}

/** 32 bits of an id, evenly spread: which ids are in a sample. */
export function idHashOf(lanes: Int32Array, row: number): number {
  const at = row * 4
  let hash = Math.imul(lanes[at] as number, 0x85ebca6b) ^ Math.imul(lanes[at + 1] as number, 0xc2b2ae35)
  hash ^= Math.imul(lanes[at + 2] as number, 0x27d4eb2f) ^ Math.imul(lanes[at + 3] as number, 0x165667b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** A number that is equal where ids are, and seldom else: for a first look. */
export function idNumberOf(lanes: Int32Array, row: number): number {
  const at = row * 4
  return ((lanes[at] as number) ^ Math.imul(lanes[at + 2] as number, 0x9e3779b1)) * 0x200000 + (lanes[at + 1] as number)
}
