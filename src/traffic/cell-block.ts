/**
 * The cells of one window: for each combination of dimension values a few numbers, side by side in one typed array,
 * found through an open-addressing table of keys.
 *
 * As objects in a Map, the million cells of an hour of busy traffic took longer to make, to find and to collect than
 * all its lines took to write.
 */

/** Places of the numbers of a cell; the sums, in millionths, follow. All are whole and below 2^53. */
export const IMPRESSIONS = 0
export const CLICKS = 1
/** Counted clicks that happened in this window, whenever their impression did. */
export const CLICKS_BY_CLICK_TIME = 2
export const FIRST_SUM = 3

const FIRST_CAPACITY = 16
const EMPTY = -1

export class CellBlock {
  /** Numbers of a cell. */
  readonly stride: number
  /** Cells in use. */
  count = 0
  /** The key of each cell, in the order in which they were made. */
  #keys: Float64Array
  #values: Float64Array
  /** Slots of the table: number of a cell, or EMPTY. A power of two, at least twice the capacity for cells. */
  #slots: Int32Array

  constructor(sumCount: number) {
    this.stride = FIRST_SUM + sumCount
    this.#keys = new Float64Array(FIRST_CAPACITY)
    this.#values = new Float64Array(this.stride * FIRST_CAPACITY)
    this.#slots = new Int32Array(FIRST_CAPACITY * 2).fill(EMPTY)
  }

  /** The number of the cell of `key`, a whole number below 2^53; the cell is made, all zero, if missing. */
  cellOf(key: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hash(key) & mask; ; slot = (slot + 1) & mask) {
      const cell = this.#slots[slot] ?? EMPTY
      if (cell === EMPTY) return this.#append(key, slot)
      if (this.#keys[cell] === key) return cell
    }
  }

  keyOf(cell: number): number {
    return this.#keys[cell] ?? NaN
  }

  /** Adds to one number of a cell. */
  add(cell: number, offset: number, amount: number): void {
    const place = cell * this.stride + offset
    this.#values[place] = (this.#values[place] ?? 0) + amount
  }

  /** One number of a cell. */
  at(cell: number, offset: number): number {
    return this.#values[cell * this.stride + offset] ?? 0
  }

  #append(key: number, slot: number): number {
    const cell = this.count++
    this.#keys[cell] = key
    this.#slots[slot] = cell
    if (this.count === this.#keys.length) this.#grow()
    return cell
  }

  #grow(): void {
    const capacity = this.#keys.length * 2
    const keys = new Float64Array(capacity)
    keys.set(this.#keys)
    const values = new Float64Array(capacity * this.stride)
    values.set(this.#values)
    const slots = new Int32Array(capacity * 2).fill(EMPTY)
    for (let cell = 0; cell < this.count; cell++) {
      let slot = hash(keys[cell] ?? 0) & (slots.length - 1)
      while (slots[slot] !== EMPTY) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = cell
    }
    this.#keys = keys
    this.#values = values
    this.#slots = slots
  }
}

function hash(key: number): number {
  const mixed = Math.imul((key >>> 0) ^ Math.floor(key / 0x1_0000_0000), 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}
