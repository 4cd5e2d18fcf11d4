/**
 * Numbers tuples of dictionary codes: a combination of dimensions becomes one Int32.
 *
 * Y1  Equal tuples have equal numbers while they are in the table.
 * Y2  A number is given again only after `retain` has found its tuple unused.
 */

export class KeyTable {
  /** Codes in a tuple. */
  readonly width: number
  /** Tuples in the table. */
  size = 0
  /** Numbers given out so far are below this. */
  end = 0
  /** Row-major: `width` codes for each number. */
  codes: Int32Array
  #hashes: Int32Array
  #slots: Int32Array
  readonly #free: number[] = []

  constructor(width: number) {
    this.width = width
    this.codes = new Int32Array(64 * width)
    this.#hashes = new Int32Array(64)
    this.#slots = new Int32Array(128)
  }

  /** Room for numbers: arrays kept beside the table need this length. */
  get capacity(): number {
    return this.#hashes.length
  }

  /**
   * The number of the tuple whose codes stand in row `row` of `columns`.
   *
   * @param hash of the tuple, by {@link tupleHash}
   */
  numberOf(columns: readonly Int32Array[], row: number, hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let entry = slots[slot] as number; entry !== 0; slot = (slot + 1) & mask, entry = slots[slot] as number)
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, columns, row)) return entry - 1
    return this.#add(columns, row, hash, slot)
  }

  /** Calls `visit` with the number of every tuple in the table. */
  forEach(visit: (number: number) => void): void {
    for (const entry of this.#slots) if (entry !== 0) visit(entry - 1)
  }

  /** Keeps the tuples for which `isUsed` says yes and forgets the others. */
  retain(isUsed: (number: number) => boolean): void {
    const live = this.#liveNumbers()
    for (const number of live) {
      if (isUsed(number)) continue
      this.#free.push(number)
      this.size--
      live.delete(number)
    }
    this.#slots.fill(0)
    for (const number of live) this.#place(number)
  }

  #liveNumbers(): Set<number> {
    const live = new Set<number>()
    for (const entry of this.#slots) if (entry !== 0) live.add(entry - 1)
    return live
  }

  #equals(number: number, columns: readonly Int32Array[], row: number): boolean {
    const { codes, width } = this
    for (let d = 0, at = number * width; d < width; d++, at++)
      if (codes[at] !== (columns[d] as Int32Array)[row]) return false
    return true
  }

  #add(columns: readonly Int32Array[], row: number, hash: number, slot: number): number {
    const number = this.#free.pop() ?? this.end++
    if (number >= this.#hashes.length) this.#grow()
    for (let d = 0; d < this.width; d++) this.codes[number * this.width + d] = (columns[d] as Int32Array)[row] as number
    this.#hashes[number] = hash
    this.#slots[slot] = number + 1
    this.size++
    if (this.size * 2 > this.#slots.length) this.#rehash()
    return number
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2
    const codes = new Int32Array(capacity * this.width)
    codes.set(this.codes)
    this.codes = codes
    const hashes = new Int32Array(capacity)
    hashes.set(this.#hashes)
    this.#hashes = hashes
  }

  #rehash(): void {
    const live = this.#liveNumbers()
    this.#slots = new Int32Array(this.#slots.length * 2)
    for (const number of live) this.#place(number)
  }

  #place(number: number): void {
    const mask = this.#slots.length - 1
    let slot = (this.#hashes[number] as number) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = number + 1
  }
}

/** Hashes the tuples in rows `rows[0..count)` of `columns` into `out`, column by column. */
export function tupleHashes(columns: readonly Int32Array[], rows: Int32Array, count: number, out: Int32Array): void {
  out.fill(0x2545f491, 0, count)
  for (const column of columns) {
    for (let j = 0; j < count; j++) {
      const mixed = Math.imul((out[j] as number) ^ (column[rows[j] as number] as number), 0x2c1b3c6d)
      out[j] = mixed ^ (mixed >>> 15)
    }
  }
}

/** The hash of one tuple of codes, equal to that of {@link tupleHashes}. */
export function tupleHash(codes: readonly number[]): number {
  let hash = 0x2545f491
  for (const code of codes) {
    const mixed = Math.imul(hash ^ code, 0x2c1b3c6d)
    hash = mixed ^ (mixed >>> 15)
  }
  return hash
}
