/**
 * The same job by others, on the same files in the same run: what `JSON.parse` and `Map` take, and DuckDB on one thread.
 * Every answer has to be ours, cell by cell. What they do not do: watermarks, late events, a ledger, bounded memory.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answerOfPeer, answerOfTable, requireSameAnswer } from '../harness/answers.ts'
import { commandText, measureNode, type Measurement } from '../harness/child.ts'
import { median, type Figure } from '../harness/figure.ts'
import { standardLog, warm, type Log } from '../harness/logs.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import { eventsPerCpuSecond, eventsPerSecond, rateFigures, replayRuns, SAME_JOB } from './replay-runs.ts'

interface Peer {
  readonly name: string
  readonly program: string
  readonly nodeOptions: readonly string[]
  /** How many times as fast we have to be. */
  readonly atLeast: number
}

const PEERS: readonly Peer[] = [
  { name: 'JSON.parse and Map', program: 'naive.ts', nodeOptions: ['--max-old-space-size=8192'], atLeast: 8 },
  { name: 'DuckDB, one thread', program: 'duckdb.ts', nodeOptions: [], atLeast: 1.8 },
]

export const peersPart: BenchPart = {
  name: 'peers',
  title: 'The same job by others',
  async measure(context) {
    const log = await standardLog(context)
    await warm(log)
    const out = join(context.dir, 'one-table')
    const ours = await replayRuns(context, 'Tidemark', log, ['--definition', SAME_JOB, '--out', out])
    const answer = answerOfTable(await readFile(join(out, 'ctr_by_campaign.csv'), 'utf8'))
    const figures = [...rateFigures('Tidemark', ours)]
    for (const peer of PEERS) figures.push(...(await measurePeer(context, peer, log, ours, answer)))
    return { figures }
  },
}

async function measurePeer(
  context: BenchContext,
  { name, program, nodeOptions, atLeast }: Peer,
  log: Log,
  ours: { readonly log: Log; readonly runs: readonly Measurement[] },
  answer: readonly string[],
): Promise<readonly Figure[]> {
  const out = join(context.dir, `${program}.csv`)
  const args = [join(ROOT, 'bench', 'programs', program), log.impressions, log.clicks, out]
  const options = { onOneCore: true, nodeOptions }
  const runs = await repeated(context, name, () => measureNode(args, options))
  requireSameAnswer(name, answer, answerOfPeer(await readFile(out, 'utf8')))
  const command = commandText(args, options)
  const theirs = { log, runs }
  const ratios = (rate: typeof eventsPerSecond): number[] => rate(theirs).map((value) => median(rate(ours)) / value)
  const times = { unit: 'times', command }
  return [
    { name, values: eventsPerSecond(theirs), unit: 'events/s', command },
    { name: `${name}, peak memory`, values: runs.map((run) => run.peakRssBytes / 2 ** 20), unit: 'MB', command },
    { name: `Tidemark to ${name}`, values: ratios(eventsPerSecond), target: { atLeast }, ...times },
    { name: `Tidemark to ${name}, by processor time`, values: ratios(eventsPerCpuSecond), ...times },
  ]
}
