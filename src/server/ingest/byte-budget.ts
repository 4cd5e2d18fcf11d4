/**
 * Bytes in flight: what requests hold from the first byte received to the answer.
 *
 * B1  All leases together never hold more than the limit.
 * B2  A lease gives back exactly what it took, once.
 */

export class ByteBudget {
  readonly limitBytes: number
  #heldBytes = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes that many bytes, or none of them. */
  tryTake(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.limitBytes) return false
    this.#heldBytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes
  }
}

/** What one request holds. */
export class ByteLease {
  readonly #budget: ByteBudget
  /** Told once everything was given back. */
  onRelease: (() => void) | undefined
  #bytes = 0
  #isReleased = false

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  tryTake(bytes: number): boolean {
    if (this.#isReleased || !this.#budget.tryTake(bytes)) return false
    this.#bytes += bytes
    return true
  }

  /** Gives back a part of what was taken. */
  giveBack(bytes: number): void {
    if (this.#isReleased) return
    this.#bytes -= bytes
    this.#budget.giveBack(bytes)
  }

  /** Gives everything back. Safe to call twice. */
  release(): void {
    this.#isReleased = true
    this.#budget.giveBack(this.#bytes)
    this.#bytes = 0
    const { onRelease } = this
    this.onRelease = undefined
    onRelease?.()
  }
}
