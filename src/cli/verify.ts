/**
 * `tidemark verify`: recounts raw events by another path than the engine and compares every cell of every table.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Command } from 'commander'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type Plan } from '../pipeline/plan.ts'
import type { TextTables } from '../pipeline/table-text.ts'
import { compareTables, type Comparison } from '../verify/compare.ts'
import { findInstance } from '../service/running-instance.ts'
import { csvTables, requireFolder } from '../verify/readers/csv-tables.ts'
import { recountFiles, type InputFiles } from '../verify/readers/recount-files.ts'
import type { Recount } from '../verify/recount.ts'
import type { SpillStep } from '../verify/spill.ts'
import type { CommonOptions } from './common-options.ts'
import { comparisonLines } from './comparison-text.ts'
import { dataDirArgument } from './data-dir-argument.ts'
import { EXIT } from './exit-codes.ts'
import { interruptSignal } from './interrupt.ts'
import { grouped, ledgerLine } from './ledger-text.ts'
import { append } from './option-values.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions } from './plan-options.ts'
import { shellWord } from './shell-word.ts'
import { createTalk, type Talk } from './talk.ts'

interface VerifyOptions extends PlanOptions, CommonOptions {
  readonly impressions?: readonly string[]
  readonly clicks?: readonly string[]
  readonly tables?: string
  readonly databaseUrl?: string
  readonly dataDir?: string
}

/** The command, for `main.ts`. */
export function verifyCommand(): Command {
  const file = 'NDJSON files, one partition each; .gz, .zst, - for stdin'
  const command = new Command('verify')
    .description('Recounts raw events by another path than the engine and compares every cell of every table.')
    .option('--impressions <file...>', `impressions: ${file}`, append)
    .option('--clicks <file...>', `clicks: ${file}`, append)
    .option('--data-dir <dir>', 'recount what a run or demo retains, up to its last epoch, against its own database')
    .option('--tables <dir>', 'compare with the CSV files in this folder')
    .option('--database-url <url>', 'compare with the tables in this PostgreSQL database')
  return addPlanOptions(command).action((options: VerifyOptions) => runVerify(options))
}

async function runVerify(options: VerifyOptions): Promise<void> {
  const talk = createTalk(options)
  if (options.dataDir !== undefined) return runVerifyFolder(options, options.dataDir, talk)
  const files = inputFiles(options)
  const plan = await loadPlan(options)
  const found = await openTarget(plan, options)
  const startMs = performance.now()
  const recount = await recountWithProgress(plan, files, talk)
  const comparison = await found.compare(recount.tables)
  const elapsedMs = performance.now() - startMs
  if (options.json === true) process.stdout.write(`${JSON.stringify(document(recount, comparison, elapsedMs))}\n`)
  else process.stdout.write(`${report(recount, comparison, elapsedMs).join('\n')}\n`)
  if (!comparison.isEqual) process.exitCode = EXIT.differs
  talk.next(nextCommand(options, comparison.isEqual))
}

