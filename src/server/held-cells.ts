/**
 * Cells of windows that the memory has not reached yet, kept until it does.
 *
 * C1  A cell is held with the last value told for it.
 * C2  At most `limit` cells are held. One more is passed over, and the windows this happened to are known.
 */

/** Counts as numbers and sums as bigint, in the order of the page's quantities. */
export type Amounts = readonly (number | bigint)[]

/** A cell whose window has come. */
export interface HeldCell {
  readonly name: string
  readonly window: number
  readonly amounts: Amounts
}

export class HeldCells {
  readonly #limit: number
  readonly #windows = new Map<number, Map<string, Amounts>>()
  #count = 0
  /** First and last of the windows that cells were passed over in. */
  #lost: { readonly first: number; readonly last: number } | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes the value of a cell, in place of the one told before. */
  hold(name: string, window: number, amounts: Amounts): void {
    const cells = this.#windows.get(window)
    const isKnown = cells?.has(name) === true
    if (!isKnown && this.#count >= this.#limit) return this.#lose(window)
    if (cells === undefined) this.#windows.set(window, new Map([[name, amounts]]))
    else cells.set(name, amounts)
    if (!isKnown) this.#count++
  }

  /** Hands out every cell of the windows up to `newest`, and holds them no longer. */
  takeUpTo(newest: number): readonly HeldCell[] {
    const taken: HeldCell[] = []
    for (const [window, cells] of this.#windows) {
      if (window > newest) continue
      for (const [name, amounts] of cells) taken.push({ name, window, amounts })
      this.#windows.delete(window)
      this.#count -= cells.size
    }
    return taken
  }

  /** The last window up to `newest` that may lack a cell; -Infinity where none does. */
  lostUpTo(newest: number): number {
    if (this.#lost === undefined || this.#lost.first > newest) return -Infinity
    return Math.min(newest, this.#lost.last)
  }

  #lose(window: number): void {
    const { first, last } = this.#lost ?? { first: window, last: window }
    this.#lost = { first: Math.min(first, window), last: Math.max(last, window) }
  }
}
