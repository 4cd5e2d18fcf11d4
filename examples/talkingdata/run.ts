/**
 * The whole way of the TalkingData log: convert, replay to CSV files and PostgreSQL, verify both, show totals and the
 * page. Each step is a command of its own, printed as it could be typed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase, psqlCommand, type Database } from '../../src/database/open-database.ts'
import { convertToFolder } from './conversion.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const SAMPLE = join(ROOT, '..', 'shared', 'data', 'talkingdata', 'train_sample.csv')
const DEFINITION = join(import.meta.dirname, 'definition.ts')
/** The log spans three days. */
const PAGE_RANGE = '72h'

const USAGE = `Usage: examples/talkingdata/run [CSV|-] [options]

  CSV                   train_sample.csv or train.csv; - reads standard input
                        (default: ../shared/data/talkingdata/train_sample.csv, if it is there)
  --dir DIR             where the converted log, the tables and PostgreSQL go (default: .tidemark/talkingdata)
  --database-url URL    use this PostgreSQL database instead of a server of our own
  --port PORT           port of the page; 0 picks a free one (4400, or the next free one)
  --no-page             end after the verification`

const WHERE_TO_GET_IT = `The log is not here. It is public: "TalkingData AdTracking Fraud Detection Challenge" on Kaggle, file train_sample.csv.
With the Kaggle command line:

  kaggle competitions download -c talkingdata-adtracking-fraud-detection -f train_sample.csv
  unzip -p train_sample.csv.zip | examples/talkingdata/run -`

interface Options {
  readonly csv: string
  readonly dir: string
  readonly databaseUrl: string | undefined
  readonly pageArguments: readonly string[] | undefined
}

class StepFailed extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`a step ended with exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options === undefined) return
  const folder = relative('', options.dir) || '.'
  const { impressions, clicks } = await convertToFolder(options.csv, join(folder, 'log'))
  console.log(
    `Converted: ${impressions.toLocaleString('en-US')} impressions, ${clicks.toLocaleString('en-US')} clicks.`,
  )
  const database = await openDatabase({ dataDir: options.dir, databaseUrl: options.databaseUrl })
  try {
    await replayAndVerify(folder, database)
    if (options.pageArguments !== undefined) {
      console.log(`\nIn PostgreSQL, as long as this runs:  ${psqlCommand(database.url)}`)
      await tidemark(['replay', ...inputs(folder), '--page', '--page-range', PAGE_RANGE, ...options.pageArguments])
    }
  } finally {
    await database.stop()
  }
}

async function replayAndVerify(folder: string, { url }: Database): Promise<void> {
  const files = inputs(folder)
  const tables = join(folder, 'tables')
  await tidemark(['replay', '--quiet', ...files, '--out', tables, '--database-url', url], url)
  await tidemark(['verify', '--quiet', ...files, '--tables', tables], url)
  await tidemark(['verify', '--quiet', ...files, '--database-url', url], url)
}

function inputs(folder: string): readonly string[] {
  const file = (stream: string): string => join(folder, 'log', `${stream}.ndjson`)
  const streams = ['impressions', 'clicks'].flatMap((stream) => [`--${stream}`, file(stream)])
  return [...streams, '--definition', relative('', DEFINITION)]
}

/** Runs a command to its end. */
async function tidemark(args: readonly string[], secret?: string): Promise<void> {
  stopped.throwIfAborted()
  console.log(`\n$ ./tidemark ${args.map((arg) => (arg === secret ? 'URL' : arg)).join(' ')}`)
  const child = spawn(join(ROOT, 'tidemark'), args, { stdio: 'inherit' })
  // Ctrl-C reaches every process of the terminal by itself, a signal to this process does not.
  const forward = (): boolean => child.kill('SIGTERM')
  process.on('SIGTERM', forward)
  const [code] = (await once(child, 'close')) as [number | null]
  process.off('SIGTERM', forward)
  if (code !== 0) throw new StepFailed(code ?? 1)
}

/** Aborted by the first interrupt: the step at hand ends by itself, no other follows. */
function listenForInterrupts(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => controller.abort(new StepFailed(130)))
  return controller.signal
}

function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    options: {
      dir: { type: 'string', default: join(ROOT, '.tidemark', 'talkingdata') },
      'database-url': { type: 'string' },
      port: { type: 'string' },
      'no-page': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  })
  const csv = positionals[0] ?? (existsSync(SAMPLE) ? SAMPLE : undefined)
  if (values.help || positionals.length > 1) return leave(USAGE, values.help ? 0 : 2)
  if (csv === undefined) return leave(WHERE_TO_GET_IT, 66)
  if (csv !== '-' && !existsSync(csv)) return leave(`There is no file ${csv}.\n\n${WHERE_TO_GET_IT}`, 66)
  const pageArguments = values['no-page'] ? undefined : values.port === undefined ? [] : ['--port', values.port]
  return { csv, dir: values.dir, databaseUrl: values['database-url'], pageArguments }
}

function leave(message: string, exitCode: number): undefined {
  ;(exitCode === 0 ? console.log : console.error)(message)
  process.exitCode = exitCode
}

const stopped = listenForInterrupts()
try {
  await main()
} catch (error) {
  if (!(error instanceof StepFailed)) console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = error instanceof StepFailed ? error.exitCode : 1
}
