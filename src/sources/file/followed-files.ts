/**
 * NDJSON files that grow, as a live source: a file, or all files of a folder, followed as lines are added, as files are
 * rotated and as new ones appear.
 *
 * F1  Each whole line is appended once, in the order of its file: how far each file was read is kept in the journal
 *     with the lines themselves, so neither can be there without the other.
 * F2  A line counts when its line feed is there. The last line of a file that is not followed under its name any more
 *     counts without one, once the file has not grown for `SETTLED_MS`.
 * F3  All files of one source are one partition, oldest first: servers that write at the same time are sources of their
 *     own, or their disorder counts as the partition's.
 * F4  Lines that there is no room for now are appended once there is; meanwhile nothing is read, and W waits for them
 *     (J5 of `journal-source.ts`): none is late for it.
 */
import { messageOf, TidemarkError } from '../../errors.ts'
import type { Clock } from '../../runtime/ports.ts'
import { encodePlaces, decodePlaces, type FilePlace } from './file-positions.ts'
import { findFiles, type FoundFile } from './found-files.ts'
import { readLines, type ReadLines } from './growing-file.ts'

const POLL_MS = 200
const RETRY_MS = 250
/** How long a rotated file must not have grown to be taken for ended. */
const SETTLED_MS = 5_000

export interface FollowedFilesOptions {
  /** A file or a folder; it need not be there yet. */
  readonly path: string
  /** Appends whole lines with what {@link FollowedFilesOptions.lastPosition} gives after a restart. */
  readonly append: (lines: Uint8Array, recordCount: number, position: Uint8Array) => Promise<void>
  /** What was given with the lines that were appended last; undefined before the first. */
  readonly lastPosition: Uint8Array | undefined
  readonly clock: Clock
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told once of each thing that keeps files from being read, and once when it is over. */
  readonly onProblem: (problem: string | null) => void
}

export class FollowedFiles {
  readonly #options: FollowedFilesOptions
  readonly #places: Map<string, FilePlace>
  /** When each file was last seen to grow, by the steady clock, ms. */
  readonly #grewMs = new Map<string, { readonly byteLength: number; readonly atMs: number }>()
  /** When each file was written to that was found read to its end, ns. */
  readonly #readToEnd = new Map<string, bigint>()
  #problem: string | null = null

  constructor(options: FollowedFilesOptions) {
    this.#options = options
    this.#places = decodePlaces(options.lastPosition)
  }

  /** Follows until the signal is aborted. Rejects where an append fails for good. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isMore = await this.poll(signal)
      await this.#options.pause(isMore ? 0 : POLL_MS, signal)
    }
  }

  /** Looks once at every file; returns whether one of them had more than was read. */
  async poll(signal: AbortSignal): Promise<boolean> {
    const files = this.#look()
    let isMore = false
    for (const file of files) {
      if (signal.aborted) break
      isMore = (await this.#readOn(file, signal)) || isMore
    }
    this.#forgetGone(files)
    return isMore
  }

  #look(): readonly FoundFile[] {
    try {
      const files = findFiles(this.#options.path, (number) => this.#places.has(number))
      this.#tell(null)
      return files
    } catch (error) {
      this.#tell(messageOf(error))
      return []
    }
  }

  async #readOn(file: FoundFile, signal: AbortSignal): Promise<boolean> {
    let read: ReadLines | undefined
    if (this.#isReadToEnd(file)) return false
    try {
      read = readLines(file, this.#places.get(file.number), this.#isSettled(file))
    } catch (error) {
      this.#tell(messageOf(error))
      return false
    }
    if (read === undefined) {
      this.#readToEnd.set(file.number, file.modifiedNs)
      return false
    }
    const places = new Map(this.#places)
    // Behind all others: those heard of last are kept longest (P2 of `file-positions.ts`).
    places.delete(file.number)
    places.set(file.number, read.place)
    if (read.lines.length > 0 && !(await this.#append(read, encodePlaces(places.values()), signal))) return false
    this.#places.delete(file.number)
    this.#places.set(file.number, read.place)
    return read.isMore
  }

  async #append({ lines, recordCount }: ReadLines, position: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { append, pause } = this.#options
    while (!signal.aborted) {
      try {
        await append(lines, recordCount, position)
        return true
      } catch (error) {
        if (!(error instanceof TidemarkError) || !error.retryable) throw error
        await pause(RETRY_MS, signal)
      }
    }
    return false
  }

  // By its length alone one that was emptied and filled to the same length would pass for it.
  #isReadToEnd({ number, byteLength, modifiedNs }: FoundFile): boolean {
    return this.#places.get(number)?.offset === byteLength && this.#readToEnd.get(number) === modifiedNs
  }

  #isSettled({ number, byteLength, isCurrent }: FoundFile): boolean {
    const nowMs = this.#options.clock.steadyMs()
    const grew = this.#grewMs.get(number)
    if (grew === undefined || grew.byteLength !== byteLength) this.#grewMs.set(number, { byteLength, atMs: nowMs })
    return !isCurrent && grew?.byteLength === byteLength && nowMs - grew.atMs >= SETTLED_MS
  }

  #forgetGone(files: readonly FoundFile[]): void {
    const present = new Set(files.map(({ number }) => number))
    for (const number of this.#grewMs.keys()) if (!present.has(number)) this.#grewMs.delete(number)
    for (const number of this.#readToEnd.keys()) if (!present.has(number)) this.#readToEnd.delete(number)
    if (files.length === 0) return
    for (const number of this.#places.keys()) if (!present.has(number)) this.#places.delete(number)
  }

  #tell(problem: string | null): void {
    if (problem === this.#problem) return
    this.#problem = problem
    this.#options.onProblem(problem)
  }
}
