/**
 * "Has this id been seen?" for all live ids at once: no means no, yes means look.
 *
 * A table of 16-bit tags: a hash of the id says where its tag stands, another one what it is. A question reads one
 * cache line and, for an id never added, is wrong once in some 20,000 times; a Bloom filter of the same answer would
 * touch eight words. Ids leave by generations: a generation covers what was added while it was the newest and is
 * dropped whole once the last of it has expired.
 *
 * F1  An id that was added and whose event time has not expired is always found.
 * F2  A generation is at most `MAX_LOAD` full, so every search meets an empty place.
 * F3  Tags are never 0: 0 is an empty place.
 * F4  A large generation is made while the one before it is filled, and its memory is touched bit by bit: a system
 *     gives memory by the page when it is first touched, and the first ids fall on all pages at once. 60 MB took 30 to
 *     120 ms that way, in the middle of a batch.
 */

const MIN_IDS = 1 << 12
const SLOTS_PER_ID = 1.8
const MAX_LOAD = 0.8
const GROWTH = 4
// From so many ids on a generation takes tens of megabytes: the next is less of a leap.
const LARGE_IDS = 1 << 22
const LARGE_GROWTH = 2
// Grown from a million ids on they hold a quarter of a billion before they have to be made into one.
const MAX_GENERATIONS = 8
// Merging walks over all live ids: up to this many it takes some ten milliseconds.
const MERGED_IDS = 1 << 19
// Tables of fewer slots stay in the second-level cache by themselves.
const CACHED_SLOTS = 1 << 18
// Smaller tables are touched in no time.
const LARGE_SLOTS = 1 << 19
// Ids whose places are read ahead: their cache lines and pages must still be near when they are looked at. A multiple
// of four.
const RUN_IDS = 256

class Generation {
  readonly tags: Uint16Array
  /** Ids it was made for; it holds up to MAX_LOAD × slots. */
  readonly capacity: number
  /** Slots for each step of a 32-bit hash. */
  readonly scale: number
  count = 0
  /** Highest event time of its ids. */
  maxTimeMs = -Infinity
  /** The watermark when it was first seen to be the newest. */
  sinceMs = -Infinity

  constructor(capacity: number) {
    this.capacity = capacity
    const slots = slotsOf(capacity)
    this.tags = new Uint16Array(slots)
    this.scale = slots / 0x1_0000_0000
  }

  get isCrowded(): boolean {
    return this.count >= this.tags.length * MAX_LOAD
  }

  /** Whether the tag of an id stands where it would; negative when not, as ~slot of the empty place. */
  find(first: number, tag: number): number {
    const tags = this.tags
    let slot = ((first >>> 0) * this.scale) >>> 0
    for (;;) {
      const found = tags[slot] as number
      if (found === 0) return ~slot
      if (found === tag) return slot
      if (++slot === tags.length) slot = 0
    }
  }

  /**
   * Finds where the search for each of `count` ids from `from` on starts, and reads a tag there, so that cache misses
   * overlap instead of following each other. Short steps without a branch keep twice as many under way: with 32 MB of
   * tags 12 ns an id, where one loop that did both took 24 ns.
   */
  locateRun(first: Int32Array, from: number, count: number, slots: Int32Array): number {
    const { tags, scale } = this
    for (let i = 0; i < count; i++) slots[i] = (((first[from + i] as number) >>> 0) * scale) >>> 0
    if (tags.length < CACHED_SLOTS) return 0
    let read = 0
    for (let i = 0; i < count; i += 4) {
      read |= tags[slots[i] as number] as number
      read |= tags[slots[i + 1] as number] as number
      read |= tags[slots[i + 2] as number] as number
      read |= tags[slots[i + 3] as number] as number
    }
    return read
  }

  /** Adds `count` ids from `from` on, located before, and says of each in `seen` whether its tag stood there before. */
  addRun(second: Int32Array, from: number, count: number, slots: Int32Array, seen: Uint8Array): void {
    const tags = this.tags
    let added = 0
    for (let i = 0; i < count; i++) {
      const tag = tagOf(second[from + i] as number)
      let slot = slots[i] as number
      let found = tags[slot] as number
      while (found !== 0 && found !== tag) {
        if (++slot === tags.length) slot = 0
        found = tags[slot] as number
      }
      seen[from + i] = found === 0 ? 0 : 1
      if (found !== 0) continue
      tags[slot] = tag
      added++
    }
    this.count += added
  }

