/**
 * Dead letters as files of the data folder, one JSON line each: they are there while PostgreSQL is away as well.
 *
 * F1  Files take turns: one ends at `maxFileBytes`, and of more than `maxFiles` the oldest goes. So their size is
 *     bounded.
 * F2  A record that is read again after a restart is not written again: positions of a partition only rise.
 * F3  Memory is bounded, and so is what a flood costs: past a limit a second, or past what waits for the disk, a letter
 *     is only counted. Its event is in the ledger all the same.
 * F4  A disk that takes no letters stops nothing else: what could not be written is counted and told.
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf } from '../../errors.ts'
import { makeFolder } from '../../runtime/make-folder.ts'
import type { DeadLetter, DeadLetterSink, Log } from '../../runtime/ports.ts'
import { letterLine, readLetterLine } from './stored-letter.ts'

/** What the files may take. */
export interface LetterFileLimits {
  readonly maxFileBytes: number
  readonly maxFiles: number
  readonly maxLettersPerSecond: number
  /** Bytes that may wait for the disk. */
  readonly maxWaitingBytes: number
}

export const LETTER_FILE_LIMITS: LetterFileLimits = {
  maxFileBytes: 8 * 1_048_576,
  maxFiles: 16,
  maxLettersPerSecond: 5_000,
  maxWaitingBytes: 4 * 1_048_576,
}

export interface LetterFilesOptions {
  readonly folder: string
  readonly nowMs: () => number
  readonly log: Log
  readonly limits?: LetterFileLimits
  /** Removes what is there: everything is about to be read again. */
  readonly startEmpty?: boolean
}

const FILE_FORM = /^(\d{6,})\.ndjson$/
/** The newest files know the newest position of every partition that spoke lately. */
const FILES_SEARCHED = 2

/** The files of a folder, the oldest first. */
export function letterFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => FILE_FORM.test(name))
  return names.toSorted((a, b) => numberOf(a) - numberOf(b)).map((name) => join(folder, name))
}

export class LetterFiles implements DeadLetterSink {
  /** Letters since the start that were only counted (F3, F4). */
  left = 0
  readonly #options: LetterFilesOptions
  readonly #limits: LetterFileLimits
  /** Newest position written of each partition (F2). */
  readonly #written = new Map<string, number>()
  #number: number
  #fileBytes: number
  #waiting: string[] = []
  #waitingBytes = 0
  #second = NaN
  #lettersThisSecond = 0
  #writing: Promise<void> | undefined

  /** Throws what the system says where the folder cannot be used. */
  constructor(options: LetterFilesOptions) {
    const { folder, startEmpty = false } = options
    this.#options = options
    this.#limits = options.limits ?? LETTER_FILE_LIMITS
    makeFolder(folder)
    if (startEmpty) for (const path of letterFiles(folder)) rmSync(path)
    const files = letterFiles(folder)
    const last = files.at(-1)
    this.#number = last === undefined ? 1 : numberOf(basename(last))
    for (const path of files.slice(-FILES_SEARCHED)) this.#learn(path)
    if (last !== undefined) endLine(last)
    this.#fileBytes = last === undefined ? 0 : statSync(last).size
  }

  write(letter: DeadLetter): void {
    // The first record of a topic has offset 0.
    if (letter.position <= (this.#written.get(letter.partition) ?? -1)) return
    this.#written.set(letter.partition, letter.position)
    const line = this.#hasRoom() ? `${letterLine(letter)}\n` : undefined
    if (line === undefined) this.left++
    else {
      this.#waiting.push(line)
      this.#waitingBytes += Buffer.byteLength(line)
      this.#writing ??= this.#writeOut()
    }
  }

  /** Resolves when everything taken is in the files. */
  async close(): Promise<void> {
    await this.#writing
  }

  #hasRoom(): boolean {
    const second = Math.floor(this.#options.nowMs() / 1_000)
    if (second !== this.#second) this.#lettersThisSecond = 0
    this.#second = second
    this.#lettersThisSecond++
    const { maxLettersPerSecond, maxWaitingBytes } = this.#limits
    return this.#lettersThisSecond <= maxLettersPerSecond && this.#waitingBytes < maxWaitingBytes
  }

  async #writeOut(): Promise<void> {
    // What comes in the same turn goes out with it.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      const byteLength = this.#waitingBytes
      this.#waiting = []
      try {
        this.#makeRoom()
        await appendFile(this.#path(), lines.join(''), { mode: 0o600 })
        this.#fileBytes += byteLength
      } catch (error) {
        this.left += lines.length
        const why = messageOf(error)
        this.#options.log('warn', `Dead letters cannot be written to ${this.#options.folder}: ${why}`)
      }
      this.#waitingBytes -= byteLength
    }
    this.#writing = undefined
  }

  #path(): string {
    return join(this.#options.folder, `${String(this.#number).padStart(6, '0')}.ndjson`)
  }

  #makeRoom(): void {
    if (this.#fileBytes < this.#limits.maxFileBytes) return
    this.#number++
    this.#fileBytes = 0
    const files = letterFiles(this.#options.folder)
    for (const path of files.slice(0, Math.max(0, files.length + 1 - this.#limits.maxFiles))) rmSync(path)
  }

  #learn(path: string): void {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const letter = readLetterLine(line)
      if (letter === undefined) continue
      this.#written.set(letter.partition, Math.max(letter.position, this.#written.get(letter.partition) ?? 0))
    }
  }
}

function numberOf(name: string): number {
  return Number(FILE_FORM.exec(name)?.[1] ?? 0)
}

/** A line that was being written when the process ended must not swallow the next one. */
function endLine(path: string): void {
  const bytes = readFileSync(path)
  if (bytes.length > 0 && bytes.at(-1) !== 0x0a) appendFileSync(path, '\n')
}
