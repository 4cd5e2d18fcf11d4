/**
 * Replays that are measured, and the figures they have in common.
 */
import { join } from 'node:path'
import { commandText, measureNode, type Measurement } from '../harness/child.ts'
import type { Figure, Target } from '../harness/figure.ts'
import { CLI, type Log } from '../harness/logs.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext } from '../harness/part.ts'

/** Impressions and clicks by minute and campaign, nothing else: what the peers do as well. */
export const SAME_JOB: string = join(ROOT, 'bench', 'same-job.json')

const ON_ONE_CORE = { onOneCore: true } as const

/** A replay of a log, run several times on one core. */
export interface ReplayRuns {
  readonly log: Log
  readonly command: string
  readonly runs: readonly Measurement[]
}

/** Replays a log; `options` go to the command. */
export async function replayRuns(
  context: BenchContext,
  what: string,
  log: Log,
  options: readonly string[],
): Promise<ReplayRuns> {
  const args = [CLI, 'replay', ...log.inputs, ...options, '--json']
  const runs = await repeated(context, what, () => measureNode(args, ON_ONE_CORE))
  return { log, command: commandText(args, ON_ONE_CORE), runs }
}

/** Events by second of the wall clock, from the start of the process to its end. */
export function eventsPerSecond({ log, runs }: { log: Log; runs: readonly Measurement[] }): readonly number[] {
  return runs.map(({ wallMs }) => (log.events * 1_000) / wallMs)
}

/** Events by second of processor time: what is left when others use the machine too. */
export function eventsPerCpuSecond({ log, runs }: { log: Log; runs: readonly Measurement[] }): readonly number[] {
  return runs.map(({ cpuMs }) => (log.events * 1_000) / cpuMs)
}

/** Both rates as figures. The target, if any, is that of the wall clock. */
export function rateFigures(name: string, measured: ReplayRuns, target?: Target): readonly Figure[] {
  const { command } = measured
  return [
    { name, values: eventsPerSecond(measured), unit: 'events/s', command, ...(target === undefined ? {} : { target }) },
    { name: `${name}, by processor time`, values: eventsPerCpuSecond(measured), unit: 'events/CPU-s', command },
  ]
}

/** Peak memory as a figure. */
export function memoryFigure(name: string, { runs, command }: ReplayRuns): Figure {
  return { name, values: runs.map(({ peakRssBytes }) => peakRssBytes / 2 ** 20), unit: 'MB', command }
}
