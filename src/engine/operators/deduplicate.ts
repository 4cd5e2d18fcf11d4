/**
 * Deduplication: of the events of a stream with one id, those within A + L of an accepted one in event time are
 * duplicates, whatever else they say. Accepted ids are remembered in granules behind one filter.
 *
 * D1  An accepted id is remembered until the watermark has passed its event time + retentionMs, where retentionMs is at
 *     least A + 2L: by then no event that could be its duplicate can be accepted.
 * D2  The answer does not depend on how ids are spread over granules: an id is searched in every granule that reaches
 *     into [t − (A + L), t + (A + L)]; the filter only spares searches that would find nothing.
 * D3  Rows are looked at in order: of two in one batch the first wins.
 */
import type { Granule } from '../state/granule.ts'
import { Granules } from '../state/granules.ts'
import { IdFilter, type HashedIds } from '../state/id-filter.ts'
import { IdHashes, type HashKeys } from '../state/id-hashes.ts'
import { DUPLICATE, type Ledger } from '../ledger.ts'

/** What a deduplicator needs to know of its stream. */
export interface DeduplicateOptions<G extends Granule> {
  readonly stream: number
  readonly ledger: Ledger
  readonly hashKeys: HashKeys
  /** A + L: how far apart two events of one id are still duplicates. */
  readonly reachMs: number
  readonly retentionMs: number
  readonly createGranule: (capacity: number, hashes: IdHashes) => G
}

const FILTER_IDS = 1 << 16
const REBUILT_IDS = 2_048

export class Deduplicate<G extends Granule> {
  /** Rows of the batch that are new, in order; with the granule and the row there that each was given. */
  fresh: Int32Array = new Int32Array(0)
  freshGranule: G[] = []
  freshRow: Int32Array = new Int32Array(0)
  /** The hashes of each new row's id. */
  freshHashes: HashedIds = { first: new Int32Array(0), second: new Int32Array(0) }
  readonly granules: Granules<G>
  readonly filter: IdFilter
  readonly hashes: IdHashes
  readonly #options: DeduplicateOptions<G>
  /** Whether each row's id may have been seen before. */
  #seen: Uint8Array = new Uint8Array(0)

  constructor(options: DeduplicateOptions<G>) {
    this.#options = options
    this.hashes = new IdHashes(options.hashKeys)
    this.filter = new IdFilter(options.retentionMs, FILTER_IDS)
    this.granules = new Granules(options.retentionMs, (capacity) => options.createGranule(capacity, this.hashes))
  }

  /** Sorts the rows listed in `rows` into new ones and duplicates; returns how many are new. */
  run(ids: Int32Array, timeMs: Float64Array, rows: Int32Array, count: number): number {
    this.#reserve(count)
    this.hashes.compute(ids, rows, count)
    const { filter, granules, fresh, freshGranule, freshRow, freshHashes } = this
    const { first, second } = this.hashes
    const seen = this.#seen
    filter.addAll(this.hashes, count, latestOf(timeMs, rows, count), seen)
    let freshCount = 0
    let granule: G | undefined
    for (let j = 0; j < count; j++) {
      const source = rows[j] as number
      const t = timeMs[source] as number
      if (seen[j] !== 0 && this.#isDuplicate(ids, source, first[j] as number, t)) {
        this.#options.ledger.add(this.#options.stream, DUPLICATE, t, 1)
        continue
      }
      if (granule === undefined || !granule.takes(t)) granule = granules.forAppend(t)
      freshRow[freshCount] = granule.append(ids, source, t)
      freshGranule[freshCount] = granule
      freshHashes.first[freshCount] = first[j] as number
      freshHashes.second[freshCount] = second[j] as number
      fresh[freshCount++] = source
    }
    granules.rows += freshCount
    return freshCount
  }

  /** Forgets what the watermark has left behind (D1). */
  expire(watermarkMs: number): void {
    this.granules.expire(watermarkMs)
    this.filter.expire(watermarkMs, this.granules.rows, (add) => this.#walk(add))
  }

  /** Finds ids again after the rows of all granules were restored. */
  rebuild(): void {
    const { filter, granules, hashes } = this
    filter.empty(granules.rows)
    this.#reserve(REBUILT_IDS)
    const rows = new Int32Array(REBUILT_IDS)
    for (const { ids, count, endMs } of granules.list) {
      for (let from = 0; from < count; from += REBUILT_IDS) {
        const run = Math.min(count - from, REBUILT_IDS)
        for (let j = 0; j < run; j++) rows[j] = from + j
        hashes.compute(ids, rows, run)
        filter.addAll(hashes, run, endMs, this.#seen)
      }
    }
  }

  #isDuplicate(ids: Int32Array, source: number, hash: number, t: number): boolean {
    const { reachMs } = this.#options
    const list = this.granules.list
    const own = this.granules.lastStartingBy(t)
    for (let g = own; g >= 0; g--) {
      const granule = list[g] as G
      if (granule.endMs <= t - reachMs) break
      if (holdsWithin(granule, ids, source, hash, t, reachMs)) return true
    }
    for (let g = own + 1; g < list.length; g++) {
      const granule = list[g] as G
      if (granule.startMs > t + reachMs) break
      if (holdsWithin(granule, ids, source, hash, t, reachMs)) return true
    }
    return false
  }

  #walk(add: (first: number, second: number, timeMs: number) => void): void {
    const hashes = new IdHashes(this.#options.hashKeys)
    for (const granule of this.granules.list)
      hashes.forEach(granule.ids, granule.count, (first, second, row) => add(first, second, granule.timeMsOf(row)))
  }

  #reserve(count: number): void {
    if (this.fresh.length >= count) return
    this.#seen = new Uint8Array(count)
    this.fresh = new Int32Array(count)
    this.freshRow = new Int32Array(count)
    this.freshHashes = { first: new Int32Array(count), second: new Int32Array(count) }
    this.freshGranule = new Array<G>(count)
  }
}

function latestOf(timeMs: Float64Array, rows: Int32Array, count: number): number {
  let latestMs = -Infinity
  for (let j = 0; j < count; j++) {
    const t = timeMs[rows[j] as number] as number
    if (t > latestMs) latestMs = t
  }
  return latestMs
}

function holdsWithin(
  granule: Granule,
  ids: Int32Array,
  source: number,
  hash: number,
  t: number,
  reachMs: number,
): boolean {
  let slot = granule.nextMatch(ids, source, granule.firstSlot(hash))
  while (slot >= 0) {
    const row = (granule.index[slot] as number) - 1
    if (Math.abs(granule.timeMsOf(row) - t) <= reachMs) return true
    slot = granule.nextMatch(ids, source, (slot + 1) & granule.indexMask)
  }
  return false
}
