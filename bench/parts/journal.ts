/**
 * The journal alone on the disk of this machine: what can be made durable in a second, and read back.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchPart } from '../harness/part.ts'
import type { JournalSpeed } from '../programs/journal.ts'

const PROGRAM = join(ROOT, 'bench', 'programs', 'journal.ts')

export const journalPart: BenchPart = {
  name: 'journal',
  title: 'The journal alone',
  async measure(context) {
    const args = [PROGRAM, context.dir, String(Math.min(context.events, 2_000_000))]
    const runs = await repeated(context, 'journal', async () => {
      return JSON.parse((await measureNode(args)).stdout) as JournalSpeed
    })
    const command = commandText(args)
    const figure = (name: string, key: keyof JournalSpeed, unit: string, more: Partial<Figure> = {}): Figure => {
      return { name, values: runs.map((run) => run[key]), unit, command, ...more }
    }
    const inBlocks = { note: 'blocks of 1,000 lines of 200 bytes, 8 appenders, 2 partitions' }
    const oneByOne = { note: 'one line of 200 bytes each, 64 appenders, 2 partitions' }
    return {
      figures: [
        figure('lines made durable in blocks', 'blockLinesPerSecond', 'lines/s', inBlocks),
        figure('99 of 100 blocks within', 'blockP99Ms', 'ms'),
        figure('processor time for a line in a block', 'blockCpuNs', 'ns'),
        figure('appends of one line', 'singlesPerSecond', 'appends/s', { ...oneByOne, target: { atLeast: 15_000 } }),
        figure('99 of 100 single appends within', 'singleP99Ms', 'ms', { target: { atMost: 10 } }),
        figure('single appends to one sync', 'singlesPerSync', ''),
        figure('one bare write and sync of this disk', 'bareSyncMs', 'ms'),
        figure('read back and verified', 'readMbPerSecond', 'MB/s'),
        figure('opening it, last segments scanned', 'openMs', 'ms'),
        figure('CRC-32C', 'crcMbPerSecond', 'MB/s'),
      ],
    }
  },
}
