/**
 * Dead letters for whoever mends their cause: from PostgreSQL or from the files of a data folder, and sent again.
 *
 * L1  Where PostgreSQL cannot be asked the files are, and it says so. Looking makes no folder and no database.
 * L2  A record that was cut is never sent again: it would be another one.
 * L3  Sending again takes nothing away: the letter stays, and the ledger goes on counting its first arrival as
 *     malformed.
 * L4  A record of a topic may be written over several lines: it goes by itself, to be taken as one event.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { joinDatabase } from '../database/open-database.ts'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'
import { readLetterFiles } from '../sinks/dead-letters/read-letter-files.ts'
import { isCut, type LetterFilter, type StoredLetter } from '../sinks/dead-letters/stored-letter.ts'
import { readDeadLetters } from '../sinks/postgres/read-dead-letters.ts'
import { deadLetterFolder, journalFolder } from './data-folder.ts'

export interface FindLettersOptions {
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  /** Looks into the files without asking PostgreSQL. */
  readonly filesOnly: boolean
  readonly filter: LetterFilter
  readonly limit: number
  /** Told why the files were read instead (L1). */
  readonly onFallback: (why: string) => void
}

/**
 * Letters, the newest first.
 *
 * @throws TidemarkError INPUT_MISSING where there is neither a data folder nor a database to look into;
 *   DATABASE_UNAVAILABLE where there is no folder to look into instead
 */
export async function findLetters(options: FindLettersOptions): Promise<readonly StoredLetter[]> {
  const { dataDir, filter, limit, filesOnly, onFallback } = options
  if (options.databaseUrl === undefined) requireFolder(dataDir)
  const fromFiles = (): readonly StoredLetter[] => readLetterFiles(deadLetterFolder(resolve(dataDir)), filter, limit)
  if (filesOnly) return fromFiles()
  try {
    const database = await joinDatabase(options)
    try {
      return await readDeadLetters(database.url, filter, limit)
    } finally {
      await database.close()
    }
  } catch (error) {
    if (!(error instanceof TidemarkError) || !isAway(error) || !holdsJournal(dataDir)) throw error
    onFallback(error.message)
    return fromFiles()
  }
}

function holdsJournal(dataDir: string): boolean {
  return existsSync(journalFolder(resolve(dataDir)))
}

function requireFolder(dataDir: string): void {
  if (holdsJournal(dataDir)) return
  throw new TidemarkError('INPUT_MISSING', `The data folder ${dataDir} holds no journal: nothing was taken in there.`, {
    where: dataDir,
    fix: 'name the folder of a run or demo with --data-dir',
  })
}

function isAway({ code }: TidemarkError): boolean {
  return code === 'DATABASE_UNAVAILABLE' || code === 'DATABASE_BINARIES_MISSING' || code === 'DATA_DIR_BUSY'
}

export interface ReplayLettersOptions {
  /** The page's address of a running instance. */
  readonly url: string
  /** A key for sending events, where one is needed. */
  readonly key: string | undefined
  readonly signal: AbortSignal
}

/** What became of letters that were sent again. */
export interface ReplayedLetters {
  readonly sent: number
  readonly accepted: number
  /** Malformed still, with the reason of now. */
  readonly rejected: readonly { readonly letter: StoredLetter; readonly reason: string }[]
  /** Not sent, because only a part of the record was kept (L2). */
  readonly cut: readonly StoredLetter[]
}

const LETTERS_PER_REQUEST = 1_000
const LF = 0x0a
const LINE_END = Buffer.of(LF)

/**
 * Sends records again, the oldest first.
 *
 * @throws TidemarkError INSTANCE_UNAVAILABLE where no instance answers, or it does not take them
 */
export async function replayLetters(
  letters: readonly StoredLetter[],
  options: ReplayLettersOptions,
): Promise<ReplayedLetters> {
  const whole = letters.filter((letter) => !isCut(letter)).toReversed()
  const rejected: { letter: StoredLetter; reason: string }[] = []
  for (const stream of STREAM_NAMES) {
    const own = whole.filter((letter) => letter.stream === stream)
    for (const part of requestsOf(own)) {
      const found = await send(stream, part, options)
      // Of one that goes by itself any line that is rejected tells of it.
      for (const { index, reason } of part.length === 1 ? found.slice(0, 1) : found) {
        const letter = part.length === 1 ? part[0] : part[index]
        if (letter !== undefined) rejected.push({ letter, reason })
      }
    }
  }
  return { sent: whole.length, accepted: whole.length - rejected.length, rejected, cut: letters.filter(isCut) }
}

/** What goes together, in order (L4). */
function requestsOf(letters: readonly StoredLetter[]): readonly (readonly StoredLetter[])[] {
  const parts: StoredLetter[][] = []
  let isOpen = false
  for (const letter of letters) {
    const isOneLine = !letter.bytes.includes(LF)
    const last = parts.at(-1)
    if (isOpen && isOneLine && last !== undefined && last.length < LETTERS_PER_REQUEST) last.push(letter)
    else parts.push([letter])
    isOpen = isOneLine
  }
  return parts
}

interface Rejection {
  readonly index: number
  readonly reason: string
}

async function send(
  stream: StreamName,
  letters: readonly StoredLetter[],
  { url, key, signal }: ReplayLettersOptions,
): Promise<readonly Rejection[]> {
  const isLines = letters.every(({ bytes }) => !bytes.includes(LF))
  const type = isLines ? 'application/x-ndjson' : 'application/json'
  const headers = { 'content-type': type, ...(key === undefined ? {} : { 'x-api-key': key }) }
  const body = Buffer.concat(letters.flatMap(({ bytes }) => [bytes, LINE_END]))
  const where = `${url}/v1/${stream}`
  const response = await fetch(where, { method: 'POST', headers, body, signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new TidemarkError('INSTANCE_UNAVAILABLE', `No instance answers at ${url}.`, {
      where,
      cause: error,
      fix: 'Start it with ./tidemark run, or name its address with --url.',
    })
  })
  const answer = (await response.json().catch(() => ({}))) as {
    readonly rejected?: readonly Rejection[]
    readonly message?: string
  }
  if (response.status === 200) return answer.rejected ?? []
  throw new TidemarkError('INSTANCE_UNAVAILABLE', `${where} answered ${response.status}: ${answer.message ?? ''}`, {
    where,
    fix: fixOf(response.status),
  })
}

function fixOf(status: number): string {
  if (status === 401 || status === 403) return 'Give a key with --key or TIDEMARK_KEY.'
  return status === 404 || status === 405
    ? 'Name the address of a run that takes events over HTTP with --url.'
    : 'Try again later.'
}
