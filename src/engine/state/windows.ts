/**
 * The live windows of one time axis: a block of cells each, found by start.
 *
 * V1  A window is here from its first cell until it is final and was handed out; `take` is the only way out.
 */
import { CellBlock, type BlockShape } from './cell-block.ts'

const MAX_POOLED = 4

export class Windows {
  readonly #blocks = new Map<number, CellBlock>()
  readonly #sumCount: number
  /** The same blocks by start, from #head on. What lies before was taken and goes when it is half of the list. */
  #sorted: CellBlock[] = []
  #head = 0
  readonly #pool: CellBlock[] = []
  #last: CellBlock | undefined
  /** Of the block that was taken last. */
  #takenShape: BlockShape | undefined

  constructor(sumCount: number) {
    this.#sumCount = sumCount
  }

  /** The block of the window that starts at `startMs`, made when there is none. */
  at(startMs: number): CellBlock {
    if (this.#last !== undefined && this.#last.startMs === startMs) return this.#last
    let block = this.#blocks.get(startMs)
    if (block === undefined) {
      const index = this.#indexOf(startMs)
      block = this.#newBlock(startMs, index)
      this.#blocks.set(startMs, block)
      this.#sorted.splice(index, 0, block)
    }
    this.#last = block
    return block
  }

  /** All blocks, by start. */
  sorted(): readonly CellBlock[] {
    return this.#sorted.slice(this.#head)
  }

  /** Removes the windows that start before `startMs` and returns them by start. */
  take(startMs: number): CellBlock[] {
    const end = this.#indexOf(startMs)
    const taken = this.#sorted.slice(this.#head, end)
    if (taken.length === 0) return taken
    this.#takenShape = taken.at(-1)?.shape
    this.#head = end
    if (end * 2 >= this.#sorted.length) {
      this.#sorted = this.#sorted.slice(end)
      this.#head = 0
    }
    for (const block of taken) this.#blocks.delete(block.startMs)
    this.#last = undefined
    return taken
  }

  /** Takes back a block that was taken and read out: the next window will hardly be much smaller. */
  release(block: CellBlock): void {
    if (this.#pool.length < MAX_POOLED) this.#pool.push(block)
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Memory held, bytes. */
  get byteLength(): number {
    let bytes = 0
    for (const block of this.#blocks.values()) bytes += block.byteLength
    for (const block of this.#pool) bytes += block.byteLength
    return bytes
  }

  /** Memory of the largest block, bytes. */
  get largestBytes(): number {
    let largest = 0
    for (const block of this.#blocks.values()) largest = Math.max(largest, block.byteLength)
    return largest
  }

  /** Cells of all blocks, those that are empty included. */
  get cellCount(): number {
    let cells = 0
    for (const block of this.#blocks.values()) cells += block.end
    return cells
  }

  /** Start of the earliest window, or +Infinity. */
  get earliestMs(): number {
    return this.#sorted[this.#head]?.startMs ?? Infinity
  }

  #newBlock(startMs: number, index: number): CellBlock {
    const pooled = this.#pool.pop()
    const before = index > this.#head ? this.#sorted[index - 1] : undefined
    if (pooled === undefined) return new CellBlock(startMs, this.#sumCount, before?.shape ?? this.#takenShape)
    pooled.reuse(startMs)
    return pooled
  }

  // Index of the first block in #sorted that starts at `startMs` or later.
  #indexOf(startMs: number): number {
    let low = this.#head
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] as CellBlock).startMs < startMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
