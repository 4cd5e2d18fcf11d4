/**
 * A part of the bench: something that can be measured alone.
 */
import type { Figure } from './figure.ts'

/** How much to measure. */
export interface BenchContext {
  /** Lines of the standard log. */
  readonly events: number
  /** Runs of each measurement. */
  readonly runs: number
  /** How long an overload lasts. */
  readonly minutes: number
  /** Where logs and results go; logs are kept. */
  readonly dir: string
  /** Says what is going on, on stderr. */
  readonly say: (line: string) => void
}

export interface Findings {
  readonly figures: readonly Figure[]
}

export interface BenchPart {
  readonly name: string
  readonly title: string
  measure(context: BenchContext): Promise<Findings>
}

/** Measures the same thing as often as the context says, one after the other. */
export async function repeated<T>(
  { runs, say }: BenchContext,
  what: string,
  measure: () => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = []
  for (let run = 1; run <= runs; run++) {
    say(`${what}, run ${run} of ${runs}`)
    results.push(await measure())
  }
  return results
}
