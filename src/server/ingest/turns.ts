/**
 * Whose body is read on when there are more than can be served: one after another instead of a bit of each, so that
 * what comes is taken as fast as ever and refused only where there is no room to wait.
 *
 * U1  While bodies hold little, nobody waits. Nor does ever a body that comes in one piece.
 * U2  Otherwise a body waits after its first piece, and goes on to its end once it is its turn: first come, first
 *     served. Some have a turn together, as many as there is room kept for; each that was answered passes its turn on.
 * U3  No sender is waited for: where no turn began for a moment, those of whom something is still to come may have
 *     nothing to send, and others go on beside them.
 */
import type { ByteBudget } from './byte-budget.ts'

/** As many have a turn together as keep the disk and the processor busy. */
const MAX_TOGETHER = 32
/** Bodies wait when all hold this part of what they may, and as much is kept for those who have a turn. */
const SHARE = 8
const MOMENT_MS = 50

/** A body that waits, or has its turn. */
export interface Turn {
  /** What is still to come of it. */
  readonly bytes: number
  readonly begin: () => void
}

export class Turns {
  readonly #budget: ByteBudget
  readonly #keptBytes: number
  readonly #maxBytes: number
  /** In the order in which they came. */
  readonly #waiting = new Set<Turn>()
  readonly #begun = new Set<Turn>()
  /** Those among them that are not there as a whole. */
  readonly #coming = new Set<Turn>()
  #begunBytes = 0
  #timer: NodeJS.Timeout | undefined
  #hasBegun = false

  constructor(budget: ByteBudget) {
    this.#budget = budget
    this.#keptBytes = budget.limitBytes / SHARE
    this.#maxBytes = budget.limitBytes - this.#keptBytes
  }

  /** Whether a body has to wait for its turn. */
  get isCrowded(): boolean {
    return this.#waiting.size > 0 || this.#budget.heldBytes > this.#keptBytes
  }

  /** Whether there is room for one that waits. */
  get hasRoom(): boolean {
    return this.#budget.heldBytes <= this.#maxBytes
  }

  /** Lets a body wait; its turn is begun unless it ends before. */
  wait(turn: Turn): void {
    this.#waiting.add(turn)
    this.#beginNext()
    this.#timer ??= setInterval(() => this.#look(), MOMENT_MS).unref()
  }

  /** All of a body is there. */
  complete(turn: Turn): void {
    this.#coming.delete(turn)
  }

  /** A body needs no turn, or no more: it was answered, or its sender left. Safe to call twice. */
  end(turn: Turn): void {
    this.#waiting.delete(turn)
    this.#coming.delete(turn)
    if (!this.#begun.delete(turn)) return
    this.#begunBytes -= turn.bytes
    this.#beginNext()
  }

  #look(): void {
    const beside = this.#hasBegun ? 0 : Math.min(MAX_TOGETHER, this.#coming.size)
    this.#hasBegun = false
    for (const turn of [...this.#waiting].slice(0, beside)) this.#begin(turn)
    this.#beginNext()
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #beginNext(): void {
    for (const turn of this.#waiting) {
      const isTooMuch = this.#begun.size >= MAX_TOGETHER || this.#begunBytes + turn.bytes > this.#keptBytes
      if (isTooMuch && this.#begun.size > 0) return
      this.#begin(turn)
    }
  }

  #begin(turn: Turn): void {
    this.#waiting.delete(turn)
    this.#begun.add(turn)
    this.#coming.add(turn)
    this.#begunBytes += turn.bytes
    this.#hasBegun = true
    turn.begin()
  }
}
