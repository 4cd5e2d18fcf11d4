/**
 * "Has this id been seen?" for all live ids at once: no means no, yes means look.
 *
 * A split-block Bloom filter (Putze, Sanders, Singler 2007; the layout of Apache Parquet's): an id owns one block of
 * eight 32-bit words, one bit in each, so a question touches one cache line. Ids leave by generations: a generation
 * covers what was added while it was the newest and is dropped whole once the last of it has expired.
 *
 * F1  An id that was added and whose event time has not expired is always found.
 * F2  At 18 bits an id, about one in 1,000 ids never added is found as well.
 */

const WORDS_PER_BLOCK = 8
const BITS_PER_ID = 18
const MIN_IDS = 1 << 15
const GROWTH = 4
const MAX_GENERATIONS = 6
// Merging walks over all live ids: up to this many it takes some ten milliseconds.
const MERGED_IDS = 1 << 20

// The odd multipliers of the Parquet specification: eight bit positions out of one 32-bit hash.
const S0 = 0x47b6137b
const S1 = 0x44974d91
const S2 = 0x8824ad5b
const S3 = 0xa2b7289d
const S4 = 0x705495c7
const S5 = 0x2df1424b
const S6 = 0x9efc4947
const S7 = 0x5c6bfb31

class Generation {
  readonly words: Int32Array
  readonly blockCount: number
  readonly capacity: number
  count = 0
  minTimeMs = Infinity
  maxTimeMs = -Infinity

  constructor(capacity: number) {
    this.capacity = capacity
    this.blockCount = Math.ceil((capacity * BITS_PER_ID) / (WORDS_PER_BLOCK * 32))
    this.words = new Int32Array(this.blockCount * WORDS_PER_BLOCK)
  }
}

function blockBase(blockCount: number, first: number): number {
  return (((first >>> 0) * blockCount) / 0x1_0000_0000) >>> 0
}

// Of an id never added, the first two words already miss a bit in three cases of four: the chain ends early.
function contains(generation: Generation, first: number, second: number): boolean {
  const words = generation.words
  const base = blockBase(generation.blockCount, first) * WORDS_PER_BLOCK
  return (
    (((words[base] as number) >>> (Math.imul(second, S0) >>> 27)) & 1) !== 0 &&
    (((words[base + 1] as number) >>> (Math.imul(second, S1) >>> 27)) & 1) !== 0 &&
    (((words[base + 2] as number) >>> (Math.imul(second, S2) >>> 27)) & 1) !== 0 &&
    (((words[base + 3] as number) >>> (Math.imul(second, S3) >>> 27)) & 1) !== 0 &&
    (((words[base + 4] as number) >>> (Math.imul(second, S4) >>> 27)) & 1) !== 0 &&
    (((words[base + 5] as number) >>> (Math.imul(second, S5) >>> 27)) & 1) !== 0 &&
    (((words[base + 6] as number) >>> (Math.imul(second, S6) >>> 27)) & 1) !== 0 &&
    (((words[base + 7] as number) >>> (Math.imul(second, S7) >>> 27)) & 1) !== 0
  )
}

/** Sets the bits of an id and tells whether all of them were set already. */
function insert(generation: Generation, first: number, second: number): boolean {
  const words = generation.words
  const base = blockBase(generation.blockCount, first) * WORDS_PER_BLOCK
  const b0 = 1 << (Math.imul(second, S0) >>> 27)
  const b1 = 1 << (Math.imul(second, S1) >>> 27)
  const b2 = 1 << (Math.imul(second, S2) >>> 27)
  const b3 = 1 << (Math.imul(second, S3) >>> 27)
  const b4 = 1 << (Math.imul(second, S4) >>> 27)
  const b5 = 1 << (Math.imul(second, S5) >>> 27)
  const b6 = 1 << (Math.imul(second, S6) >>> 27)
  const b7 = 1 << (Math.imul(second, S7) >>> 27)
  const w0 = words[base] as number
  const w1 = words[base + 1] as number
  const w2 = words[base + 2] as number
  const w3 = words[base + 3] as number
  const w4 = words[base + 4] as number
  const w5 = words[base + 5] as number
  const w6 = words[base + 6] as number
  const w7 = words[base + 7] as number
  const missing = (b0 & ~w0) | (b1 & ~w1) | (b2 & ~w2) | (b3 & ~w3) | (b4 & ~w4) | (b5 & ~w5) | (b6 & ~w6) | (b7 & ~w7)
  if (missing === 0) return true
  words[base] = w0 | b0
  words[base + 1] = w1 | b1
  words[base + 2] = w2 | b2
  words[base + 3] = w3 | b3
  words[base + 4] = w4 | b4
  words[base + 5] = w5 | b5
  words[base + 6] = w6 | b6
  words[base + 7] = w7 | b7
  return false
}

