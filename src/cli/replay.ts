/**
 * `tidemark replay`: files through the embedded engine to tables as CSV, in PostgreSQL, or both, and to a page.
 */
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Command } from 'commander'
import { messageOf, TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../pipeline/plan.ts'
import type { ByteSource, DeadLetter, DeadLetterSink, Sink } from '../runtime/ports.ts'
import { replay, type ReplayOptions, type ReplayResult } from '../runtime/replay.ts'
import { AllSinks } from '../sinks/all-sinks.ts'
import { CsvSink, DEAD_LETTERS_FILE } from '../sinks/csv/csv-sink.ts'
import { DeadLetterFile } from '../sinks/csv/dead-letter-file.ts'
import type { ReplayPage } from '../service/replay-page.ts'
import { openFile } from '../sources/file/open-file.ts'
import { DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { interruptSignal } from './interrupt.ts'
import { grouped, ledgerLine } from './ledger-text.ts'
import { append, durationMs, pathOf, port } from './option-values.ts'
import { pageRangeMs } from './page-range.ts'
import { addPlanOptions, loadPlan, planArguments, type PlanOptions } from './plan-options.ts'
import type { CommonOptions } from './common-options.ts'
import { shellWord } from './shell-word.ts'
import { createTalk, tellFirstAdmin, type Talk } from './talk.ts'

interface ReplayCommandOptions extends PlanOptions, CommonOptions {
  readonly impressions?: readonly string[]
  readonly clicks?: readonly string[]
  readonly out?: string
  readonly databaseUrl?: string
  readonly deadLetters?: string
  readonly replace?: boolean
  readonly strict?: boolean
  readonly page?: boolean
  readonly pageRange?: number
  readonly dataDir: string
  readonly host: string
  readonly port?: number
}

/** The command, for `main.ts`. */
export function replayCommand(): Command {
  const command = new Command('replay')
    .description('Files through the engine, as fast as it goes, to tables.')
    .option(
      '--impressions <file...>',
      'NDJSON files of impressions, one partition each; .gz, .zst, - for stdin',
      append,
    )
    .option('--clicks <file...>', 'NDJSON files of clicks, one partition each; .gz, .zst, - for stdin', append)
    .option('--out <dir>', 'write one CSV per table and dead_letters.ndjson to this folder', pathOf)
    .option('--database-url <url>', 'write the tables to this PostgreSQL database')
    .option(
      '--dead-letters <file>',
      'keep malformed events in this file; with --out they are kept there already',
      pathOf,
    )
    .option('--replace', 'replace tables in PostgreSQL that a live pipeline wrote')
    .option('--strict', 'stop at the first malformed event (exit 65), writing nothing')
    .option('--page', 'then serve the page over the end of the log, until Ctrl-C')
    .option('--page-range <duration>', 'how far back from the end the page looks (1h)', durationMs)
    .option('--data-dir <dir>', 'where it is kept who may log in to the page', DEFAULT_DATA_DIR)
    .option('--host <address>', 'address to serve the page on', '127.0.0.1')
    .option('--port <port>', 'port of the page; 0 picks a free one (4400, or the next free one)', port)
  return addPlanOptions(command).action((options: ReplayCommandOptions) => runReplay(options))
}

async function runReplay(options: ReplayCommandOptions): Promise<void> {
  const talk = createTalk(options)
  const plan = await loadPlan(options)
  const page = await openPage(plan, options)
  const partitions = openPartitions(options)
  const { sink, deadLetters } = await createSinks(plan, options)
  const startMs = performance.now()
  const progress = talk.progress('replay')
  try {
    const result = await replay({
      plan,
      partitions,
      sink,
      deadLetters,
      random: crypto.getRandomValues(new Int32Array(16)),
      nowMs: () => performance.now(),
      yieldTurn: () => nextTurn(),
      signal: interruptSignal(),
      ...(page === undefined ? {} : forPage(page)),
      onProgress: ({ bytesTaken, byteLength, events }) =>
        progress.update(byteLength === undefined ? undefined : bytesTaken / byteLength, `${grouped(events)} events`),
    })
    progress.end()
    const elapsedMs = performance.now() - startMs
    if (options.databaseUrl !== undefined) await buildCoarse(plan, options.databaseUrl, talk)
    const pageUrl = await page?.serve(result.status)
    report({ result, elapsedMs, pageUrl }, options, talk)
  } finally {
    progress.end()
    await sink.close()
    for (const { source } of partitions) await source.close()
  }
  await page?.until(interruptSignal())
}

/** Sums up what pages look at. The tables are written: what fails here costs a view time and nothing else. */
async function buildCoarse(plan: Plan, url: string, talk: Talk): Promise<void> {
  const { CoarseBuilder } = await import('../database/coarse/coarse-builder.ts')
  const builder = new CoarseBuilder({ url, plan, nowMs: () => performance.now() })
  try {
    await builder.build(interruptSignal())
  } catch (error) {
    const reason = messageOf(error)
    talk.say(`The tables are written. Views of long ranges are slower than they could be: ${reason}`)
  } finally {
    await builder.close()
  }
}

async function openPage(plan: Plan, options: ReplayCommandOptions): Promise<ReplayPage | undefined> {
  if (options.page !== true) return undefined
  const { host, port: pagePort, pageRange, dataDir } = options
  const rangeMs = pageRange === undefined ? undefined : pageRangeMs(plan, pageRange)
  const { ReplayPage } = await import('../service/replay-page.ts')
  return new ReplayPage(plan, {
    rangeMs,
    host,
    dataDir: resolve(dataDir),
    port: pagePort,
    onFirstAdmin: tellFirstAdmin,
  })
}

function forPage(page: ReplayPage): Pick<ReplayOptions, 'pageRollUps' | 'onChanges'> {
  return { pageRollUps: page.rollUps, onChanges: (changes) => page.apply(changes) }
}

function openPartitions(options: ReplayCommandOptions): { stream: StreamName; source: ByteSource }[] {
  const named = STREAM_NAMES.flatMap((stream) => (options[stream] ?? []).map((path) => ({ stream, path })))
  if (named.length === 0)
    throw new TidemarkError('USAGE', 'replay needs files: none was given with --impressions or --clicks.', {
      fix: './tidemark replay --impressions impressions-0.ndjson --clicks clicks-0.ndjson --out tables',
    })
  if (named.filter(({ path }) => path === '-').length > 1)
    throw new TidemarkError('USAGE', 'Standard input (-) was given more than once; it can be one partition only.', {
      fix: 'Give - once and name the other files.',
    })
  return named.map(({ stream, path }) => ({ stream, source: openFile(path) }))
}

async function createSinks(
  plan: Plan,
  options: ReplayCommandOptions,
): Promise<{ sink: Sink; deadLetters: DeadLetterSink }> {
  const sinks: Sink[] = []
  const letterSinks: (() => DeadLetterSink)[] = []
  if (options.databaseUrl !== undefined) {
    const { PostgresSink } = await import('../sinks/postgres/postgres-sink.ts')
    const replace = options.replace ?? false
    sinks.push(new PostgresSink({ url: options.databaseUrl, plan, writer: 'replay', replace }))
  }
  if (options.out !== undefined) {
    const csv = new CsvSink({ plan, folder: options.out })
    sinks.push(csv)
    letterSinks.push(() => csv.deadLetters)
  }
  if (options.deadLetters !== undefined) {
    const file = new DeadLetterFile(options.deadLetters)
    sinks.push(file)
    letterSinks.push(() => file.deadLetters)
  }
  const keep = (letter: DeadLetter): void => {
    for (const sink of letterSinks) sink().write(letter)
  }
  return { sink: new AllSinks(sinks), deadLetters: { write: options.strict === true ? refuse : keep } }
}

function refuse(letter: DeadLetter): void {
  const field = letter.field === undefined ? '' : ` (field "${letter.field}")`
  const where = `${letter.partition}:${letter.position}`
  throw new TidemarkError(
    'INPUT_BAD_DATA',
    `${where}: malformed event: ${letter.reason}${field}. Nothing was written.`,
    {
      where,
      fix: 'Mend the line, or run without --strict: malformed events are then counted, and kept with --out or --dead-letters.',
    },
  )
}

function report(
  { result, elapsedMs, pageUrl }: { result: ReplayResult; elapsedMs: number; pageUrl: string | undefined },
  options: ReplayCommandOptions,
  talk: Talk,
): void {
  const eventsPerSecond = Math.round(result.events / (elapsedMs / 1_000))
  if (options.json === true) {
    const { read, ledger, cells } = result
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024
    const document = { read, ledger, cells, elapsedMs: Math.round(elapsedMs), eventsPerSecond, peakRssBytes, pageUrl }
    process.stdout.write(`${JSON.stringify(document)}\n`)
    return
  }
  const lines = [
    `${grouped(result.events)} events in ${(elapsedMs / 1_000).toFixed(2)} s (${grouped(eventsPerSecond)} events/s)`,
    ...STREAM_NAMES.map((stream) => ledgerLine(stream, result.read[stream], result.ledger[stream])),
    ...Object.entries(result.cells).map(([table, rows]) => `  ${table.padEnd(24)} ${grouped(rows).padStart(11)} rows`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  sayDeadLetters(result, options, talk)
  if (pageUrl !== undefined) talk.say(`Page at ${talk.paint('1', pageUrl)} until Ctrl-C.`)
  else if (options.out === undefined && options.databaseUrl === undefined)
    talk.say(
      'The tables were not kept: give --out DIR or --database-url URL to keep the tables, or --page to see them.',
    )
  talk.next(nextCommand(options))
}

/** Where the malformed events are, or how to keep them. */
function sayDeadLetters({ ledger }: ReplayResult, { out, deadLetters }: ReplayCommandOptions, talk: Talk): void {
  const malformed = STREAM_NAMES.reduce((sum, stream) => sum + ledger[stream].malformed, 0)
  if (malformed === 0) return
  const files = [
    ...(out === undefined ? [] : [join(out, DEAD_LETTERS_FILE)]),
    ...(deadLetters === undefined ? [] : [deadLetters]),
  ]
  const count = `${grouped(malformed)} malformed ${malformed === 1 ? 'event' : 'events'}`
  if (files.length > 0) talk.say(`${count}, with the reason of each, in ${files.join(' and ')}`)
  else talk.say(`${count} counted, but not kept: give --dead-letters FILE to see them and why.`)
}

function nextCommand(options: ReplayCommandOptions): string {
  const files = STREAM_NAMES.flatMap((stream) =>
    options[stream] === undefined ? [] : [`--${stream}`, ...options[stream].map(shellWord)],
  )
  const plan = planArguments(options)
  if (options.out !== undefined)
    return ['./tidemark verify', ...files, ...plan, '--tables', shellWord(options.out)].join(' ')
  if (options.databaseUrl !== undefined) return ['./tidemark verify', ...files, ...plan, '--database-url URL'].join(' ')
  return ['./tidemark replay', ...files, ...plan, '--out tables'].join(' ')
}
