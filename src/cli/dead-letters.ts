/**
 * `tidemark dead-letters list|show|replay`: records that are no events, why, and how to send them again.
 */
import { Command, InvalidArgumentError } from 'commander'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'
import { findLetters, replayLetters } from '../service/dead-letters.ts'
import { findInstance } from '../service/running-instance.ts'
import { isCut, type LetterFilter, type StoredLetter } from '../sinks/dead-letters/stored-letter.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR, dataDirArgument } from './data-dir-argument.ts'
import { interruptSignal } from './interrupt.ts'
import { grouped } from './ledger-text.ts'
import { instantOrAgo, serverUrl, wholeNumber } from './option-values.ts'
import { shellWord } from './shell-word.ts'
import { shown, shownBytes } from './shown-text.ts'
import { createTalk } from './talk.ts'

interface LetterOptions extends CommonOptions {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly files?: boolean
}

interface FilterOptions extends LetterOptions {
  readonly stream?: StreamName
  readonly reason?: string
  readonly partition?: string
  readonly since?: number
  readonly until?: number
  readonly limit: number
}

interface ReplayOptions extends FilterOptions {
  readonly url?: string
  readonly key?: string
  readonly dryRun?: boolean
}

const MOST = 10_000
const EXCERPT_BYTES = 200

/** The command, for `main.ts`. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('Records that are no events: what, from where, and why.')
  const list = command.command('list').description('The newest first.').action(listLetters)
  addFilters(list, 50)
  command
    .command('show')
    .description('One record, whole or as much of it as was kept.')
    .argument('<partition>', 'its partition, such as http/impressions')
    .argument('<position>', 'its position, as the list says', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .action(showLetter)
  const replay = command
    .command('replay')
    .description('Sends records to a running instance again, once their cause is mended.')
    .option('--url <url>', 'the page of the instance (that which runs on the data folder)', serverUrl)
    .option('--key <key>', 'a key for sending events; better in TIDEMARK_KEY')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .action(replayAll)
  addFilters(replay, MOST)
  for (const sub of command.commands)
    sub
      .option('--data-dir <dir>', 'the data folder of the run', DEFAULT_DATA_DIR)
      .option('--database-url <url>', 'the PostgreSQL database, unless it is our own server')
      .option('--files', 'look into the files of the data folder, not into PostgreSQL')
  return command
}

function addFilters(command: Command, limit: number): void {
  command
    .option('--stream <stream>', 'impressions or clicks', streamName)
    .option('--reason <reason>', 'as missing_field')
    .option('--partition <name>', 'as http/impressions')
    .option('--since <time>', 'arrived since then: 2026-01-01T12:00:00Z, or 30m ago', instantOrAgo)
    .option('--until <time>', 'arrived before then', instantOrAgo)
    .option('--limit <letters>', `at most so many, up to ${MOST}`, wholeNumber(1, MOST), limit)
}

function streamName(text: string): StreamName {
  const stream = STREAM_NAMES.find((name) => name === text)
  if (stream === undefined) throw new InvalidArgumentError(`Allowed: ${STREAM_NAMES.join(', ')}.`)
  return stream
}

async function find(options: LetterOptions, filter: LetterFilter, limit: number): Promise<readonly StoredLetter[]> {
  const talk = createTalk(options)
  const { dataDir, databaseUrl, files = false } = options
  const onFallback = (why: string): void => talk.say(`PostgreSQL cannot be asked, so the files are: ${why}`)
  return findLetters({ dataDir, databaseUrl, filesOnly: files, filter, limit, onFallback })
}

function filterOf({ stream, reason, partition, since, until }: FilterOptions): LetterFilter {
  return {
    ...(stream === undefined ? {} : { stream }),
    ...(reason === undefined ? {} : { reason }),
    ...(partition === undefined ? {} : { partition }),
    ...(since === undefined ? {} : { fromMs: since }),
    ...(until === undefined ? {} : { toMs: until }),
  }
}

async function listLetters(options: FilterOptions): Promise<void> {
  const letters = await find(options, filterOf(options), options.limit)
  const talk = createTalk(options)
  if (options.json === true) process.stdout.write(`${JSON.stringify(letters.map(documentOf))}\n`)
  else process.stdout.write(letters.map((letter) => `${listLine(letter)}\n`).join(''))
  const [first] = letters
  if (first === undefined) {
    talk.say('There are no such dead letters.')
    return
  }
  if (letters.length === options.limit) talk.say(`These are the newest ${grouped(letters.length)}; --limit shows more.`)
  talk.next(`./tidemark dead-letters show ${shellWord(first.partition)} ${first.position}${placeArguments(options)}`)
}

function listLine(letter: StoredLetter): string {
  const { arrivalMs, partition, position, bytes } = letter
  const time = arrivalMs === undefined ? '-'.padEnd(24) : new Date(arrivalMs).toISOString()
  const excerpt = shown(shownBytes(bytes.subarray(0, EXCERPT_BYTES)))
  return `${time}  ${partition} ${position}  ${whyOf(letter)}  ${excerpt}`
}

function whyOf({ reason, field }: StoredLetter): string {
  return field === undefined ? reason : `${reason} ${shown(field)}`
}

async function showLetter(partition: string, position: number, options: LetterOptions): Promise<void> {
  const [letter] = await find(options, { partition, position }, 1)
  if (letter === undefined)
    throw new TidemarkError('INPUT_MISSING', `There is no dead letter at position ${position} of ${partition}.`, {
      fix: `./tidemark dead-letters list${placeArguments(options)}`,
    })
  if (options.json === true) process.stdout.write(`${JSON.stringify(documentOf(letter))}\n`)
  else {
    const { stream, arrivalMs, bytes, byteLength } = letter
    const cut = isCut(letter) ? `, of which ${grouped(bytes.length)} were kept: it cannot be sent again` : ''
    const lines = [
      `partition  ${partition}, position ${position}, stream ${stream}`,
      `arrived    ${arrivalMs === undefined ? 'at a time that is not known' : new Date(arrivalMs).toISOString()}`,
      `reason     ${whyOf(letter)}`,
      `length     ${grouped(byteLength)} bytes${cut}`,
      '',
      shownBytes(bytes),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  createTalk(options).next(
    `./tidemark dead-letters replay --partition ${shellWord(partition)}${placeArguments(options)}`,
  )
}

/** Where to look again; the URL of the database holds a password. */
function placeArguments({ dataDir, databaseUrl }: LetterOptions): string {
  return `${dataDirArgument(dataDir)}${databaseUrl === undefined ? '' : ' --database-url URL'}`
}

