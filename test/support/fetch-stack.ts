/**
 * Fetches what tests of the stack need, all of it within a limit of time, and prints why something is missing; nothing
 * where all of it is there.
 *
 *     node test/support/fetch-stack.ts SECONDS
 */
import { messageOf } from '../../src/errors.ts'
import { fetchJars } from '../../src/stack/fetch-jars.ts'
import { installSuperset } from '../../src/stack/fetch-superset.ts'
import { jarCache } from '../../src/stack/settings.ts'

const [seconds = '480'] = process.argv.slice(2)
const signal = AbortSignal.timeout(Number(seconds) * 1_000)
const startMs = performance.now()
const log = (line: string): void => void process.stderr.write(`tests: ${line}\n`)

const steps: readonly (() => Promise<unknown>)[] = [
  async () => fetchJars(jarCache(), 'kafka', log, signal),
  async () => fetchJars(jarCache(), 'flink', log, signal),
  async () => installSuperset(jarCache(), { log, signal }),
]
const reasons: string[] = []
for (const step of steps) await step().catch((error: unknown) => reasons.push(reasonOf(error)))
const tookS = Math.round((performance.now() - startMs) / 1_000)
if (tookS > 0 && reasons.length === 0) log(`fetched in ${tookS} s`)
process.stdout.write([...new Set(reasons)].join(' '))
// What was cut off may leave a program that still ends.
process.exit(0)

function reasonOf(error: unknown): string {
  if (signal.aborted) return `It was not done within ${seconds} s.`
  return messageOf(error)
}
