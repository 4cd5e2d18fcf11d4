/**
 * The PostgreSQL sink on our own server: `bench/postgres-sink.ts`, several times.
 */
import { join } from 'node:path'
import { commandText, measureNode } from '../harness/child.ts'
import type { Figure } from '../harness/figure.ts'
import { ROOT } from '../harness/machine.ts'
import { repeated, type BenchPart } from '../harness/part.ts'

const PROGRAM = join(ROOT, 'bench', 'postgres-sink.ts')
const MAX_CELLS = 200_000

/** What a fast sink has to write, by the lines that the program prints. */
const TARGETS: Readonly<Record<string, number>> = { 'fresh rows': 80_000, 'changed rows': 80_000 }

export const postgresPart: BenchPart = {
  name: 'postgres',
  title: 'PostgreSQL sink',
  async measure(context) {
    const args = [PROGRAM, String(Math.min(MAX_CELLS, context.events))]
    const runs = await repeated(context, 'PostgreSQL sink', async () => ratesOf((await measureNode(args)).stdout))
    const names = [...(runs[0]?.keys() ?? [])]
    return { figures: names.map((name) => figureOf(name, runs, commandText(args))) }
  },
}

/** Of lines such as `fresh rows   123,456 cells/s`. */
function ratesOf(stdout: string): ReadonlyMap<string, number> {
  const lines = [...stdout.matchAll(/^(.+?) +([\d,]+) cells\/s$/gm)]
  return new Map(lines.map(([, name = '', rate = '']) => [name, Number(rate.replaceAll(',', ''))]))
}

function figureOf(name: string, runs: readonly ReadonlyMap<string, number>[], command: string): Figure {
  const values = runs.map((rates) => rates.get(name) ?? NaN)
  const least = TARGETS[name]
  return { name, values, unit: 'cells/s', command, ...(least === undefined ? {} : { target: { atLeast: least } }) }
}
