/**
 * Accepted clicks of one stretch of event time: own id, time, the impression they name, and where they stand.
 *
 * A second index leads from an impression's id to the newest of its clicks here, and from each click to the next older
 * one, so an impression that is read after its clicks finds them all however many they are.
 *
 * K1  `nextOfImpression` links rows of one impression id only, newest first; 0 ends, row + 1 otherwise. Rows that no
 *     impression could claim any more need not be linked.
 * K2  `pending` is the number of rows whose standing is STANDS_PENDING, and none of those is earlier than
 *     `earliestPendingMs`.
 */
import { enlarged, Granule } from './granule.ts'
import type { IdHashes } from './id-hashes.ts'

/** Where an accepted click stands. STANDS_IN_WINDOW is counted or repeat: its impression knows which. */
export const STANDS_PENDING = 0
export const STANDS_IN_WINDOW = 1
export const STANDS_OUT_OF_WINDOW = 2
export const STANDS_ORPHAN = 3

export class ClickGranule extends Granule {
  /** Four lanes a row. */
  impressionIds: Int32Array
  /** One of the standings above. */
  standing: Uint8Array
  nextOfImpression: Uint16Array
  pending = 0
  earliestPendingMs: number = Infinity
  #newestOfImpression: Uint16Array
  readonly #idHashes: IdHashes

  constructor(capacity: number, hashes: IdHashes) {
    super(capacity, hashes)
    this.#idHashes = hashes
    this.impressionIds = new Int32Array(this.capacity * 4)
    this.standing = new Uint8Array(this.capacity)
    this.nextOfImpression = new Uint16Array(this.capacity)
    this.#newestOfImpression = new Uint16Array(this.index.length)
  }

  override reset(startMs: number, endMs: number): void {
    super.reset(startMs, endMs)
    this.pending = 0
    this.earliestPendingMs = Infinity
    this.#newestOfImpression.fill(0)
  }

  override get byteLength(): number {
    return (
      super.byteLength +
      this.impressionIds.byteLength +
      this.standing.byteLength +
      this.nextOfImpression.byteLength +
      this.#newestOfImpression.byteLength
    )
  }

  /** Notes which impression a row names. `hash` is the first hash of that id. */
  link(row: number, lanes: Int32Array, source: number, hash: number): void {
    const from = source * 4
    const to = row * 4
    for (let lane = 0; lane < 4; lane++) this.impressionIds[to + lane] = lanes[from + lane] as number
    const slot = this.#slotOf(lanes, source, hash)
    this.nextOfImpression[row] = this.#newestOfImpression[slot] as number
    this.#newestOfImpression[slot] = row + 1
  }

  /** The newest row that names the impression in row `source` of `lanes`, or −1. */
  newestOf(lanes: Int32Array, source: number, hash: number): number {
    return (this.#newestOfImpression[this.#slotOf(lanes, source, hash)] as number) - 1
  }

  /** Changes where a row stands and keeps K2. */
  setStanding(row: number, standing: number): void {
    if (this.standing[row] === STANDS_PENDING) this.pending--
    this.standing[row] = standing
    this.unsaved.note(row)
  }

  /** Gives a new row its first standing. */
  initStanding(row: number, standing: number): void {
    this.standing[row] = standing
    if (standing !== STANDS_PENDING) return
    this.pending++
    this.earliestPendingMs = Math.min(this.earliestPendingMs, this.timeMsOf(row))
  }

  /** Finds rows again whose columns were restored; `isLinked` tells which name an impression that could claim them. */
  rebuild(isLinked: (row: number) => boolean): void {
    this.#newestOfImpression = new Uint16Array(this.index.length)
    for (let row = 0; row < this.count; row++) {
      this.initStanding(row, this.standing[row] as number)
      if (isLinked(row)) this.link(row, this.impressionIds, row, this.#idHashes.firstOf(this.impressionIds, row))
    }
  }

  protected override grow(capacity: number): void {
    super.grow(capacity)
    this.impressionIds = enlarged(this.impressionIds, new Int32Array(capacity * 4))
    this.standing = enlarged(this.standing, new Uint8Array(capacity))
    this.nextOfImpression = enlarged(this.nextOfImpression, new Uint16Array(capacity))
    if (this.index.length > this.#newestOfImpression.length) this.#reindexImpressions()
  }

  #slotOf(lanes: Int32Array, source: number, hash: number): number {
    const heads = this.#newestOfImpression
    const ids = this.impressionIds
    const mask = heads.length - 1
    const from = source * 4
    let slot = hash & mask
    for (let entry = heads[slot] as number; entry !== 0; slot = (slot + 1) & mask, entry = heads[slot] as number) {
      const at = (entry - 1) * 4
      if (
        ids[at] === lanes[from] &&
        ids[at + 1] === lanes[from + 1] &&
        ids[at + 2] === lanes[from + 2] &&
        ids[at + 3] === lanes[from + 3]
      )
        break
    }
    return slot
  }

  #reindexImpressions(): void {
    const old = this.#newestOfImpression
    this.#newestOfImpression = new Uint16Array(this.index.length)
    for (let slot = 0; slot < old.length; slot++) {
      const head = old[slot] as number
      if (head === 0) continue
      const hash = this.#idHashes.firstOf(this.impressionIds, head - 1)
      this.#newestOfImpression[this.#slotOf(this.impressionIds, head - 1, hash)] = head
    }
  }
}
