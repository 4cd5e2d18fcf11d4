/**
 * What was started, and how it is taken down.
 *
 * T1  The last thing started is the first taken down, one at a time.
 * T2  A step that fails is told, and the steps after it still run.
 * T3  Taking down twice does it once; both calls wait for the end.
 */

/** A step on the way down. */
export type Step = () => Promise<unknown>

export class Teardown {
  readonly #steps: Step[] = []
  readonly #onFailure: (error: unknown) => void
  #running: Promise<void> | undefined

  /** @param onFailure told what a step rejected with (T2) */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  /** Registers how to take down what has just begun to start. */
  add(step: Step): void {
    this.#steps.push(step)
  }

  /** Takes everything down. Never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#runAll()
    return this.#running
  }

  async #runAll(): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await step()
      } catch (error) {
        this.#onFailure(error)
      }
    }
  }
}
