/**
 * Accepted impressions of one stretch of event time: id, time, combination of dimensions, and which click counts.
 *
 * Few impressions are ever clicked, so the counted click's time lives in a small table of its own that appears with the
 * first click. It is all an impression must know: a click at that very time is the counted one, any other is a repeat.
 */
import { enlarged, Granule } from './granule.ts'
import type { IdHashes } from './id-hashes.ts'

export class ImpressionGranule extends Granule {
  /** Number of the combination of dimensions (`key-table.ts`). */
  combination: Int32Array
  #counted: CountedClicks | undefined

  constructor(capacity: number, hashes: IdHashes) {
    super(capacity, hashes)
    this.combination = new Int32Array(this.capacity)
  }

  override reset(startMs: number, endMs: number): void {
    super.reset(startMs, endMs)
    this.#counted = undefined
  }

  override get byteLength(): number {
    return super.byteLength + this.combination.byteLength + (this.#counted?.byteLength ?? 0)
  }

  /** Event time of the counted click of a row, or NaN when no click counts. */
  countedMs(row: number): number {
    return this.#counted?.get(row) ?? NaN
  }

  /** {@link countedMs} of rows, in order. */
  countedMsOf(rows: Int32Array): Float64Array {
    const timesMs = new Float64Array(rows.length)
    for (let i = 0; i < rows.length; i++) timesMs[i] = this.countedMs(rows[i] as number)
    return timesMs
  }

  /** Sets the counted click of a row; NaN takes it away. */
  setCountedMs(row: number, clickTimeMs: number): void {
    this.#counted ??= new CountedClicks()
    this.#counted.set(row, clickTimeMs)
    this.unsaved.note(row)
  }

  /** Rows that have, or had, a counted click, ascending. */
  countedRows(): Int32Array {
    return this.#counted?.rows() ?? new Int32Array(0)
  }

  protected override grow(capacity: number): void {
    super.grow(capacity)
    this.combination = enlarged(this.combination, new Int32Array(capacity))
  }
}

/** Row number to time: open addressing, at most half full, row + 1 as key. */
class CountedClicks {
  #keys: Uint16Array = new Uint16Array(32)
  #timesMs: Float64Array = new Float64Array(32)
  #size = 0

  get byteLength(): number {
    return this.#keys.byteLength + this.#timesMs.byteLength
  }

  get(row: number): number {
    const slot = this.#slotOf(row)
    return this.#keys[slot] === 0 ? NaN : (this.#timesMs[slot] as number)
  }

  set(row: number, timeMs: number): void {
    const slot = this.#slotOf(row)
    this.#timesMs[slot] = timeMs
    if (this.#keys[slot] !== 0) return
    this.#keys[slot] = row + 1
    this.#size++
    if (this.#size * 2 > this.#keys.length) this.#grow()
  }

  rows(): Int32Array {
    return Int32Array.from(this.#keys.filter((key) => key !== 0).sort(), (key) => key - 1)
  }

  #slotOf(row: number): number {
    const mask = this.#keys.length - 1
    let slot = (Math.imul(row + 1, 0x9e3779b1) >>> 8) & mask
    while (this.#keys[slot] !== 0 && this.#keys[slot] !== row + 1) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    const timesMs = this.#timesMs
    this.#keys = new Uint16Array(keys.length * 2)
    this.#timesMs = new Float64Array(keys.length * 2)
    for (let old = 0; old < keys.length; old++) {
      const key = keys[old] as number
      if (key === 0) continue
      const slot = this.#slotOf(key - 1)
      this.#keys[slot] = key
      this.#timesMs[slot] = timesMs[old] as number
    }
  }
}
