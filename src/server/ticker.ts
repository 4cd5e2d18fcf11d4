/**
 * When the page hears of what is new: regularly, and sooner where there is news.
 *
 * K1  Two ticks are never further apart than the interval, and those for news never closer than half of it.
 */
export class Ticker {
  readonly #tick: () => void
  readonly #intervalMs: number
  #timer: NodeJS.Timeout
  #tickedMs = -Infinity

  constructor(tick: () => void, intervalMs: number) {
    this.#tick = tick
    this.#intervalMs = intervalMs
    this.#timer = this.#after(intervalMs)
  }

  now(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#after(this.#intervalMs)
    this.#tickedMs = performance.now()
    this.#tick()
  }

  /** There is news. */
  soon(): void {
    const waitMs = this.#tickedMs + this.#intervalMs / 2 - performance.now()
    if (waitMs <= 0) return this.now()
    clearTimeout(this.#timer)
    this.#timer = this.#after(waitMs)
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.now(), ms)
  }
}
