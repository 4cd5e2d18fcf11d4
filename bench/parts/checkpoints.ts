/**
 * Checkpoints without the disk: what snapshots cost a run that is never idle, and how fast the last one is restored.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchContext, type BenchPart } from '../harness/part.ts'
import type { Checkpoints } from '../programs/checkpoints.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'checkpoints.ts')
const EPOCHS = 25

export const checkpointsPart: BenchPart = {
  name: 'checkpoints',
  title: 'Snapshots of the engine and their restore',
  async measure(context) {
    const few = await figuresFor(context, context.events / 10, 500)
    return { figures: [...few, ...(await figuresFor(context, context.events, 3_000))] }
  },
}

async function figuresFor(context: BenchContext, live: number, restoreAtMostMs: number): Promise<readonly Figure[]> {
  const args = [PROGRAM, String(live), String(Math.ceil(live / EPOCHS))]
  const what = `${live.toLocaleString('en-US')} live ids`
  const runs = await repeated(context, what, async () => {
    const { stdout } = await measureNode(args)
    return JSON.parse(stdout) as Checkpoints
  })
  const command = commandText(args)
  return [
    {
      name: `${what}: time in snapshots, of the time that counting takes`,
      values: runs.map((run) => (100 * run.snapshotMs) / run.countMs),
      unit: '%',
      target: { atMost: 10 },
      note: 'by processor time; cells change more often here than at the pace of the clock',
      command,
    },
    {
      name: `${what}: bytes for each new event`,
      values: runs.map((run) => run.newBytesPerEvent),
      unit: 'bytes',
      note: 'what is carried included',
      command,
    },
    {
      name: `${what}: longest chain`,
      values: runs.map((run) => run.longestChainBytes / 1_048_576),
      unit: 'MB',
      command,
    },
    {
      name: `${what}: restore`,
      values: runs.map((run) => run.restoreMs),
      unit: 'ms',
      target: { atMost: restoreAtMostMs },
      note: 'by processor time, from memory',
      command,
    },
  ]
}
