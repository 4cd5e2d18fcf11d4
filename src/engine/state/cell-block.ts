/**
 * The cells of one window: for each key (a combination of dimensions) its impressions, clicks and sums.
 *
 * A block begins as a hash table of its keys. Once it holds a good part of all keys there are, a key is its own cell
 * number: an addition is then one look at memory instead of three.
 *
 * Sums of money must be exact: a sum is kept as `low + high × 10^15` millionths with 0 ≤ |low| < 10^15, so that every
 * addition of less than 10^15 stays below 2^53.
 *
 * L1  A cell that was touched since the last `clearChanged` stands once in `changed`.
 * L2  |low| < 10^15 after every addition.
 * L3  `keys[cell]` is the key of a cell in use and −1 otherwise.
 */

const CARRY = 1e15
const DIRECT_SHARE = 4

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
  /** Every cell in use is below this. */
  end = 0
  /** Cells in use. */
  count = 0
  /** Key of each cell (L3). */
  keys: Int32Array
  /** Row-major, `width` numbers a cell. */
  values: Float64Array
  /** Cells touched since the last {@link clearChanged}, each once (L1). */
  changed: Int32Array
  changedCount = 0
  #isChanged: Uint8Array
  /** Hashed: cell + 1. Empty once a key is its own cell. */
  #slots: Int32Array
  #largestKey = 0

  constructor(startMs: number, width: number) {
    this.startMs = startMs
    this.width = width
    this.keys = new Int32Array(16).fill(-1)
    this.values = new Float64Array(16 * width)
    this.changed = new Int32Array(16)
    this.#isChanged = new Uint8Array(16)
    this.#slots = new Int32Array(32)
  }

  /** The cell of a key, made when there is none. */
  cellOf(key: number): number {
    const slots = this.#slots
    if (slots.length === 0) return key < this.end && this.keys[key] === key ? key : this.#addDirect(key)
    const mask = slots.length - 1
    let slot = spread(key) & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return this.#addHashed(key, slot)
      if (this.keys[entry - 1] === key) return entry - 1
      slot = (slot + 1) & mask
    }
  }

  /** Like {@link cellOf}, and marks the cell as changed. */
  touch(key: number): number {
    const cell = this.cellOf(key)
    if (this.#isChanged[cell] !== 0) return cell
    this.#isChanged[cell] = 1
    this.changed[this.changedCount++] = cell
    return cell
  }

  /** Adds to one sum of a cell and carries (L2). `sum` is its index. */
  addSum(cell: number, sum: number, micros: number): void {
    const at = cell * this.width + FIRST_SUM + 2 * sum
    const low = (this.values[at] as number) + micros
    if (low < CARRY && low > -CARRY) this.values[at] = low
    else this.#carry(at, low)
  }

  /** One sum of a cell, exact, in millionths. */
  sumMicros(cell: number, sum: number): bigint {
    const at = cell * this.width + FIRST_SUM + 2 * sum
    const low = this.values[at] as number
    const high = this.values[at + 1] as number
    return high === 0 ? BigInt(low) : BigInt(high) * BigInt(CARRY) + BigInt(low)
  }

  /** Whether the cell has neither impressions nor clicks. */
  isEmpty(cell: number): boolean {
    const at = cell * this.width
    return this.values[at + IMPRESSIONS] === 0 && this.values[at + CLICKS] === 0
  }

  /** Whether the cell was touched since the last {@link clearChanged}. */
  isChanged(cell: number): boolean {
    return this.#isChanged[cell] !== 0
  }

  clearChanged(): void {
    this.#isChanged.fill(0, 0, this.end)
    this.changedCount = 0
  }

  #carry(at: number, low: number): void {
    const sign = Math.sign(low)
    this.values[at] = low - sign * CARRY
    this.values[at + 1] = (this.values[at + 1] as number) + sign
  }

  #addDirect(key: number): number {
    if (key >= this.keys.length) this.#resize(Math.max(key + 1, Math.ceil(this.keys.length * 1.25)))
    this.keys[key] = key
    this.end = Math.max(this.end, key + 1)
    this.count++
    return key
  }

  #addHashed(key: number, slot: number): number {
    if (this.count === this.keys.length) this.#resize(this.keys.length * 2)
    const cell = this.count++
    this.end = this.count
    this.keys[cell] = key
    this.#slots[slot] = cell + 1
    if (key > this.#largestKey) this.#largestKey = key
    if (this.count * 2 <= this.#slots.length) return cell
    // Few keys lie above a block's own: it will hardly get much larger than its keys would be by themselves.
    if (this.count >= 64 && this.changedCount === 0 && this.count * DIRECT_SHARE > this.#largestKey) {
      this.#goDirect()
      return key
    }
    this.#rehash()
    return cell
  }

  #resize(capacity: number): void {
    const keys = new Int32Array(capacity).fill(-1)
    keys.set(this.keys.subarray(0, this.end))
    this.keys = keys
    this.values = copied(this.values, new Float64Array(capacity * this.width))
    this.changed = copied(this.changed, new Int32Array(capacity))
    this.#isChanged = copied(this.#isChanged, new Uint8Array(capacity))
  }

  #goDirect(): void {
    const { keys, values, width, count } = this
    const capacity = this.#largestKey + 1
    this.#slots = new Int32Array(0)
    this.keys = new Int32Array(capacity).fill(-1)
    this.values = new Float64Array(capacity * width)
    this.changed = new Int32Array(capacity)
    this.#isChanged = new Uint8Array(capacity)
    this.end = capacity
    for (let cell = 0; cell < count; cell++) {
      const key = keys[cell] as number
      this.keys[key] = key
      this.values.set(values.subarray(cell * width, (cell + 1) * width), key * width)
    }
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
