/**
 * A granule: the ids accepted for one short stretch of event time, with room for what the streams keep beside them.
 *
 * Rows lie in arrival order in typed arrays; an open-addressing index of 16-bit row numbers finds them. A granule is
 * kept small enough for the second-level cache by choosing its length (`granules.ts`), and expires whole.
 *
 * T1  Every row's event time is in [startMs, endMs), and endMs − startMs ≤ 65,536, so a time takes two bytes.
 * T2  A granule holds at most 65,535 rows; when it is full, another one takes over the same stretch.
 * T3  Rows are only ever added. The index holds row + 1; 0 is an empty slot.
 * T4  Rows go into the index when a search needs them, many at once: adding an event then only writes at the ends of
 *     columns, and the index's cache misses overlap in a loop of their own. A search begins at `firstSlot`.
 */

import type { IdHashes } from './id-hashes.ts'
import { Unsaved } from './unsaved.ts'

export const MAX_GRANULE_ROWS = 65_535
export const MAX_GRANULE_MS = 65_536
const MIN_CAPACITY = 16

export class Granule {
  startMs = 0
  endMs = 0
  count = 0
  capacity: number
  /** Four lanes a row. */
  ids: Int32Array
  /** Event time − startMs. */
  timeOffsetMs: Uint16Array
  index: Uint16Array
  indexMask: number
  /** Number among the granules of the stream, from 1 in the order they were begun; 0 once it was dropped. */
  key = 0
  /** Rows below this are in a snapshot; which of them changed since, `unsaved` knows. */
  savedRows = 0
  readonly unsaved: Unsaved = new Unsaved()
  readonly #hashes: IdHashes
  /** Rows below it are in the index (T4). */
  #indexed = 0

  constructor(capacity: number, hashes: IdHashes) {
    this.#hashes = hashes
    this.capacity = Math.min(MAX_GRANULE_ROWS, Math.max(MIN_CAPACITY, capacity))
    this.ids = new Int32Array(this.capacity * 4)
    this.timeOffsetMs = new Uint16Array(this.capacity)
    const slots = slotsFor(this.capacity)
    this.index = new Uint16Array(slots)
    this.indexMask = slots - 1
  }

  /** Makes the granule an empty one for [startMs, endMs). Subclasses clear what they add. */
  reset(startMs: number, endMs: number): void {
    this.startMs = startMs
    this.endMs = endMs
    this.count = 0
    this.#indexed = 0
    this.index.fill(0)
    this.savedRows = 0
    this.unsaved.reset()
  }

  /** Memory held, bytes. */
  get byteLength(): number {
    return this.ids.byteLength + this.timeOffsetMs.byteLength + this.index.byteLength
  }

  /** Whether a row of event time `timeMs` belongs here and finds room (T1, T2). */
  takes(timeMs: number): boolean {
    return timeMs >= this.startMs && timeMs < this.endMs && this.count < MAX_GRANULE_ROWS
  }

  timeMsOf(row: number): number {
    return this.startMs + (this.timeOffsetMs[row] as number)
  }

  /** Adds a row; the caller knows that it is new and that there is room (T2). Returns the row. */
  append(lanes: Int32Array, source: number, timeMs: number): number {
    if (this.count === this.capacity) this.grow(Math.min(MAX_GRANULE_ROWS, Math.ceil(this.capacity * 1.5)))
    const row = this.count++
    const from = source * 4
    const to = row * 4
    const ids = this.ids
    ids[to] = lanes[from] as number
    ids[to + 1] = lanes[from + 1] as number
    ids[to + 2] = lanes[from + 2] as number
    ids[to + 3] = lanes[from + 3] as number
    this.timeOffsetMs[row] = timeMs - this.startMs
    return row
  }

  /** The first slot at which a search for `hash` starts; pass it to {@link nextMatch}. */
  firstSlot(hash: number): number {
    if (this.#indexed < this.count) this.#indexRows()
    return hash & this.indexMask
  }

  /** The next slot from `slot` on that holds the id in row `source` of `lanes`, or −1. The row is `index[slot] − 1`. */
  nextMatch(lanes: Int32Array, source: number, slot: number): number {
    const { index, indexMask, ids } = this
    const from = source * 4
    const first = lanes[from] as number
    for (let entry = index[slot] as number; entry !== 0; slot = (slot + 1) & indexMask, entry = index[slot] as number) {
      const at = (entry - 1) * 4
      if (
        ids[at] === first &&
        ids[at + 1] === lanes[from + 1] &&
        ids[at + 2] === lanes[from + 2] &&
        ids[at + 3] === lanes[from + 3]
      )
        return slot
    }
    return -1
  }

  /** Makes room for `capacity` rows. Subclasses enlarge their own columns. */
  protected grow(capacity: number): void {
    this.capacity = capacity
    this.ids = enlarged(this.ids, new Int32Array(capacity * 4))
    this.timeOffsetMs = enlarged(this.timeOffsetMs, new Uint16Array(capacity))
    const slots = slotsFor(capacity)
    if (slots <= this.index.length) return
    this.index = new Uint16Array(slots)
    this.indexMask = slots - 1
    this.#indexed = 0
  }

  #indexRows(): void {
    const { index, indexMask, ids, count } = this
    const hashes = this.#hashes
    for (let row = this.#indexed; row < count; row++) {
      let slot = hashes.firstOf(ids, row) & indexMask
      while (index[slot] !== 0) slot = (slot + 1) & indexMask
      index[slot] = row + 1
    }
    this.#indexed = count
  }
}

/** Copies `from` into the start of the larger `to` and returns `to`. */
export function enlarged<T extends Int32Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

// At most 80 % full: short probes for four bytes or less a row.
function slotsFor(capacity: number): number {
  let slots = 32
  while (slots * 0.8 < capacity) slots *= 2
  return slots
}
