/**
 * Numbers tuples of dictionary codes: a combination of dimensions becomes one Int32.
 *
 * While the dictionaries are small, a tuple's place is found without searching: its codes, side by side in as many bits
 * as each needs, are an index into one array (1,000 campaigns × 4 devices × 4 browsers take 64 KB). Past 2^20 places
 * the table hashes instead.
 *
 * Y1  Equal tuples have equal numbers while they are in the table.
 * Y2  A number is given again only after `retain` has found its tuple unused.
 * Y3  `#places` and `#slots` are two ways to the same numbers; exactly one of them is in use.
 * Y4  Once a snapshot has the table, numbers given out or freed since the last one are in `unsaved`.
 */
import { Unsaved } from './unsaved.ts'

const MAX_PLACE_BITS = 20

export class KeyTable {
  /** Codes in a tuple. */
  readonly width: number
  /** Tuples in the table. */
  size = 0
  /** Changes whenever tuples come or go. */
  version = 0
  /** Every number given out is below this. */
  end = 0
  /** Row-major: `width` codes for each number. */
  codes: Int32Array
  /** Numbers (Y4). */
  readonly unsaved: Unsaved = new Unsaved()
  #isUsed: Uint8Array
  #free: number[] = []
  /** Bits of each code in a place. */
  #bits: number[]
  /** Direct: number + 1 at the place of a tuple. Empty once the table hashes. */
  #places: Int32Array
  /** Hashed: open addressing, number + 1. */
  #slots: Int32Array = new Int32Array(0)
  #hashes: Int32Array
  /** What {@link locate} found for each row of a batch: a place or a hash. */
  #located: Int32Array = new Int32Array(0)

  constructor(width: number) {
    this.width = width
    this.codes = new Int32Array(64 * Math.max(1, width))
    this.#hashes = new Int32Array(64)
    this.#isUsed = new Uint8Array(64)
    this.#bits = new Array<number>(width).fill(1)
    this.#places = new Int32Array(1 << Math.min(width, MAX_PLACE_BITS))
    if (width > MAX_PLACE_BITS) this.#startHashing()
  }

  /** Room for numbers: arrays kept beside the table need this length. */
  get capacity(): number {
    return this.#hashes.length
  }

  /** Memory held, bytes; a step of growth takes up to twice as much beside it. */
  get byteLength(): number {
    return this.codes.byteLength + this.#isUsed.length * 5 + (this.#places.length + this.#slots.length) * 4
  }

  /** Prepares {@link numberAt} for the tuples in rows `rows[0..count)` of `columns`, column by column. */
  locate(columns: readonly Int32Array[], rows: Int32Array, count: number): void {
    if (this.#located.length < count) this.#located = new Int32Array(count)
    if (this.#places.length > 0 && this.#locatePlaces(columns, rows, count)) return
    this.#locateHashes(columns, rows, count)
  }

  /** The number of the tuple in row `row` of `columns`, which was the `j`-th of the last {@link locate}. */
  numberAt(columns: readonly Int32Array[], row: number, j: number): number {
    const located = this.#located[j] as number
    if (this.#places.length === 0) return this.#numberByHash(columns, row, located)
    const entry = this.#places[located] as number
    if (entry !== 0) return entry - 1
    const number = this.#add(columns, row)
    this.#places[located] = number + 1
    return number
  }

  /** Calls `visit` with the number of every tuple in the table. */
  forEach(visit: (number: number) => void): void {
    for (const entry of this.#places.length > 0 ? this.#places : this.#slots) if (entry !== 0) visit(entry - 1)
  }

  /** Keeps the tuples for which `isUsed` says yes and forgets the others. */
  retain(isUsed: (number: number) => boolean): void {
    const kept: number[] = []
    this.forEach((number) => {
      if (isUsed(number)) kept.push(number)
      else {
        this.#free.push(number)
        this.#isUsed[number] = 0
        this.unsaved.note(number)
      }
    })
    this.#keepOnly(kept)
  }

  /** Whether a number below {@link end} belongs to a tuple. */
  isUsed(number: number): boolean {
    return this.#isUsed[number] === 1
  }

  /** Says what a number stands for, as read from a snapshot: `width` codes, or nothing. Then {@link rebuild}. */
  restore(number: number, codes: Int32Array | undefined): void {
    while (number >= this.#hashes.length) this.#grow()
    if (codes !== undefined) this.codes.set(codes, number * this.width)
    this.#isUsed[number] = codes === undefined ? 0 : 1
    this.end = Math.max(this.end, number + 1)
  }

  /** Finds tuples again after they were restored. */
  rebuild(): void {
    const used: number[] = []
    this.#free = []
    for (let number = this.end - 1; number >= 0; number--) (this.isUsed(number) ? used : this.#free).push(number)
    this.#keepOnly(used.toReversed())
  }

  #keepOnly(kept: readonly number[]): void {
    this.size = kept.length
    this.version++
    this.#bits = this.#bits.map(() => 1)
    for (const number of kept) this.#widen(number)
    this.#rebuild(kept)
  }

  #locatePlaces(columns: readonly Int32Array[], rows: Int32Array, count: number): boolean {
    const located = this.#located
    for (let attempt = 0; attempt < 2; attempt++) {
      located.fill(0, 0, count)
      let overflow = 0
      for (let d = 0; d < columns.length; d++) {
        const column = columns[d] as Int32Array
        const bits = this.#bits[d] as number
        for (let j = 0; j < count; j++) {
          const code = column[rows[j] as number] as number
          overflow |= code >>> bits
          located[j] = ((located[j] as number) << bits) | code
        }
      }
      if (overflow === 0) return true
      this.#makeRoom(columns, rows, count)
      if (this.#places.length === 0) return false
    }
    return false
  }

  #locateHashes(columns: readonly Int32Array[], rows: Int32Array, count: number): void {
    const located = this.#located
    located.fill(SEED, 0, count)
    for (const column of columns)
      for (let j = 0; j < count; j++) located[j] = mix(located[j] as number, column[rows[j] as number] as number)
  }

  #numberByHash(columns: readonly Int32Array[], row: number, hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const entry = this.#slots[slot] as number
      if (entry === 0) break
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, columns, row)) return entry - 1
      slot = (slot + 1) & mask
    }
    const number = this.#add(columns, row)
    this.#hashes[number] = hash
    this.#slots[slot] = number + 1
    if (this.size * 2 > this.#slots.length) this.#rebuild(this.#numbers())
    return number
  }

  #equals(number: number, columns: readonly Int32Array[], row: number): boolean {
    const { codes, width } = this
    for (let d = 0, at = number * width; d < width; d++, at++)
      if (codes[at] !== (columns[d] as Int32Array)[row]) return false
    return true
  }

