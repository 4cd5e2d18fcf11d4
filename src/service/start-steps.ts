/**
 * The steps of a start: each is timed, told once it is done, and taken down with everything else.
 *
 * P1  What a step made is registered for the way down before anybody learns that the start goes no further.
 */
import { timed } from './elapsed.ts'
import type { Teardown } from './teardown.ts'

/** Told a step that is done, in words, and what it took. */
export type OnStep = (step: string, elapsedMs: number) => void

export class StartSteps {
  readonly #teardown: Teardown
  readonly #stop: AbortSignal
  readonly #onStep: OnStep

  /** @param stop ends the start between two steps, with its reason */
  constructor(teardown: Teardown, stop: AbortSignal, onStep: OnStep) {
    this.#teardown = teardown
    this.#stop = stop
    this.#onStep = onStep
  }

  /**
   * Does one step.
   *
   * @param describe what to say of it
   * @param takeDown how what it made is taken down (P1)
   */
  async take<T>(
    describe: (value: T) => string,
    work: () => Promise<T>,
    takeDown?: (value: T) => Promise<unknown>,
  ): Promise<T> {
    const { value, elapsedMs } = await timed(work)
    if (takeDown !== undefined) this.#teardown.add(() => takeDown(value))
    this.#stop.throwIfAborted()
    this.#onStep(describe(value), elapsedMs)
    return value
  }
}
