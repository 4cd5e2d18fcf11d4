/**
 * Time as the service meets it: the wall clock, waiting, and how long a step took.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../runtime/ports.ts'

export const CLOCK: Clock = { nowMs: () => Date.now(), steadyMs: () => performance.now() }

/** Waits, or returns early when the signal is aborted; 0 lets the event loop have its turn. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return nextTurn()
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

/** What `work` gives, and how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly elapsedMs: number }> {
  const startMs = performance.now()
  const value = await work()
  return { value, elapsedMs: performance.now() - startMs }
}