/** Calls `add` once for every live id with its hashes and event time: what a filter can be made anew from. */
export type IdWalk = (add: (first: number, second: number, timeMs: number) => void) => void

export class IdFilter {
  /** Newest first. */
  #generations: Generation[]
  /** Ids are added for this long, in event time, before a new generation starts, ms. */
  readonly #generationMs: number
  readonly #retentionMs: number

  /** @param retentionMs how long after its event time an id must be found */
  constructor(retentionMs: number) {
    this.#retentionMs = retentionMs
    this.#generationMs = Math.max(1, retentionMs / 2)
    this.#generations = [new Generation(MIN_IDS)]
  }

  /** Memory held, bytes. */
  get byteLength(): number {
    return this.#generations.reduce((sum, generation) => sum + generation.words.byteLength, 0)
  }

  get generationCount(): number {
    return this.#generations.length
  }

  /** Whether the id may have been added. */
  has(first: number, second: number): boolean {
    const generations = this.#generations
    for (let g = 0; g < generations.length; g++) if (contains(generations[g] as Generation, first, second)) return true
    return false
  }

  /** Adds an id; returns whether it may have been there before. */
  add(first: number, second: number, timeMs: number): boolean {
    const generations = this.#generations
    const newest = generations[0] as Generation
    if (timeMs > newest.maxTimeMs) newest.maxTimeMs = timeMs
    if (timeMs < newest.minTimeMs) newest.minTimeMs = timeMs
    let found = insert(newest, first, second)
    if (!found) newest.count++
    for (let g = 1; !found && g < generations.length; g++) found = contains(generations[g] as Generation, first, second)
    return found
  }

  /** Reads one word of each id's block, so that the cache misses of a batch overlap instead of following each other. */
  warm(first: Int32Array, count: number): number {
    let sum = 0
    for (const generation of this.#generations) {
      const { words, blockCount } = generation
      for (let j = 0; j < count; j++)
        sum |= words[blockBase(blockCount, first[j] as number) * WORDS_PER_BLOCK] as number
    }
    return sum
  }

  /**
   * Drops generations that the watermark has left behind, and starts a new one when the newest covers its share of time
   * or is full. While few ids live, or when generations pile up (one id stamped far ahead keeps its generation), they
   * are made into one by `walk` instead: fewer generations are fewer questions an id.
   */
  expire(watermarkMs: number, walk: IdWalk): void {
    this.#generations = this.#generations.filter(
      (generation, index) => index === 0 || watermarkMs <= generation.maxTimeMs + this.#retentionMs,
    )
    const newest = this.#generations[0] as Generation
    const isFull = newest.count >= newest.capacity
    if (this.#generations.length >= MAX_GENERATIONS || (isFull && newest.capacity <= MERGED_IDS))
      this.#merge(newest.capacity * GROWTH, walk)
    else if (isFull) this.#rotate(newest.capacity * GROWTH)
    else if (newest.maxTimeMs - newest.minTimeMs >= this.#generationMs)
      this.#rotate(Math.max(MIN_IDS, Math.ceil(newest.count * 1.2)))
  }

  #rotate(capacity: number): void {
    this.#generations.unshift(new Generation(capacity))
  }

  #merge(leastCapacity: number, walk: IdWalk): void {
    let live = 0
    walk(() => live++)
    const whole = new Generation(Math.max(leastCapacity, live * 2))
    walk((first, second, timeMs) => {
      insert(whole, first, second)
      whole.count++
      whole.maxTimeMs = Math.max(whole.maxTimeMs, timeMs)
      whole.minTimeMs = Math.min(whole.minTimeMs, timeMs)
    })
    this.#generations = [whole]
  }
}
