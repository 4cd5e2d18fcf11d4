/**
 * How much work a call is, in a number that is the same on every machine and under any load: how often the blocks of
 * our code ran, as V8 counts them for coverage. So a test can say "in proportion" without looking at a clock.
 *
 * What the engine does inside one call of its own (`JSON.parse`, an expression, `indexOf`) counts as nothing.
 */
import { Session, type Profiler } from 'node:inspector'

/** Counted from here on: V8 cannot count a function that was compiled before, nor any more once it has stopped. */
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Counts the blocks that run during `run`, a loop's body as often as it turns. */
export function countSteps(run: () => void): number {
  takeSteps()
  run()
  return takeSteps()
}

/**
 * How many times the steps of work twice as large: 2 where work is in proportion to its size, 4 where it grows as the
 * square.
 */
export function growth(work: (size: number) => void, size: number): number {
  return countSteps(() => work(2 * size)) / countSteps(() => work(size))
}

function takeSteps(): number {
  let steps: number | undefined
  // In its own thread the inspector answers before `post` returns.
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error !== null) throw error
    steps = sumOf(answer.result)
  })
  if (steps === undefined) throw new Error('the inspector has not answered')
  return steps
}

function sumOf(scripts: readonly Profiler.ScriptCoverage[]): number {
  let sum = 0
  for (const { url, functions } of scripts) {
    if (!url.startsWith('file:') || url.includes('/node_modules/')) continue
    for (const { ranges } of functions) for (const { count } of ranges) sum += count
  }
  return sum
}
