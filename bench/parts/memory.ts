/**
 * Memory: what a live impression takes, and that a longer log takes no more than a shorter one.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import { median, type Figure } from '../harness/figure.ts'
import { longLog, standardLog, warm, type Log } from '../harness/logs.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import type { LiveMemory } from '../programs/live-memory.ts'
import { memoryFigure, replayRuns, SAME_JOB } from './replay-runs.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'live-memory.ts')
const WITH_GC = { nodeOptions: ['--expose-gc'] } as const

export const memoryPart: BenchPart = {
  name: 'memory',
  title: 'Memory',
  async measure(context) {
    const [short, long] = [await standardLog(context), await longLog(context)]
    await warm(short)
    return { figures: [...(await perLiveImpression(context, long)), ...(await shortAndLong(context, short, long))] }
  },
}

async function perLiveImpression(context: BenchContext, log: Log): Promise<readonly Figure[]> {
  const args = [PROGRAM, log.impressions, log.clicks, SAME_JOB, String(context.events)]
  const runs = await repeated(context, `${context.events.toLocaleString('en-US')} live impressions`, async () => {
    const { stdout } = await measureNode(args, WITH_GC)
    return JSON.parse(stdout) as LiveMemory
  })
  const live = runs[0]?.liveImpressions.toLocaleString('en-US') ?? '0'
  const shared = { unit: 'bytes', command: commandText(args, WITH_GC) }
  return [
    {
      name: 'a live impression, tables of ids',
      values: runs.map((run) => run.idBytes / run.liveImpressions),
      target: { atMost: 60 },
      note: `at ${live} live, ids of clicks included`,
      ...shared,
    },
    {
      name: 'a live impression, typed arrays of the process',
      values: runs.map((run) => run.grownArrayBytes / run.grownImpressions),
      ...shared,
    },
    {
      name: 'a live impression, all memory of the process',
      values: runs.map((run) => run.grownRssBytes / run.grownImpressions),
      note: 'cells and heap included',
      ...shared,
    },
  ]
}

async function shortAndLong(context: BenchContext, short: Log, long: Log): Promise<readonly Figure[]> {
  const options = (name: string): readonly string[] => ['--definition', SAME_JOB, '--out', join(context.dir, name)]
  const few = await replayRuns(context, 'the standard log', short, options('one-table'))
  const many = await replayRuns(context, 'four times as long', long, options('long-table'))
  const [fewMb, manyMb] = [
    memoryFigure('peak memory of the standard log', few),
    memoryFigure('four times as long', many),
  ]
  const values = manyMb.values.map((megabytes) => megabytes / median(fewMb.values))
  const shared = { unit: 'times', command: many.command }
  return [fewMb, manyMb, { name: 'the longer log to the standard one', values, target: { atMost: 1.1 }, ...shared }]
}
