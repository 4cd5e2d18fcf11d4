/**
 * A sleep that ends when its time has come or when somebody rings.
 *
 * D1  A ring before the sleep begins is not lost: the next sleep ends at once.
 */

/** Waits, or returns early when the signal is aborted. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

export class Doorbell {
  readonly #pause: Pause
  #hasRung = false
  #sleep: AbortController | undefined

  constructor(pause: Pause) {
    this.#pause = pause
  }

  ring(): void {
    this.#hasRung = true
    this.#sleep?.abort()
  }

  /**
   * Sleeps.
   *
   * @returns whether somebody rang
   */
  async sleep(ms: number): Promise<boolean> {
    if (!this.#hasRung) {
      this.#sleep = new AbortController()
      await this.#pause(ms, this.#sleep.signal)
      this.#sleep = undefined
    }
    const hasRung = this.#hasRung
    this.#hasRung = false
    return hasRung
  }
}
