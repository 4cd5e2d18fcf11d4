/**
 * `tidemark compare`: every cell of every table of two databases, whoever filled them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { finalUntilMs } from '../database/final-until.ts'
import { describeUrl } from '../database/database-error.ts'
import { readTables } from '../database/read-tables.ts'
import { TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { comparePair, type PairComparison } from '../verify/compare-pair.ts'
import type { CommonOptions } from './common-options.ts'
import { comparisonLines } from './comparison-text.ts'
import { EXIT } from './exit-codes.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { createTalk } from './talk.ts'

interface CompareOptions extends PlanOptions, CommonOptions {
  readonly databaseUrl: string
  readonly with: string
  readonly final?: boolean
}

/** How often what is on its way is waited for, and how long each time. */
const ATTEMPTS = 6
const ATTEMPT_MS = 1_000

/** The command, for `main.ts`. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('Compares every cell of two databases, such as ours and that of Flink.')
    .requiredOption('--database-url <url>', 'the first PostgreSQL database')
    .requiredOption('--with <url>', 'the second one')
    .option('--final', 'only windows that are final in both, and what is on its way may arrive: for two that run')
  return addPlanOptions(command).action(runCompare)
}

async function runCompare(options: CompareOptions): Promise<void> {
  const plan = await loadPlan(options)
  const untilMs = options.final === true ? await finalInBoth(plan, options) : undefined
  const comparison = await compareUntil(plan, options, untilMs)
  const until = untilMs === undefined ? null : new Date(untilMs).toISOString()
  if (options.json === true) process.stdout.write(`${JSON.stringify({ until, ...documentOf(comparison) })}\n`)
  else process.stdout.write(`${report(comparison, until).join('\n')}\n`)
  if (!comparison.isEqual) process.exitCode = EXIT.differs
  createTalk(options).next('./tidemark verify --impressions FILE --clicks FILE --database-url URL')
}

async function finalInBoth(plan: Plan, { databaseUrl, with: other }: CompareOptions): Promise<number> {
  const [first, second] = [await finalUntilMs(databaseUrl, plan), await finalUntilMs(other, plan)]
  if (first !== undefined && second !== undefined) return Math.min(first, second)
  const where = describeUrl(first === undefined ? databaseUrl : other)
  throw new TidemarkError('INPUT_MISSING', `No window is final in ${where} yet: there is nothing to compare.`, {
    where,
    retryable: true,
    fix: 'wait until windows are final, or leave --final out',
  })
}

async function compareUntil(plan: Plan, options: CompareOptions, untilMs = Infinity): Promise<PairComparison> {
  for (let attempt = 1; ; attempt++) {
    const comparison = await compareOnce(plan, options, untilMs)
    if (comparison.isEqual || untilMs === Infinity || attempt === ATTEMPTS) return comparison
    await delay(ATTEMPT_MS)
  }
}

async function compareOnce(plan: Plan, options: CompareOptions, untilMs: number): Promise<PairComparison> {
  const first = await readTables(options.databaseUrl, plan)
  try {
    const incomplete = first.tables.filter(({ missingColumns }) => missingColumns.length > 0).map(({ name }) => name)
    const [missing] = [...first.missingTables, ...incomplete]
    if (missing !== undefined) throw tableMissing(missing, options.databaseUrl)
    const second = await readTables(options.with, plan)
    try {
      return await comparePair(plan, first.tables, second.tables, { untilMs })
    } finally {
      await second.close()
    }
  } finally {
    await first.close()
  }
}

function tableMissing(table: string, url: string): TidemarkError {
  return new TidemarkError(
    'DATABASE_SCHEMA_MISMATCH',
    `The first database has no table "${table}", or not all of its columns.`,
    {
      where: describeUrl(url),
      fix: 'name the database that a run, a replay or Flink has filled, with the same definition',
    },
  )
}

function documentOf({ isEqual, cells, differing, flink, tables, differences }: PairComparison): object {
  const named = differences.map(({ expected, found, ...cell }) => ({ ...cell, first: expected, second: found }))
  return { equal: isEqual, cells, differing, flink: flink ?? null, tables, differences: named }
}

function report(comparison: PairComparison, until: string | null): readonly string[] {
  const { flink } = comparison
  return [
    ...(until === null ? [] : [`windows before ${until}, which are final in both`]),
    ...(flink === undefined
      ? []
      : [`the ${flink} is Flink's: orphan, out_of_window and pending are compared as one class`]),
    ...comparisonLines(comparison, { expected: 'first', found: 'second' }),
  ]
}
