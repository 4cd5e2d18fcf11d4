/**
 * Time that tests own: a clock, and pauses that end when the test lets their time come.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../src/runtime/ports.ts'

interface Waiting {
  readonly dueMs: number
  readonly wake: () => void
}

export class OwnedTime implements Clock {
  #nowMs: number
  /** How far someone has set the wall clock. */
  #setMs = 0
  readonly #waiting = new Set<Waiting>()

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs + this.#setMs
  }

  steadyMs(): number {
    return this.#nowMs
  }

  /** Sets the wall clock: no time passes. */
  set(ms: number): void {
    this.#setMs += ms
  }

  /** Waits until the time has come or the signal is aborted. */
  readonly pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const wake = (): void => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const waiting = { dueMs: this.#nowMs + ms, wake }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', wake)
    })

  /** Lets `ms` pass: every pause ends in its turn, and what waited for it runs before the next one. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await nextTurn()
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.wake()
      await nextTurn()
    }
    this.#nowMs = endMs
  }

  /** Sets the clock forward without anyone running meanwhile, as when a machine sleeps. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  #nextDue(endMs: number): Waiting | undefined {
    let next: Waiting | undefined
    for (const waiting of this.#waiting)
      if (waiting.dueMs <= endMs && (next === undefined || waiting.dueMs < next.dueMs)) next = waiting
    return next
  }
}