async function replayAll(options: ReplayOptions): Promise<void> {
  const talk = createTalk(options)
  const letters = await find(options, filterOf(options), options.limit)
  const key = options.key ?? process.env['TIDEMARK_KEY']
  if (options.dryRun === true) {
    const cut = letters.filter(isCut).length
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify({ toSend: letters.length - cut, cut })}\n`
        : `${grouped(letters.length - cut)} would be sent, ${grouped(cut)} would not, because they were cut\n`,
    )
    return
  }
  const url = options.url ?? findInstance(options.dataDir)?.url ?? 'http://localhost:4400'
  const { sent, accepted, rejected, cut } = await replayLetters(letters, { url, key, signal: interruptSignal() })
  if (options.json === true) {
    const still = rejected.map(({ letter, reason }) => ({ ...placeOf(letter), reason }))
    process.stdout.write(`${JSON.stringify({ sent, accepted, rejected: still, cut: cut.map(placeOf) })}\n`)
  } else {
    process.stdout.write(`${grouped(sent)} sent again, ${grouped(accepted)} accepted\n`)
    for (const { letter, reason } of rejected)
      process.stdout.write(`  still malformed: ${letter.partition} ${letter.position}  ${reason}\n`)
    for (const { partition, position } of cut)
      process.stdout.write(`  not sent, because it was cut: ${partition} ${position}\n`)
  }
  if (letters.length === options.limit)
    talk.say(
      `These were the newest ${grouped(letters.length)}; older ones by --until, or a higher --limit (${MOST} at most).`,
    )
  talk.next(
    rejected.length > 0
      ? `./tidemark dead-letters list${placeArguments(options)}`
      : `./tidemark top${dataDirArgument(options.dataDir)}`,
  )
}

function placeOf({ partition, position }: StoredLetter): { readonly partition: string; readonly position: number } {
  return { partition, position }
}

function documentOf(letter: StoredLetter): Readonly<Record<string, unknown>> {
  const { arrivalMs, bytes, ...rest } = letter
  return {
    arrivedAt: arrivalMs === undefined ? null : new Date(arrivalMs).toISOString(),
    ...rest,
    field: rest.field ?? null,
    text: shownBytes(bytes),
    base64: Buffer.from(bytes).toString('base64'),
    isCut: isCut(letter),
  }
}
