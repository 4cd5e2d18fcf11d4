/**
 * Attribution: which impression a click belongs to, and which click of an impression counts.
 *
 * A click at c belongs to the impression of its id with the highest t ≤ c + e; it is in the window when also c ≤ t + A.
 * Of the clicks in an impression's window the earliest by event time is counted, the others are repeats. A click that
 * is in no window is out_of_window when some impression of its id has t − e − L ≤ c ≤ t + A + L, else pending, and
 * orphan once no impression that could still be accepted would change that: when W > c + e + 2L.
 *
 * J1  Where a click stands is a function of the accepted impressions and clicks of its id alone, in whatever order they
 *     are read: an impression read later takes over clicks that are nearer to it.
 * J2  An impression has at most one counted click; `countedMs` is its event time. A click in the window at another time
 *     is a repeat. (Of two at one millisecond either counts: no table can tell.)
 * J3  Each change here moves the ledger and both time axes together, so their totals stay equal.
 * J4  Cost: a click costs one search of impressions, backwards from its own time. An impression costs one look at a
 *     filter unless clicks of its id are waiting.
 */
import type { PlanParameters } from '../../pipeline/plan.ts'
import { CLICKS_STREAM, COUNTED, ORPHAN, OUT_OF_WINDOW, PENDING, REPEAT, type Ledger } from '../ledger.ts'
import {
  type ClickGranule,
  STANDS_IN_WINDOW,
  STANDS_ORPHAN,
  STANDS_OUT_OF_WINDOW,
  STANDS_PENDING,
} from '../state/click-granule.ts'
import { IdFilter } from '../state/id-filter.ts'
import { IdHashes, type HashKeys } from '../state/id-hashes.ts'
import type { ImpressionGranule } from '../state/impression-granule.ts'
import type { Deduplicate } from './deduplicate.ts'
import type { RollUpState } from './roll-up.ts'

const NOT_ATTRIBUTED = -1
// Every impression is looked up here and hardly one is found: a table that is nearly empty answers at the first look.
const NAMED_IDS = 1 << 13
const MERGED_NAMED_IDS = 1 << 16

/** What attribution works on: the remembered events of both streams, the cells and the ledger. */
export interface AttributeOptions {
  readonly parameters: PlanParameters
  readonly impressions: Deduplicate<ImpressionGranule>
  readonly clicks: Deduplicate<ClickGranule>
  readonly cells: RollUpState
  readonly ledger: Ledger
  readonly hashKeys: HashKeys
}

/** A new impression at `t` that may claim waiting clicks: its id in a batch, and where it is remembered. */
interface Claim {
  readonly ids: Int32Array
  readonly source: number
  readonly hash: number
  readonly t: number
  readonly granule: ImpressionGranule
  readonly row: number
}

export class Attribute {
  readonly #options: AttributeOptions
  readonly #A: number
  readonly #e: number
  readonly #L: number
  /** No impression can claim a click any more that lies further behind the watermark. */
  readonly #reachMs: number
  /** Impression ids named by clicks that an impression read later could claim. */
  readonly named: IdFilter
  /** Two impressions that reach one click are less than A + e apart, and more than A + L: none are where L ≥ e. */
  readonly #staysInWindow: boolean
  readonly #hashes: IdHashes
  #settledMs = -Infinity
  /** What a filter says of each id of a run. */
  #answers: Uint8Array = new Uint8Array(0)
  // The impression found by the last search.
  #granule: ImpressionGranule | undefined
  #row = 0