  /** Marks in `seen` those of `count` ids from `from` on, located before, whose tags stand here. */
  findRun(second: Int32Array, from: number, count: number, slots: Int32Array, seen: Uint8Array): void {
    const tags = this.tags
    for (let i = 0; i < count; i++) {
      const tag = tagOf(second[from + i] as number)
      let slot = slots[i] as number
      let found = tags[slot] as number
      while (found !== 0 && found !== tag) {
        if (++slot === tags.length) slot = 0
        found = tags[slot] as number
      }
      if (found !== 0) seen[from + i] = 1
    }
  }
}

/** Hashes of ids (`id-hashes.ts`). */
export interface HashedIds {
  readonly first: Int32Array
  readonly second: Int32Array
}

function slotsOf(ids: number): number {
  return Math.ceil(ids * SLOTS_PER_ID)
}

/** What the next generation is made for where nothing better is known. */
function grown(capacity: number): number {
  return capacity * (capacity < LARGE_IDS ? GROWTH : LARGE_GROWTH)
}

function tagOf(second: number): number {
  return second >>> 16 || 1
}

/** Calls `add` once for every live id with its hashes and event time: what a filter can be made anew from. */
export type IdWalk = (add: (first: number, second: number, timeMs: number) => void) => void

export class IdFilter {
  /** Newest first. */
  #generations: Generation[]
  /** What the newest will be followed by, from when it is half full (F4). */
  #next: Generation | undefined
  /** Slots of it that were touched. */
  #touched = 0
  /** How far the watermark comes before a new generation starts, ms. */
  readonly #generationMs: number
  readonly #retentionMs: number
  readonly #leastIds: number
  readonly #oneTableIds: number
  /** Where the ids of a run are looked for. */
  readonly #slots: Int32Array = new Int32Array(RUN_IDS)

  /**
   * @param retentionMs how long after its event time an id must be found
   * @param leastIds what the smallest generation is made for: fewer keep the table small, more save growing
   * @param oneTableIds up to so many live ids every new generation is made of them all, so that there is but one
   */
  constructor(retentionMs: number, leastIds: number = MIN_IDS, oneTableIds: number = 0) {
    this.#retentionMs = retentionMs
    this.#leastIds = leastIds
    this.#oneTableIds = oneTableIds
    this.#generationMs = Math.max(1, retentionMs / 2)
    this.#generations = [new Generation(leastIds)]
  }

  /** Memory held, bytes. */
  get byteLength(): number {
    return this.#generations.reduce((sum, { tags }) => sum + tags.byteLength, this.#nextByteLength)
  }

