/**
 * Waiting in tests: a condition and a deadline, never a pause of a guessed length.
 */
import { setTimeout as delay } from 'node:timers/promises'

/** Asks every 20 ms until the answer is yes; rejects after `deadlineMs`. */
export async function eventually(
  what: string,
  ask: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs
  while (!(await ask())) {
    if (performance.now() > endMs) throw new Error(`still not so after ${deadlineMs} ms: ${what}`)
    await delay(20)
  }
}