  constructor(options: AttributeOptions) {
    this.#options = options
    this.#A = options.parameters.attributionWindowMs
    this.#e = options.parameters.clockSkewToleranceMs
    this.#L = options.parameters.allowedLatenessMs
    this.#staysInWindow = this.#L >= this.#e
    this.#reachMs = this.#e + 2 * this.#L
    this.named = new IdFilter(this.#reachMs, NAMED_IDS, MERGED_NAMED_IDS)
    this.#hashes = new IdHashes(options.hashKeys)
  }

  /** Attributes the new clicks that `clicks.run` has just accepted: `count` rows of a batch. */
  runClicks(impressionIds: Int32Array, timeMs: Float64Array, count: number): void {
    const { clicks, impressions } = this.#options
    const { fresh, freshGranule, freshRow } = clicks
    this.#hashes.compute(impressionIds, fresh, count)
    const { first, second } = this.#hashes
    const isKnown = this.#answersFor(count)
    impressions.filter.hasAll(this.#hashes, count, isKnown)
    for (let j = 0; j < count; j++) {
      const source = fresh[j] as number
      const granule = freshGranule[j] as ClickGranule
      const row = freshRow[j] as number
      const c = timeMs[source] as number
      const hash = first[j] as number
      const standing = isKnown[j] !== 0 ? this.#stand(impressionIds, source, hash, c) : this.#wait(c)
      granule.initStanding(row, standing)
      if (standing === STANDS_IN_WINDOW && this.#staysInWindow) continue
      granule.link(row, impressionIds, source, hash)
      this.named.add(hash, second[j] as number, c)
    }
  }

  /** Lets the new impressions that `impressions.run` has just accepted claim clicks that were read before them. */
  runImpressions(ids: Int32Array, timeMs: Float64Array, count: number): void {
    const { impressions, clicks } = this.#options
    if (clicks.granules.rows === 0) return
    const { fresh, freshGranule, freshRow, freshHashes } = impressions
    const isNamed = this.#answersFor(count)
    this.named.hasAll(freshHashes, count, isNamed)
    for (let j = 0; j < count; j++) {
      if (isNamed[j] === 0) continue
      const hash = freshHashes.first[j] as number
      const source = fresh[j] as number
      const granule = freshGranule[j] as ImpressionGranule
      this.#claim({ ids, source, hash, t: timeMs[source] as number, granule, row: freshRow[j] as number })
    }
  }

  /** Turns clicks into orphans that no impression can claim any more, and forgets what the watermark left behind. */
  advance(watermarkMs: number): void {
    const { clicks } = this.#options
    const orphanBeforeMs = watermarkMs - this.#reachMs
    if (orphanBeforeMs > this.#settledMs) {
      this.#settledMs = orphanBeforeMs
      for (const granule of clicks.granules.list) {
        if (granule.startMs >= orphanBeforeMs) break
        if (granule.pending > 0 && granule.earliestPendingMs < orphanBeforeMs) this.#settle(granule, orphanBeforeMs)
      }
    }
    this.named.expire(watermarkMs, this.named.size, (add) => this.#walkNamed(orphanBeforeMs, add))
  }

  #answersFor(count: number): Uint8Array {
    if (this.#answers.length < count) this.#answers = new Uint8Array(count)
    return this.#answers
  }

  /** What orphans were settled up to: clicks before this are no longer pending. */
  get settledMs(): number {
    return this.#settledMs
  }

  /** Whether a remembered click could still be claimed, so that its impression's id is kept. */
  isClaimable(granule: ClickGranule, row: number): boolean {
    return granule.standing[row] !== STANDS_IN_WINDOW || !this.#staysInWindow
  }

  /** Takes over the remembered clicks after their rows were restored. */
  rebuild(settledMs: number): void {
    this.#settledMs = settledMs
    for (const granule of this.#options.clicks.granules.list) granule.rebuild((row) => this.isClaimable(granule, row))
    let named = 0
    this.#walkNamed(settledMs, () => void named++)
    this.named.empty(named)
    this.#walkNamed(settledMs, (first, second, timeMs) => void this.named.add(first, second, timeMs))
  }

  // A new click: counted, repeat, out of window or pending, by what is known now.
  #stand(impressionIds: Int32Array, source: number, hash: number, c: number): number {
    const t = this.#findImpression(impressionIds, source, hash, c)
    if (t === NOT_ATTRIBUTED) return this.#wait(c)
    if (t <= c + this.#e && c <= t + this.#A) {
      this.#count(this.#granule as ImpressionGranule, this.#row, t, c)
      return STANDS_IN_WINDOW
    }
    this.#options.ledger.add(CLICKS_STREAM, OUT_OF_WINDOW, c, 1)
    return STANDS_OUT_OF_WINDOW
  }

  #wait(c: number): number {
    this.#options.ledger.add(CLICKS_STREAM, PENDING, c, 1)
    return STANDS_PENDING
  }

  /**
   * Searches the impression a click at `c` belongs to: the highest t ≤ c + e, or else any t ≤ c + e + L.
   *
   * @returns its event time, with #granule and #row set; NOT_ATTRIBUTED when no impression reaches the click at all
   */
  #findImpression(lanes: Int32Array, source: number, hash: number, c: number): number {
    const granules = this.#options.impressions.granules
    const latestMs = c + this.#e
    const earliestMs = c - this.#A - this.#L
    const own = granules.lastStartingBy(latestMs)
    let best = NOT_ATTRIBUTED
    for (let g = own; g >= 0; g--) {
      const granule = granules.list[g] as ImpressionGranule
      if (granule.endMs <= Math.max(earliestMs, best)) break
      best = Math.max(best, this.#bestIn(granule, lanes, source, hash, Math.max(earliestMs, best + 1), latestMs))
    }
    if (best !== NOT_ATTRIBUTED) return best
    for (let g = granules.firstEndingAfter(latestMs + 1); g < granules.list.length; g++) {
      const granule = granules.list[g] as ImpressionGranule
      if (granule.startMs > latestMs + this.#L) break
      const t = this.#bestIn(granule, lanes, source, hash, latestMs + 1, latestMs + this.#L)
      if (t !== NOT_ATTRIBUTED) return t
    }
    return NOT_ATTRIBUTED
  }

  #bestIn(
    granule: ImpressionGranule,
    lanes: Int32Array,
    source: number,
    hash: number,
    fromMs: number,
    toMs: number,
  ): number {
    let best = NOT_ATTRIBUTED
    let slot = granule.nextMatch(lanes, source, granule.firstSlot(hash))
    while (slot >= 0) {
      const row = (granule.index[slot] as number) - 1
      const t = granule.timeMsOf(row)
      if (t >= fromMs && t <= toMs && t > best) {
        best = t
        this.#granule = granule
        this.#row = row
      }
      slot = granule.nextMatch(lanes, source, (slot + 1) & granule.indexMask)
    }
    return best
  }

  // Puts a click into the window of an impression; the earlier of two takes the count (J2).
  #count(granule: ImpressionGranule, row: number, t: number, c: number): void {
    const { ledger, cells } = this.#options
    const combination = granule.combination[row] as number
    const countedMs = granule.countedMs(row)
    if (c >= countedMs) {
      ledger.add(CLICKS_STREAM, REPEAT, c, 1)
      return
    }
    if (Number.isNaN(countedMs)) cells.addClickOfImpression(t, combination, 1)
    else {
      ledger.move(CLICKS_STREAM, COUNTED, REPEAT, countedMs)
      cells.addClick(countedMs, combination, -1)
    }
    granule.setCountedMs(row, c)
    ledger.add(CLICKS_STREAM, COUNTED, c, 1)
    cells.addClick(c, combination, 1)
  }

  // Takes a click out of the window of an impression, as the counted one or as a repeat.
  #uncount(granule: ImpressionGranule, row: number, t: number, c: number): void {
    const { ledger, cells } = this.#options
    if (granule.countedMs(row) !== c) {
      ledger.add(CLICKS_STREAM, REPEAT, c, -1)
      return
    }
    const combination = granule.combination[row] as number
    granule.setCountedMs(row, NaN)
    ledger.add(CLICKS_STREAM, COUNTED, c, -1)
    cells.addClickOfImpression(t, combination, -1)
    cells.addClick(c, combination, -1)
  }

  // A new impression looks at every click of its id that it reaches (J1).
  #claim(claim: Claim): void {
    const { ids, source, hash, t } = claim
    const granules = this.#options.clicks.granules
    const earliestMs = t - this.#e - this.#L
    const latestMs = t + this.#A + this.#L
    for (let g = granules.firstEndingAfter(earliestMs); g < granules.list.length; g++) {
      const clicks = granules.list[g] as ClickGranule
      if (clicks.startMs > latestMs) break
      for (let row = clicks.newestOf(ids, source, hash); row >= 0; row = (clicks.nextOfImpression[row] as number) - 1) {
        const c = clicks.timeMsOf(row)
        if (c >= earliestMs && c <= latestMs) this.#reconsider(clicks, row, c, claim)
      }
    }
  }

