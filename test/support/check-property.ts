/**
 * Runs properties under the seed of `seed.ts`, named with how to replay when a property fails.
 */
import fc from 'fast-check'
import { replay, seed } from './seed.ts'

/** Checks `property` on `numRuns` inputs; `file` is the test's own, for the line that says how to replay. */
export function checkProperty<T>(property: fc.IProperty<T>, numRuns: number, file: string): void {
  fc.assert(property, { seed, numRuns, reporter: replayReporter(file) })
}

/** The same for a property that has to be awaited. */
export async function checkAsyncProperty<T>(
  property: fc.IAsyncProperty<T>,
  numRuns: number,
  file: string,
): Promise<void> {
  await fc.assert(property, { seed, numRuns, reporter: replayReporter(file) })
}

function replayReporter<T>(file: string): (details: fc.RunDetails<T>) => void {
  return (details) => {
    if (!details.failed) return
    const message = `${fc.defaultReportMessage(details)}\nReplay with: ${replay} npm test -- ${file}`
    throw new Error(message, { cause: details.errorInstance })
  }
}
