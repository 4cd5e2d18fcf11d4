/**
 * `npm run bench`: measures what the project promises and prints it as tables.
 *
 *     npm run bench                      every part: half an hour and 20 GB of disk for logs, which are kept
 *     npm run bench -- --quick           the same on small logs, to see that it works
 *     npm run bench -- engine peers      just these parts
 *     npm run bench -- --write           puts the results into bench/RESULTS.md as well
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { figureTable, isMet } from './harness/figure.ts'
import { circumstances, ROOT } from './harness/machine.ts'
import type { BenchContext, BenchPart } from './harness/part.ts'
import { sectionOf, withSection, type Measured } from './harness/results.ts'
import { checkpointsPart } from './parts/checkpoints.ts'
import { decodePart } from './parts/decode.ts'
import { enginePart } from './parts/engine.ts'
import { ingestPart } from './parts/ingest.ts'
import { journalPart } from './parts/journal.ts'
import { kafkaPart } from './parts/kafka.ts'
import { livePart } from './parts/live.ts'
import { memoryPart } from './parts/memory.ts'
import { overloadPart } from './parts/overload.ts'
import { pagesPart } from './parts/pages.ts'
import { peersPart } from './parts/peers.ts'
import { postgresPart } from './parts/postgres.ts'
import { profilePart } from './parts/profile.ts'
import { shuffledPart } from './parts/shuffled.ts'
import { viewsPart } from './parts/views.ts'

const PARTS: readonly BenchPart[] = [
  enginePart,
  peersPart,
  shuffledPart,
  memoryPart,
  postgresPart,
  decodePart,
  profilePart,
  journalPart,
  ingestPart,
  livePart,
  overloadPart,
  checkpointsPart,
  viewsPart,
  pagesPart,
  kafkaPart,
]
const RESULTS = join(ROOT, 'bench', 'RESULTS.md')
const STANDARD = { events: 10_000_000, runs: 3, minutes: 2 } as const
const QUICK = { events: 300_000, runs: 1, minutes: 0.2 } as const

const USAGE = `Usage: npm run bench -- [PART...] [--quick] [--write] [--events N] [--runs N] [--minutes N] [--dir DIR]

  PART        ${PARTS.map(({ name }) => name).join(', ')} (default: all)
  --quick     small logs and one run: to see that it works, not to be quoted
  --write     put the results into ${relative(ROOT, RESULTS)}
  --events N  lines of the standard log (${STANDARD.events})
  --runs N    runs of each measurement (${STANDARD.runs})
  --minutes N how long the overload lasts (${STANDARD.minutes})
  --dir DIR   where logs are kept (.tidemark/bench)`

interface Options {
  readonly parts: readonly BenchPart[]
  readonly context: BenchContext
  readonly isWritten: boolean
}

function readOptions(): Options | string {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      events: { type: 'string' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      dir: { type: 'string', default: join(ROOT, '.tidemark', 'bench') },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  })
  const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name))
  if (values.help || unknown.length > 0) return [...unknown.map((name) => `No part "${name}".`), USAGE].join('\n')
  const { events, runs, minutes } = values.quick ? QUICK : STANDARD
  const context = {
    events: Number(values.events ?? events),
    runs: Number(values.runs ?? runs),
    minutes: Number(values.minutes ?? minutes),
    dir: values.dir,
    say: (line: string): void => console.error(`  ${line}`),
  }
  if (!(context.events >= 1_000) || !(context.runs >= 1) || !(context.minutes > 0))
    return `Allowed: --events from 1000, --runs from 1, --minutes above 0.\n${USAGE}`
  const parts = positionals.length === 0 ? PARTS : PARTS.filter(({ name }) => positionals.includes(name))
  return { parts, context, isWritten: values.write }
}

async function measure(part: BenchPart, context: BenchContext): Promise<Measured> {
  const { name, title } = part
  console.error(`${title} (${name})`)
  const where = `${circumstances(Date.now())} · ${context.events.toLocaleString('en-US')} events, ${context.runs} runs`
  const findings = await part.measure(context)
  return { name, title, circumstances: where, ...findings }
}

async function write(measured: Measured): Promise<void> {
  const document = await readFile(RESULTS, 'utf8')
  await writeFile(RESULTS, withSection(document, measured.name, sectionOf(measured)))
}

async function main(): Promise<void> {
  const options = readOptions()
  if (typeof options === 'string') {
    console.error(options)
    process.exitCode = 2
    return
  }
  await mkdir(dirname(options.context.dir), { recursive: true })
  let missed = 0
  for (const part of options.parts) {
    const measured = await measure(part, options.context)
    console.log(`\n## ${measured.title}\n\n${measured.circumstances}\n\n${figureTable(measured.figures)}\n`)
    missed += measured.figures.filter((figure) => isMet(figure) === false).length
    if (options.isWritten) await write(measured)
  }
  console.error(missed === 0 ? 'Every target was met.' : `${missed} targets were missed.`)
}

try {
  await main()
} catch (error) {
  const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  console.error(isUsage ? `${error.message}\n${USAGE}` : error)
  process.exitCode = isUsage ? 2 : 1
}