  #reconsider(clicks: ClickGranule, click: number, c: number, claim: Claim): void {
    const { ledger } = this.#options
    const { t, granule, row } = claim
    const inWindow = t <= c + this.#e && c <= t + this.#A
    const standing = clicks.standing[click]
    if (standing === STANDS_ORPHAN) return
    if (standing === STANDS_IN_WINDOW) {
      if (!inWindow || !this.#leaveEarlier(claim, c)) return
    } else if (standing === STANDS_PENDING) ledger.add(CLICKS_STREAM, PENDING, c, -1)
    else if (inWindow) ledger.add(CLICKS_STREAM, OUT_OF_WINDOW, c, -1)
    else return
    if (inWindow) this.#count(granule, row, t, c)
    else ledger.add(CLICKS_STREAM, OUT_OF_WINDOW, c, 1)
    clicks.setStanding(click, inWindow ? STANDS_IN_WINDOW : STANDS_OUT_OF_WINDOW)
  }

  // A click in the window of an earlier impression leaves it for the one at t. Possible only where L < e: two
  // impressions of one id are more than A + L apart, and both reach a click only when less than A + e apart. When the
  // counted click leaves, every later one leaves too, so no other has to take its place.
  #leaveEarlier({ ids, source, hash, t }: Claim, c: number): boolean {
    if (this.#staysInWindow) return false
    const granules = this.#options.impressions.granules
    for (let g = granules.lastStartingBy(t - 1); g >= 0; g--) {
      const granule = granules.list[g] as ImpressionGranule
      if (granule.endMs <= c - this.#A) break
      const earlierMs = this.#bestIn(granule, ids, source, hash, c - this.#A, t - 1)
      if (earlierMs === NOT_ATTRIBUTED) continue
      this.#uncount(granule, this.#row, earlierMs, c)
      return true
    }
    return false
  }

  #settle(granule: ClickGranule, orphanBeforeMs: number): void {
    let earliestMs = Infinity
    for (let row = 0; row < granule.count; row++) {
      if (granule.standing[row] !== STANDS_PENDING) continue
      const c = granule.timeMsOf(row)
      if (c < orphanBeforeMs) {
        granule.setStanding(row, STANDS_ORPHAN)
        this.#options.ledger.move(CLICKS_STREAM, PENDING, ORPHAN, c)
      } else if (c < earliestMs) earliestMs = c
    }
    granule.earliestPendingMs = earliestMs
  }

  #walkNamed(fromMs: number, add: (first: number, second: number, timeMs: number) => void): void {
    const hashes = new IdHashes(this.#options.hashKeys)
    for (const granule of this.#options.clicks.granules.list) {
      if (granule.endMs <= fromMs) continue
      hashes.forEach(granule.impressionIds, granule.count, (first, second, row) => {
        const c = granule.timeMsOf(row)
        if (c >= fromMs && this.isClaimable(granule, row)) add(first, second, c)
      })
    }
  }
}