  get #nextByteLength(): number {
    return this.#next?.tags.byteLength ?? 0
  }

  /**
   * What the next generation takes beside all there are, bytes: while it is made, none has gone. One that is made
   * already is among those that are there.
   *
   * @param live as for {@link expire}
   */
  nextBytes(live: number): number {
    const newest = this.#generations[0] as Generation
    const isMerged = this.#generations.length + 1 >= MAX_GENERATIONS || live <= MERGED_IDS
    if (isMerged) return 2 * slotsOf(Math.max(grown(newest.capacity), live * 2))
    return Math.max(0, 2 * slotsOf(grown(newest.capacity)) - this.#nextByteLength)
  }

  /** Ids in all generations: one that came again later may count twice. */
  get size(): number {
    return this.#generations.reduce((sum, generation) => sum + generation.count, 0)
  }

  get generationCount(): number {
    return this.#generations.length
  }

  /** Adds an id; returns whether it may have been there before. */
  add(first: number, second: number, timeMs: number): boolean {
    const generations = this.#generations
    const newest = generations[0] as Generation
    const tag = tagOf(second)
    if (timeMs > newest.maxTimeMs) newest.maxTimeMs = timeMs
    const slot = newest.find(first, tag)
    if (slot >= 0) return true
    newest.tags[~slot] = tag
    newest.count++
    if (newest.isCrowded) this.#rotate(grown(newest.capacity))
    for (let g = 1; g < generations.length; g++) if ((generations[g] as Generation).find(first, tag) >= 0) return true
    return false
  }

  /**
   * Adds the first `count` ids of `ids` and says of each in `seen` whether it may have been there before, in this run
   * or earlier.
   *
   * @param latestMs the highest event time among them
   */
  addAll({ first, second }: HashedIds, count: number, latestMs: number, seen: Uint8Array): void {
    const slots = this.#slots
    for (let from = 0; from < count; from += RUN_IDS) {
      const run = Math.min(count - from, RUN_IDS)
      this.#makeRoom(run)
      this.#touchNext(run)
      const generations = this.#generations
      const newest = generations[0] as Generation
      if (latestMs > newest.maxTimeMs) newest.maxTimeMs = latestMs
      newest.locateRun(first, from, run, slots)
      newest.addRun(second, from, run, slots, seen)
      for (let g = 1; g < generations.length; g++) {
        const generation = generations[g] as Generation
        generation.locateRun(first, from, run, slots)
        generation.findRun(second, from, run, slots, seen)
      }
    }
  }

  /** Says of each of the first `count` ids of `ids` in `seen` whether it may have been added. */
  hasAll({ first, second }: HashedIds, count: number, seen: Uint8Array): void {
    const slots = this.#slots
    seen.fill(0, 0, count)
    for (let from = 0; from < count; from += RUN_IDS) {
      const run = Math.min(count - from, RUN_IDS)
      for (const generation of this.#generations) {
        generation.locateRun(first, from, run, slots)
        generation.findRun(second, from, run, slots, seen)
      }
    }
  }

  /**
   * Drops generations that the watermark has left behind, and starts a new one when the newest has had its share of
   * time or is full. Time is the watermark's: event times of partitions far apart meet in every generation. While few
   * ids live they are made into one by `walk` instead: fewer generations are fewer questions an id. So are generations
   * that pile up, however many ids live: that takes more of them than any machine has memory for, or ids stamped
   * further ahead than any live source accepts.
   *
   * @param live at least as many as `walk` will add
   */
  expire(watermarkMs: number, live: number, walk: IdWalk): void {
    this.#generations = this.#generations.filter(
      (generation, index) => index === 0 || watermarkMs <= generation.maxTimeMs + this.#retentionMs,
    )
    const newest = this.#generations[0] as Generation
    const isFull = newest.count >= newest.capacity
    if (this.#generations.length >= MAX_GENERATIONS || (isFull && live <= MERGED_IDS))
      this.#merge(Math.max(grown(newest.capacity), live * 2), walk)
    else if (isFull) this.#rotate(this.#capacityAfter(newest, watermarkMs))
    else if (newest.sinceMs === -Infinity) newest.sinceMs = watermarkMs
    else if (watermarkMs - newest.sinceMs >= this.#generationMs) this.#startNext(newest, live, walk)
    else if (this.#next === undefined && newest.count * 2 >= newest.capacity && live > MERGED_IDS)
      this.#makeNext(this.#capacityAfter(newest, watermarkMs))
  }

  /** Forgets all ids and makes room for `live`, and some more. */
  empty(live: number): void {
    this.#next = undefined
    this.#generations = [new Generation(Math.max(this.#leastIds, Math.ceil(live * 1.5)))]
  }

  #startNext(newest: Generation, live: number, walk: IdWalk): void {
    if (live <= this.#oneTableIds) this.#merge(Math.max(this.#leastIds, live * 2), walk)
    else this.#rotate(Math.max(this.#leastIds, Math.ceil(newest.count * 1.2)))
  }

  // As many ids as a whole generation would have had at the rate of this one.
  #capacityAfter(full: Generation, watermarkMs: number): number {
    const spanMs = watermarkMs - full.sinceMs
    const expected = (1.2 * full.count * this.#generationMs) / Math.max(1, Number.isFinite(spanMs) ? spanMs : 1)
    return Math.ceil(Math.min(grown(full.capacity), Math.max(full.capacity / GROWTH, this.#leastIds, expected)))
  }

  #makeRoom(ids: number): void {
    const newest = this.#generations[0] as Generation
    if (newest.count + ids > newest.tags.length * MAX_LOAD) this.#rotate(grown(newest.capacity))
  }

  #rotate(capacity: number): void {
    const next = this.#next
    this.#next = undefined
    const isFit = next !== undefined && next.capacity >= capacity / 2 && next.capacity <= capacity * 2
    this.#generations.unshift(isFit ? next : new Generation(capacity))
  }

  #makeNext(capacity: number): void {
    if (slotsOf(capacity) < LARGE_SLOTS) return
    this.#next = new Generation(capacity)
    this.#touched = 0
  }

  /** Touches so much that all is touched by the time the newest is full, at this pace. */
  #touchNext(ids: number): void {
    if (this.#next === undefined) return
    const { tags } = this.#next
    const { capacity, count } = this.#generations[0] as Generation
    const share = Math.min(1, ids / Math.max(1, capacity - count))
    const to = Math.min(tags.length, this.#touched + Math.ceil((tags.length - this.#touched) * share))
    tags.fill(0, this.#touched, to)
    this.#touched = to
  }

  #merge(capacity: number, walk: IdWalk): void {
    this.#next = undefined
    const whole = new Generation(capacity)
    walk((first, second, timeMs) => {
      const tag = tagOf(second)
      const slot = whole.find(first, tag)
      whole.maxTimeMs = Math.max(whole.maxTimeMs, timeMs)
      if (slot >= 0) return
      whole.tags[~slot] = tag
      whole.count++
    })
    this.#generations = [whole]
  }
}
