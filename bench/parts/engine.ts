/**
 * The standard log end to end: NDJSON files in, tables out, one process on one core, nothing left out.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { CLI, standardLog, warm } from '../harness/logs.ts'
import type { BenchContext, BenchPart } from '../harness/part.ts'
import { memoryFigure, rateFigures, replayRuns, SAME_JOB } from './replay-runs.ts'

const CHECKED_SHARE = 0.1

export const enginePart: BenchPart = {
  name: 'engine',
  title: 'The standard log, end to end on one core',
  async measure(context) {
    const checks = await checkedAgainstRecount(context)
    const log = await standardLog(context)
    await warm(log)
    const out = (name: string): readonly string[] => ['--out', join(context.dir, name)]
    const one = await replayRuns(context, 'one table', log, ['--definition', SAME_JOB, ...out('one-table')])
    const all = await replayRuns(context, 'all tables', log, out('all-tables'))
    const pauses = one.runs.map(({ longestPauseMs }) => longestPauseMs)
    return {
      figures: [
        ...checks,
        ...rateFigures('one table to CSV', one, { atLeast: 2e6 }),
        memoryFigure('one table to CSV, peak memory', one),
        {
          name: 'one table to CSV, longest collector pause',
          values: pauses,
          unit: 'ms',
          target: { atMost: 20 },
          command: one.command,
        },
        ...rateFigures('all five tables to CSV', all),
        memoryFigure('all five tables to CSV, peak memory', all),
      ],
    }
  },
}

interface Verdict {
  readonly cells: number
  readonly differing: number
}

/** A smaller log of the same shape, replayed and recounted: no figure counts while one cell differs. */
async function checkedAgainstRecount(context: BenchContext): Promise<readonly Figure[]> {
  const log = await standardLog(context, Math.round(context.events * CHECKED_SHARE))
  const tables = join(context.dir, 'checked-tables')
  context.say('verifying a smaller log of the same shape')
  await measureNode([CLI, 'replay', ...log.inputs, '--out', tables])
  const args = [CLI, 'verify', ...log.inputs, '--tables', tables, '--json']
  const { cells, differing } = JSON.parse((await measureNode(args)).stdout) as Verdict
  const note = `of ${cells.toLocaleString('en-US')}, on ${log.events.toLocaleString('en-US')} events`
  const target = { atMost: 0 } as const
  return [{ name: 'cells unlike the recount', values: [differing], unit: '', target, note, command: commandText(args) }]
}
