/**
 * What prediction cannot help with: keys in another order on every line, escapes in one line of a hundred.
 */
import { join } from 'node:path'
import { shuffledLog, warm } from '../harness/logs.ts'
import type { BenchPart } from '../harness/part.ts'
import { rateFigures, replayRuns, SAME_JOB } from './replay-runs.ts'

export const shuffledPart: BenchPart = {
  name: 'shuffled',
  title: 'Keys in any order, 1 % escapes',
  async measure(context) {
    const log = await shuffledLog(context)
    await warm(log)
    const options = ['--definition', SAME_JOB, '--out', join(context.dir, 'shuffled-table')]
    const runs = await replayRuns(context, 'shuffled keys', log, options)
    return { figures: rateFigures('one table to CSV', runs, { atLeast: 1.2e6 }) }
  },
}
