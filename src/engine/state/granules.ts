/**
 * All live granules of a stream in order of event time: finding the one for a time, making new ones, dropping old ones.
 *
 * The length of a granule follows the rate: it is doubled while granules stay nearly empty and halved when they
 * overflow, so that the one being filled fits the second-level cache (`granule.ts`).
 *
 * R1  Granules are sorted by start; two of them either cover the same stretch or do not overlap.
 * R2  Of granules with one stretch only the last has room.
 * R3  A granule is dropped once the watermark has passed endMs + retentionMs, never earlier.
 */
import { MAX_GRANULE_MS, MAX_GRANULE_ROWS, type Granule } from './granule.ts'

const TARGET_ROWS = 32_768
const CACHE_SLOTS = 64
const MAX_POOLED = 16

export class Granules<G extends Granule> {
  /** Sorted by start (R1). Read it, do not change it. */
  readonly list: G[] = []
  /** Rows in all granules. */
  rows = 0
  readonly #create: (capacity: number) => G
  readonly #retentionMs: number
  readonly #pool: G[] = []
  /** The key that was given last. */
  lastKey = 0
  readonly #cache: (G | undefined)[] = new Array<G | undefined>(CACHE_SLOTS).fill(undefined)
  /** How long the next granule would be, ms. */
  lengthMs = 1_024

  constructor(retentionMs: number, create: (capacity: number) => G) {
    this.#retentionMs = retentionMs
    this.#create = create
  }

  /** The granule that takes the next row of event time `timeMs`; made when there is none. */
  forAppend(timeMs: number): G {
    const slot = (timeMs / 1_024) & (CACHE_SLOTS - 1)
    const cached = this.#cache[slot]
    if (cached?.takes(timeMs) === true) return cached
    const granule = this.#findOrMake(timeMs)
    this.#cache[slot] = granule
    return granule
  }

  /** Index into {@link list} of the first granule that ends after `timeMs`. */
  firstEndingAfter(timeMs: number): number {
    let low = 0
    let high = this.list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.list[middle] as G).endMs > timeMs) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Index into {@link list} of the last granule that starts at or before `timeMs`, or −1. */
  lastStartingBy(timeMs: number): number {
    let low = 0
    let high = this.list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.list[middle] as G).startMs > timeMs) high = middle
      else low = middle + 1
    }
    return low - 1
  }

  /** Whether a granule that ends at `endMs` is dropped at this watermark (R3). */
  isExpired(endMs: number, watermarkMs: number): boolean {
    return watermarkMs > endMs + this.#retentionMs
  }

  /** Drops what the watermark has left behind (R3); returns how many rows went. */
  expire(watermarkMs: number): number {
    let dropped = 0
    let rows = 0
    for (const granule of this.list) {
      if (!this.isExpired(granule.endMs, watermarkMs)) break
      rows += granule.count
      dropped++
      granule.key = 0
      if (this.#pool.length < MAX_POOLED) this.#pool.push(granule)
    }
    if (dropped === 0) return 0
    this.list.splice(0, dropped)
    this.#cache.fill(undefined)
    this.rows -= rows
    return rows
  }

  /** Takes in a granule as it was before a restart, with room for `rows`; in order of start, then of key. */
  restore(key: number, startMs: number, endMs: number, rows: number): G {
    const granule = this.#create(rows)
    granule.reset(startMs, endMs)
    granule.key = key
    granule.count = rows
    this.rows += rows
    this.list.push(granule)
    return granule
  }

  /** Memory held, bytes. */
  get byteLength(): number {
    return this.#pool.reduce((bytes, granule) => bytes + granule.byteLength, this.liveBytes)
  }

  /** Memory of the granules that have rows, bytes: without those that wait to be used again. */
  get liveBytes(): number {
    let bytes = 0
    for (const granule of this.list) bytes += granule.byteLength
    return bytes
  }

  #findOrMake(timeMs: number): G {
    const at = this.lastStartingBy(timeMs)
    const previous = this.list[at]
    if (previous === undefined || previous.endMs <= timeMs) return this.#make(timeMs, at)
    if (previous.count < MAX_GRANULE_ROWS) return previous
    return this.#insert(at + 1, previous.startMs, previous.endMs, MAX_GRANULE_ROWS)
  }

  #make(timeMs: number, after: number): G {
    const previous = this.list[after]
    const next = this.list[after + 1]
    if (previous !== undefined) this.#adaptLength(previous, this.#rowsOfStretch(after))
    let lengthMs = this.lengthMs
    let startMs = Math.floor(timeMs / lengthMs) * lengthMs
    while (
      (previous !== undefined && startMs < previous.endMs) ||
      (next !== undefined && startMs + lengthMs > next.startMs)
    ) {
      lengthMs /= 2
      startMs = Math.floor(timeMs / lengthMs) * lengthMs
    }
    // The one before may still be filling; the one before that is complete.
    const likely = lengthMs * Math.max(rowsPerMs(previous), rowsPerMs(this.list[after - 1]))
    return this.#insert(after + 1, startMs, startMs + lengthMs, Math.ceil(likely * 1.1))
  }

  // Lengths are powers of two down to 1 ms, so aligned stretches nest and the loop above ends.
  #adaptLength(previous: G, rows: number): void {
    const previousMs = previous.endMs - previous.startMs
    if (rows > TARGET_ROWS * 1.5) this.lengthMs = Math.max(1, previousMs / 2)
    else if (rows < TARGET_ROWS / 3) this.lengthMs = Math.min(MAX_GRANULE_MS, previousMs * 2)
    else this.lengthMs = previousMs
  }

  // Rows of the granule at an index and of the full ones before it that cover the same stretch (R2).
  #rowsOfStretch(last: number): number {
    const startMs = this.list[last]?.startMs
    let rows = 0
    for (let at = last; at >= 0 && this.list[at]?.startMs === startMs; at--) rows += this.list[at]?.count ?? 0
    return rows
  }

  #insert(at: number, startMs: number, endMs: number, likelyRows: number): G {
    const granule = this.#take(likelyRows)
    granule.reset(startMs, endMs)
    granule.key = ++this.lastKey
    this.list.splice(at, 0, granule)
    return granule
  }

  #take(likelyRows: number): G {
    const wanted = Math.min(MAX_GRANULE_ROWS, likelyRows)
    const fit = this.#pool.findIndex((granule) => granule.capacity >= wanted && granule.capacity <= wanted * 2 + 64)
    const [pooled] = fit < 0 ? [] : this.#pool.splice(fit, 1)
    return pooled ?? this.#create(wanted)
  }
}

function rowsPerMs(granule: Granule | undefined): number {
  return granule === undefined ? 0 : granule.count / (granule.endMs - granule.startMs)
}