async function runVerifyFolder(options: VerifyOptions, dataDir: string, talk: Talk): Promise<void> {
  if (options.impressions !== undefined || options.clicks !== undefined || options.tables !== undefined)
    throw new TidemarkError('USAGE', 'verify takes --data-dir alone: the folder has the raw events itself.', {
      fix: `./tidemark verify --data-dir ${shellWord(dataDir)}`,
    })
  const { joinDatabase } = await import('../database/open-database.ts')
  const { verifyFolder } = await import('../service/verify-folder.ts')
  const plan = await loadPlan(options)
  requireDataFolder(dataDir)
  const startMs = performance.now()
  const database = await joinDatabase({ dataDir, databaseUrl: options.databaseUrl })
  const progress = talk.progress('verify')
  const signal = interruptSignal()
  try {
    const onStep = async ({ phase, share }: SpillStep): Promise<void> => {
      progress.update(share, phase)
      await nextTurn()
      signal.throwIfAborted()
    }
    const { epoch, recount, comparison, fromMs } = await verifyFolder({ plan, dataDir, url: database.url, onStep })
    progress.end()
    const elapsedMs = performance.now() - startMs
    const from = fromMs === -Infinity ? null : new Date(fromMs).toISOString()
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ epoch, from, ...document(recount, comparison, elapsedMs) })}\n`)
    else process.stdout.write(`${[`epoch ${epoch}`, ...report(recount, comparison, elapsedMs)].join('\n')}\n`)
    if (from !== null) talk.say(`Retention has removed the oldest events: windows before ${from} were left out.`)
    if (!comparison.isEqual) process.exitCode = EXIT.differs
    talk.next(nextOfFolder(options, dataDir, comparison.isEqual))
  } finally {
    progress.end()
    await database.close()
  }
}

/** A folder that is in use is none to run on; the URL of the database holds a password. */
function nextOfFolder(options: VerifyOptions, dataDir: string, isEqual: boolean): string {
  if (isEqual && findInstance(dataDir) !== undefined) return `./tidemark top${dataDirArgument(dataDir)}`
  const database = options.databaseUrl === undefined ? [] : ['--database-url URL']
  const command = `./tidemark ${isEqual ? 'run' : 'rebuild'}${dataDirArgument(dataDir)}`
  return [command, ...database, ...planArguments(options)].join(' ')
}

function requireDataFolder(dataDir: string): void {
  if (existsSync(join(dataDir, 'journal'))) return
  throw new TidemarkError('INPUT_MISSING', `The data folder ${dataDir} holds no journal: nothing was taken in there.`, {
    where: dataDir,
    fix: 'name the folder of a run or demo with --data-dir',
  })
}

function inputFiles({ impressions = [], clicks = [] }: VerifyOptions): InputFiles {
  const all = [...impressions, ...clicks]
  if (all.length === 0)
    throw new TidemarkError('USAGE', 'verify needs files: none was given with --impressions or --clicks.', {
      fix: './tidemark verify --impressions impressions-0.ndjson --clicks clicks-0.ndjson --tables tables',
    })
  if (all.filter((file) => file === '-').length > 1)
    throw new TidemarkError('USAGE', 'Standard input (-) was given more than once; it can be one partition only.', {
      fix: 'Give - once and name the other files.',
    })
  return { impressions, clicks }
}

/** The tables to be judged. */
interface Target {
  compare(expected: TextTables): Promise<Comparison>
}

/** Makes sure that the tables are within reach before any time goes into the recount. */
async function openTarget(plan: Plan, { tables, databaseUrl }: VerifyOptions): Promise<Target> {
  if ((tables === undefined) === (databaseUrl === undefined))
    throw new TidemarkError('USAGE', 'verify needs either --tables DIR or --database-url URL to compare with.', {
      fix: './tidemark verify --impressions FILE --clicks FILE --tables DIR',
    })
  if (databaseUrl !== undefined) return openDatabase(plan, databaseUrl)
  const folder = tables ?? ''
  await requireFolder(folder)
  return { compare: (expected) => compareTables(plan, expected, csvTables(folder)) }
}

async function openDatabase(plan: Plan, url: string): Promise<Target> {
  const { readTables } = await import('../database/read-tables.ts')
  await (await readTables(url, plan)).close()
  return {
    async compare(expected) {
      const stored = await readTables(url, plan)
      try {
        return await compareTables(plan, expected, stored.tables)
      } finally {
        await stored.close()
      }
    },
  }
}

async function recountWithProgress(plan: Plan, files: InputFiles, talk: Talk): Promise<Recount> {
  const progress = talk.progress('verify')
  const signal = interruptSignal()
  try {
    return await recountFiles(plan, files, {
      signal,
      async onStep({ phase, share }) {
        progress.update(share, phase)
        await nextTurn()
        signal.throwIfAborted()
      },
    })
  } finally {
    progress.end()
  }
}

/** The document of `--json`. */
function document({ totals }: Recount, comparison: Comparison, elapsedMs: number): object {
  const { isEqual, cells, differing, tables, unknownTables, differences } = comparison
  return {
    equal: isEqual,
    read: { impressions: totals.impressions.read, clicks: totals.clicks.read },
    ledger: { impressions: totals.impressions.classes, clicks: totals.clicks.classes },
    cells,
    differing,
    tables,
    unknownTables,
    differences,
    elapsedMs: Math.round(elapsedMs),
  }
}

function report({ totals }: Recount, comparison: Comparison, elapsedMs: number): readonly string[] {
  const events = totals.impressions.read + totals.clicks.read
  return [
    `${grouped(events)} events recounted and compared in ${(elapsedMs / 1_000).toFixed(2)} s`,
    ...STREAM_NAMES.map((stream) => ledgerLine(stream, totals[stream].read, totals[stream].classes)),
    ...comparisonLines(comparison, { expected: 'expected', found: 'found' }),
  ]
}

function nextCommand(options: VerifyOptions, isEqual: boolean): string {
  if (isEqual) return './tidemark demo'
  const files = STREAM_NAMES.flatMap((stream) => {
    const names = options[stream]
    return names === undefined ? [] : [`--${stream}`, ...names.map(shellWord)]
  })
  const target = options.tables === undefined ? ['--database-url URL'] : ['--out', shellWord(options.tables)]
  return ['./tidemark replay', ...files, ...planArguments(options), ...target].join(' ')
}
