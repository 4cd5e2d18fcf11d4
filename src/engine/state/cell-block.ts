/**
 * The cells of one window: for each key (a combination of dimensions) its impressions, clicks and sums.
 *
 * A block begins as a hash table of its keys. Once it holds a good part of all keys there are, a key is its own cell
 * number: an addition is then one look at memory instead of three. When a key comes that lies far above the others, it
 * hashes again: room for all keys below would cost more than the cells in use.
 *
 * Sums of money must be exact: a sum is kept as `low + high × 10^15` millionths with 0 ≤ |low| < 10^15, so that every
 * addition of less than 10^15 stays below 2^53. Hardly any sum gets there, so `high` has no room until one does.
 *
 * L1  A cell that was touched since the last `clearChanged` stands once in `changed`.
 * L2  |low| < 10^15 after every addition.
 * L3  `keyOf(cell)` is the key of a cell. Where a key is its own cell, a cell that was never used is empty.
 * L4  Once a snapshot has the block, the key of a cell that was touched since the last snapshot is in `unsaved`.
 */
import { Unsaved } from './unsaved.ts'

const CARRY = 1e15
// Flags of a cell: in `changed`; in `unsaved`.
const CHANGED = 1
const UNSAVED = 2
const DIRECT_SHARE = 4
/** A block that holds this share of what its neighbour has room for takes as much at once. */
const LIKELY_SHARE = 16
const LIKELY_FROM = 64

/** How large a block became: what the next one will likely need. */
export interface BlockShape {
  readonly end: number
  /** Whether its keys are cell numbers. */
  readonly isDirect: boolean
}

const UNKNOWN_SHAPE: BlockShape = { end: 0, isDirect: false }

export class CellBlock {
  startMs: number
  /** Every cell is below this. */
  end = 0
  /** Hashed: key of each cell. Empty once a key is its own cell. */
  #keys: Int32Array
  impressions: Float64Array
  clicks: Float64Array
  /** Of each sum, the part below 10^15 (L2). */
  readonly sumLow: Float64Array[]
  /** Of each sum, the number of 10^15 (L2). Empty while no cell has any. */
  sumHigh: Float64Array[] = []
  /** Cells touched since the last {@link clearChanged}, each once (L1). */
  changed: Int32Array
  changedCount = 0
  /** Keys (L4). */
  readonly unsaved: Unsaved = new Unsaved()
  #flags: Uint8Array
  /** Hashed: cell + 1. Empty once a key is its own cell. */
  #slots: Int32Array
  #largestKey = 0
  #likely: BlockShape

  /** @param likely what it may come to need; room for it is taken once the block is no longer small, in one go */
  constructor(startMs: number, sumCount: number, likely: BlockShape = UNKNOWN_SHAPE) {
    this.startMs = startMs
    this.#likely = likely
    this.#keys = new Int32Array(16)
    this.impressions = new Float64Array(16)
    this.clicks = new Float64Array(16)
    this.sumLow = Array.from({ length: sumCount }, () => new Float64Array(16))
    this.changed = new Int32Array(16)
    this.#flags = new Uint8Array(16)
    this.#slots = new Int32Array(32)
  }