  #add(columns: readonly Int32Array[], row: number): number {
    const number = this.#free.pop() ?? this.end++
    if (number >= this.#hashes.length) this.#grow()
    for (let d = 0; d < this.width; d++) this.codes[number * this.width + d] = (columns[d] as Int32Array)[row] as number
    this.#isUsed[number] = 1
    this.unsaved.note(number)
    this.size++
    this.version++
    return number
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2
    const codes = new Int32Array(capacity * Math.max(1, this.width))
    codes.set(this.codes)
    this.codes = codes
    const hashes = new Int32Array(capacity)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    const isUsed = new Uint8Array(capacity)
    isUsed.set(this.#isUsed)
    this.#isUsed = isUsed
  }

  // A code needs more bits than it had: widen, and move everything to its new place.
  #makeRoom(columns: readonly Int32Array[], rows: Int32Array, count: number): void {
    const numbers = this.#numbers()
    columns.forEach((column, d) => {
      for (let j = 0; j < count; j++) this.#widenTo(d, column[rows[j] as number] as number)
    })
    this.#rebuild(numbers)
  }

  #widen(number: number): void {
    for (let d = 0; d < this.width; d++) this.#widenTo(d, this.codes[number * this.width + d] as number)
  }

  #widenTo(dimension: number, code: number): void {
    while (code >>> (this.#bits[dimension] as number) !== 0)
      this.#bits[dimension] = (this.#bits[dimension] as number) + 1
  }

  #numbers(): number[] {
    const numbers: number[] = []
    this.forEach((number) => numbers.push(number))
    return numbers
  }

  #rebuild(numbers: readonly number[]): void {
    const placeBits = this.#bits.reduce((sum, bits) => sum + bits, 0)
    if (placeBits > MAX_PLACE_BITS) return this.#rehash(numbers)
    this.#slots = new Int32Array(0)
    this.#places = new Int32Array(1 << placeBits)
    for (const number of numbers) {
      let place = 0
      for (let d = 0; d < this.width; d++)
        place = (place << (this.#bits[d] as number)) | (this.codes[number * this.width + d] as number)
      this.#places[place] = number + 1
    }
  }

  #startHashing(): void {
    this.#bits = this.#bits.map(() => 31)
    this.#rehash([])
  }

  #rehash(numbers: readonly number[]): void {
    let length = 128
    while (length < numbers.length * 4) length *= 2
    this.#places = new Int32Array(0)
    this.#slots = new Int32Array(length)
    for (const number of numbers) {
      let hash = SEED
      for (let d = 0; d < this.width; d++) hash = mix(hash, this.codes[number * this.width + d] as number)
      this.#hashes[number] = hash
      let slot = hash & (length - 1)
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (length - 1)
      this.#slots[slot] = number + 1
    }
  }
}

const SEED = 0x2545f491

function mix(hash: number, code: number): number {
  const mixed = Math.imul(hash ^ code, 0x2c1b3c6d)
  return mixed ^ (mixed >>> 15)
}
