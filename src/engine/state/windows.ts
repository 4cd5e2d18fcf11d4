/**
 * The live windows of one time axis: a block of cells each, found by start.
 *
 * V1  A window is here from its first cell until it is final and was handed out; `take` is the only way out.
 */
import { CellBlock } from './cell-block.ts'

export class Windows {
  readonly #blocks = new Map<number, CellBlock>()
  readonly #sumCount: number
  /** The same blocks by start. */
  readonly #sorted: CellBlock[] = []
  #last: CellBlock | undefined

  constructor(sumCount: number) {
    this.#sumCount = sumCount
  }

  /** The block of the window that starts at `startMs`, made when there is none. */
  at(startMs: number): CellBlock {
    if (this.#last !== undefined && this.#last.startMs === startMs) return this.#last
    let block = this.#blocks.get(startMs)
    if (block === undefined) {
      block = new CellBlock(startMs, this.#sumCount)
      this.#blocks.set(startMs, block)
      this.#sorted.splice(this.#countBefore(startMs), 0, block)
    }
    this.#last = block
    return block
  }

  /** All blocks, by start. */
  sorted(): readonly CellBlock[] {
    return this.#sorted
  }

  /** Removes the windows that start before `startMs` and returns them by start. */
  take(startMs: number): CellBlock[] {
    const taken = this.#sorted.splice(0, this.#countBefore(startMs))
    for (const block of taken) this.#blocks.delete(block.startMs)
    if (taken.length > 0) this.#last = undefined
    return taken
  }

  get size(): number {
    return this.#blocks.size
  }

  /** Start of the earliest window, or +Infinity. */
  get earliestMs(): number {
    return this.#sorted[0]?.startMs ?? Infinity
  }

  #countBefore(startMs: number): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] as CellBlock).startMs < startMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