  get shape(): BlockShape {
    return { end: this.end, isDirect: this.#slots.length === 0 }
  }

  /** Memory held, bytes; a step of growth takes up to twice as much beside it. */
  get byteLength(): number {
    const columns = 2 + this.sumLow.length + this.sumHigh.length
    return this.impressions.length * (columns * 8 + 5) + (this.#keys.length + this.#slots.length) * 4
  }

  /** The cell of a key, made when there is none. */
  cellOf(key: number): number {
    const slots = this.#slots
    if (slots.length === 0) return key < this.end ? key : this.#addDirect(key)
    const mask = slots.length - 1
    let slot = spread(key) & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return this.#addHashed(key, slot)
      if (this.#keys[entry - 1] === key) return entry - 1
      slot = (slot + 1) & mask
    }
  }

  /** The cell of a key, or −1 when there is none. */
  find(key: number): number {
    const slots = this.#slots
    if (slots.length === 0) return key < this.end ? key : -1
    const mask = slots.length - 1
    let slot = spread(key) & mask
    for (;;) {
      const entry = slots[slot] as number
      if (entry === 0) return -1
      if (this.#keys[entry - 1] === key) return entry - 1
      slot = (slot + 1) & mask
    }
  }

  /** {@link find} of ascending keys, in order. Read it, do not change it. */
  findAll(keys: Int32Array): Int32Array {
    if (this.#slots.length === 0 && (keys.at(-1) ?? 0) < this.end) return keys
    const cells = new Int32Array(keys.length)
    for (let i = 0; i < keys.length; i++) cells[i] = this.find(keys[i] as number)
    return cells
  }

  /** Makes the block an empty one for another window, with the room it has unless that was much more than it used. */
  reuse(startMs: number): void {
    this.startMs = startMs
    if (this.#slots.length === 0 && this.countUsed() * DIRECT_SHARE * 2 < this.end) this.#goHashed(new Int32Array(0))
    this.#flags.fill(0, 0, this.end)
    this.changedCount = 0
    this.unsaved.reset()
    for (const column of [this.impressions, this.clicks, ...this.sumLow]) column.fill(0, 0, this.end)
    this.sumHigh = []
    if (this.#slots.length === 0) return
    this.#slots.fill(0)
    this.#largestKey = 0
    this.end = 0
  }

  /** The key of a cell (L3). */
  keyOf(cell: number): number {
    return this.#slots.length === 0 ? cell : (this.#keys[cell] as number)
  }

  /** Like {@link cellOf}, and marks the cell as changed. */
  touch(key: number): number {
    const cell = this.cellOf(key)
    const flags = this.#flags[cell] as number
    const touched = this.unsaved.isTracked ? CHANGED | UNSAVED : CHANGED
    if ((flags & touched) === touched) return cell
    if ((flags & CHANGED) === 0) this.changed[this.changedCount++] = cell
    if ((flags & UNSAVED) === 0) this.unsaved.note(key)
    this.#flags[cell] = flags | touched
    return cell
  }

  /** The keys of cells touched since the last call, ascending (L4). */
  takeUnsaved(): Int32Array {
    const keys = this.unsaved.take()
    const cells = this.findAll(keys)
    const flags = this.#flags
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as number
      if (cell >= 0) flags[cell] = (flags[cell] as number) & CHANGED
    }
    return keys
  }

  /**
   * Gives the cell of a key the values in row `row` of saved columns: impressions, clicks, low and high of the sums.
   */
  restore(key: number, columns: readonly Float64Array[], row: number): void {
    const cell = this.cellOf(key)
    const sums = this.sumLow.length
    this.impressions[cell] = (columns[0] as Float64Array)[row] as number
    this.clicks[cell] = (columns[1] as Float64Array)[row] as number
    for (let sum = 0; sum < sums; sum++) {
      ;(this.sumLow[sum] as Float64Array)[cell] = (columns[2 + sum] as Float64Array)[row] as number
      this.#setHigh(cell, sum, (columns[2 + sums + sum] as Float64Array)[row] as number)
    }
  }

  /** Adds to one sum of a cell and carries (L2). `sum` is its index. */
  addSum(cell: number, sum: number, micros: number): void {
    const lows = this.sumLow[sum] as Float64Array
    const low = (lows[cell] as number) + micros
    if (low < CARRY && low > -CARRY) lows[cell] = low
    else this.#carry(cell, sum, low)
  }

  /** Adds the whole of a cell of another block to a cell of this one. */
  addCell(cell: number, from: CellBlock, source: number): void {
    this.impressions[cell] = (this.impressions[cell] as number) + (from.impressions[source] as number)
    this.clicks[cell] = (this.clicks[cell] as number) + (from.clicks[source] as number)
    for (let sum = 0; sum < this.sumLow.length; sum++) {
      this.addSum(cell, sum, (from.sumLow[sum] as Float64Array)[source] as number)
      const high = from.#high(source, sum)
      if (high !== 0) this.#setHigh(cell, sum, this.#high(cell, sum) + high)
    }
  }

  /** One sum of a cell, exact, in millionths. */
  sumMicros(cell: number, sum: number): bigint {
    const low = (this.sumLow[sum] as Float64Array)[cell] as number
    const high = this.#high(cell, sum)
    return high === 0 ? BigInt(low) : BigInt(high) * BigInt(CARRY) + BigInt(low)
  }

  /** Whether the cell has neither impressions nor clicks. */
  isEmpty(cell: number): boolean {
    return this.impressions[cell] === 0 && this.clicks[cell] === 0
  }

  /** Whether the cell says anything: one that is empty and not changed is as if it had never been. */
  isUsed(cell: number): boolean {
    return !this.isEmpty(cell) || this.isChanged(cell)
  }

  /** Counts the cells that say anything, by a walk over all of them. */
  countUsed(): number {
    let used = 0
    for (let cell = 0; cell < this.end; cell++) if (this.isUsed(cell)) used++
    return used
  }

  /** Whether the cell was touched since the last {@link clearChanged}. */
  isChanged(cell: number): boolean {
    return ((this.#flags[cell] as number) & CHANGED) !== 0
  }

  clearChanged(): void {
    for (let i = 0; i < this.changedCount; i++) {
      const cell = this.changed[i] as number
      this.#flags[cell] = (this.#flags[cell] as number) & UNSAVED
    }
    this.changedCount = 0
  }

  #carry(cell: number, sum: number, low: number): void {
    const sign = Math.sign(low)
    ;(this.sumLow[sum] as Float64Array)[cell] = low - sign * CARRY
    this.#setHigh(cell, sum, this.#high(cell, sum) + sign)
  }

  #high(cell: number, sum: number): number {
    return this.sumHigh.length === 0 ? 0 : ((this.sumHigh[sum] as Float64Array)[cell] as number)
  }

  #setHigh(cell: number, sum: number, high: number): void {
    if (this.sumHigh.length === 0) {
      if (high === 0) return
      this.sumHigh = this.sumLow.map((column) => new Float64Array(column.length))
    }
    ;(this.sumHigh[sum] as Float64Array)[cell] = high
  }

  #addDirect(key: number): number {
    if (key >= this.impressions.length) {
      const used = this.#cellsInUse()
      if (used.length * DIRECT_SHARE * 2 < key) {
        this.#goHashed(used)
        return this.cellOf(key)
      }
      this.#resize(Math.max(key + 1, Math.ceil(this.end * 1.25)))
    }
    this.end = key + 1
    return key
  }

  #addHashed(key: number, slot: number): number {
    if (this.end === this.#keys.length) this.#resize(this.#likelyCapacity(this.end * 2))
    const cell = this.end++
    this.#keys[cell] = key
    this.#slots[slot] = cell + 1
    if (key > this.#largestKey) this.#largestKey = key
    if (this.end * 2 <= this.#slots.length) return cell
    // Few keys lie above a block's own: it will hardly get much larger than its keys would be by themselves.
    const isLikelyDirect = this.#likely.isDirect && this.#isAsLikely()
    if (this.end >= LIKELY_FROM && (isLikelyDirect || this.end * DIRECT_SHARE > this.#largestKey)) {
      this.#goDirect(isLikelyDirect ? this.#likely.end : 0)
      return key
    }
    this.#buildSlots(this.#slots.length * 2)
    return cell
  }

  // Room alone must not be handed on: a few cells in each window would take as much as windows full of them.
  #isAsLikely(): boolean {
    return this.end >= LIKELY_FROM && this.end * LIKELY_SHARE >= this.#likely.end
  }

  #likelyCapacity(capacity: number): number {
    const { end, isDirect } = this.#likely
    return !isDirect && this.#isAsLikely() ? Math.max(capacity, end) : capacity
  }

  #resize(capacity: number): void {
    if (this.#slots.length > 0) this.#keys = copied(this.#keys, new Int32Array(capacity))
    this.changed = copied(this.changed, new Int32Array(capacity))
    this.#flags = copied(this.#flags, new Uint8Array(capacity))
    this.#moveColumns((column) => copied(column, new Float64Array(capacity)))
  }

  #goDirect(likelyEnd: number): void {
    const keys = this.#keys.subarray(0, this.end)
    const capacity = Math.max(this.#largestKey + 1, likelyEnd)
    const changed = this.changed.subarray(0, this.changedCount).map((cell) => keys[cell] as number)
    this.#slots = new Int32Array(0)
    this.#keys = new Int32Array(0)
    this.changed = copied(changed, new Int32Array(capacity))
    const flags = new Uint8Array(capacity)
    keys.forEach((key, cell) => (flags[key] = this.#flags[cell] as number))
    this.#flags = flags
    this.end = capacity
    this.#moveColumns((column) => {
      const moved = new Float64Array(capacity)
      keys.forEach((key, cell) => (moved[key] = column[cell] as number))
      return moved
    })
  }

  #cellsInUse(): Int32Array {
    const used = new Int32Array(this.end)
    let count = 0
    for (let cell = 0; cell < this.end; cell++) if (this.isUsed(cell)) used[count++] = cell
    return used.subarray(0, count)
  }

  #goHashed(used: Int32Array): void {
    const capacity = Math.max(16, used.length * 2)
    const flags = this.#flags
    this.#keys = copied(used, new Int32Array(capacity))
    this.end = used.length
    this.#largestKey = used.at(-1) ?? 0
    this.changed = new Int32Array(capacity)
    this.changedCount = 0
    this.#flags = new Uint8Array(capacity)
    used.forEach((key, cell) => {
      this.#flags[cell] = flags[key] as number
      if (!this.isChanged(cell)) return
      this.changed[this.changedCount++] = cell
    })
    this.#moveColumns((column) => {
      const moved = new Float64Array(capacity)
      used.forEach((key, cell) => (moved[cell] = column[key] as number))
      return moved
    })
    let slotCount = 32
    while (slotCount < capacity) slotCount *= 2
    this.#buildSlots(slotCount)
  }

  #moveColumns(move: (column: Float64Array) => Float64Array): void {
    this.impressions = move(this.impressions)
    this.clicks = move(this.clicks)
    for (const columns of [this.sumLow, this.sumHigh])
      for (const [sum, column] of columns.entries()) columns[sum] = move(column)
  }

  #buildSlots(slotCount: number): void {
    const slots = new Int32Array(slotCount)
    const mask = slots.length - 1
    for (let cell = 0; cell < this.end; cell++) {
      let slot = spread(this.#keys[cell] as number) & mask
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
