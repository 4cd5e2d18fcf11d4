/**
 * The cells of one window: for each key (a combination of dimensions) its impressions, clicks and sums.
 *
 * Sums of money must be exact: a sum is kept as `low + high × 10^15` millionths with 0 ≤ |low| < 10^15, so that every
 * addition of less than 10^15 stays below 2^53.
 *
 * L1  A cell that changed since the last `clearChanged` stands once in `changed`.
 * L2  |low| < 10^15 after every addition.
 */

const CARRY = 1e15

/** Offsets into a cell's values. Sums follow from {@link FIRST_SUM}, two numbers each: low, high. */
export const IMPRESSIONS = 0
export const CLICKS = 1
export const FIRST_SUM = 2

/** Numbers kept for each cell. */
export function cellWidth(sumCount: number): number {
  return FIRST_SUM + 2 * sumCount
}

export class CellBlock {
  readonly startMs: number
  readonly width: number
  /** Cells in use. */
  count = 0
  /** Key of each cell. */
  keys: Int32Array
  /** Row-major, `width` numbers a cell. */
  values: Float64Array
  /** Cells changed since the last {@link clearChanged}, each once (L1). */
  changed: Int32Array
  changedCount = 0
  #isChanged: Uint8Array
  #slots: Int32Array

  constructor(startMs: number, width: number) {
    this.startMs = startMs
    this.width = width
    this.keys = new Int32Array(16)
    this.values = new Float64Array(16 * width)
    this.changed = new Int32Array(16)
    this.#isChanged = new Uint8Array(16)
    this.#slots = new Int32Array(32)
  }

  /** The cell of a key, made when there is none, and marked changed. */
  touch(key: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = spread(key) & mask
    for (let entry = slots[slot] as number; entry !== 0; slot = (slot + 1) & mask, entry = slots[slot] as number) {
      if (this.keys[entry - 1] === key) {
        this.#mark(entry - 1)
        return entry - 1
      }
    }
    return this.#add(key, slot)
  }

  /** Adds to one sum of a cell and carries (L2). `sum` is its index. */
  addSum(cell: number, sum: number, micros: number): void {
    const at = cell * this.width + FIRST_SUM + 2 * sum
    let low = (this.values[at] as number) + micros
    if (low >= CARRY) {
      low -= CARRY
      this.values[at + 1] = (this.values[at + 1] as number) + 1
    } else if (low <= -CARRY) {
      low += CARRY
      this.values[at + 1] = (this.values[at + 1] as number) - 1
    }
    this.values[at] = low
  }

  /** One sum of a cell, exact, in millionths. */
  sumMicros(cell: number, sum: number): bigint {
    const at = cell * this.width + FIRST_SUM + 2 * sum
    const low = this.values[at] as number
    const high = this.values[at + 1] as number
    return high === 0 ? BigInt(low) : BigInt(high) * BigInt(CARRY) + BigInt(low)
  }

  /** Whether the cell has neither impressions nor clicks left. */
  isEmpty(cell: number): boolean {
    const at = cell * this.width
    return this.values[at + IMPRESSIONS] === 0 && this.values[at + CLICKS] === 0
  }

  /** Whether the cell changed since the last {@link clearChanged}. */
  isChanged(cell: number): boolean {
    return this.#isChanged[cell] !== 0
  }

  clearChanged(): void {
    this.#isChanged.fill(0, 0, this.count)
    this.changedCount = 0
  }

  #mark(cell: number): void {
    if (this.#isChanged[cell] !== 0) return
    this.#isChanged[cell] = 1
    this.changed[this.changedCount++] = cell
  }

  #add(key: number, slot: number): number {
    if (this.count === this.keys.length) this.#grow()
    const cell = this.count++
    this.keys[cell] = key
    this.#mark(cell)
    this.#slots[slot] = cell + 1
    if (this.count * 2 > this.#slots.length) this.#rehash()
    return cell
  }

  #grow(): void {
    const capacity = this.keys.length * 2
    this.keys = copied(this.keys, new Int32Array(capacity))
    this.values = copied(this.values, new Float64Array(capacity * this.width))
    this.changed = copied(this.changed, new Int32Array(capacity))
    this.#isChanged = copied(this.#isChanged, new Uint8Array(capacity))
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let cell = 0; cell < this.count; cell++) {
      let slot = spread(this.keys[cell] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = cell + 1
    }
    this.#slots = slots
  }
}

// Keys are small consecutive numbers; multiplying by the golden ratio keeps runs of them from clustering.
function spread(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> 7
}

function copied<T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
