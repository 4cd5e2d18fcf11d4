/**
 * The decoder alone: `bench/decode.ts`, several times.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchPart } from '../harness/part.ts'

const PROGRAM = join(ROOT, 'bench', 'decode.ts')
const ON_ONE_CORE = { onOneCore: true } as const
const NS_COLUMN = 2
const TIMES_COLUMN = 5

export const decodePart: BenchPart = {
  name: 'decode',
  title: 'The decoder alone',
  async measure(context) {
    const runs = await repeated(context, 'decoder', async () =>
      rowsOf((await measureNode([PROGRAM], ON_ONE_CORE)).stdout),
    )
    const command = commandText([PROGRAM], ON_ONE_CORE)
    const figures = (runs[0] ?? []).map(([name = ''], index) => {
      const column = (number: number): number[] => runs.map((rows) => Number(rows[index]?.[number]))
      const times = Math.min(...column(TIMES_COLUMN))
      return {
        name,
        values: column(NS_COLUMN),
        unit: 'ns an event',
        note: `JSON.parse takes ${times} times as long`,
        command,
      }
    })
    return { figures }
  },
}

/** The rows of the table that the program prints, without its head. */
function rowsOf(stdout: string): readonly (readonly string[])[] {
  const rows = stdout.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}
