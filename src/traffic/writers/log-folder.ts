/**
 * The folder of a simulated log: each file appears whole, and all of them together, or none.
 *
 * F1  Files are written under temporary names, flushed to disk and renamed at `commit`; `discard` removes them.
 * F2  Of an earlier log in the folder, the files it would own are replaced or removed; nothing else is touched.
 */
import fs from 'node:fs'
import path from 'node:path'
import { codeOf, messageOf, TidemarkError } from '../../errors.ts'

/** A file in the making. */
export interface LogFile {
  /** Appends `bytes` from `start` up to `end`. */
  append(bytes: Uint8Array, start: number, end: number): void
}

/** Names, in the folder, of files that a log owns. */
const OWNED = /^(?:impressions|clicks)-\d+\.ndjson$/
const TEMPORARY = /\.partial-(\d+)$/

// One by one: Node's recursive way never returns where a file system calls what it forbids "no such file" (`/proc`).
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return
  makeFolder(path.dirname(folder))
  fs.mkdirSync(folder)
}

export class LogFolder {
  readonly #folder: string
  /** Open files by their final name, relative to the folder. */
  readonly #open = new Map<string, number>()

  /** Makes the folder if it is missing. Throws `OUTPUT_UNWRITABLE`. */
  constructor(folder: string) {
    this.#folder = folder
    this.#attempt(folder, () => {
      for (const sub of [folder, path.join(folder, 'truth')]) {
        makeFolder(sub)
        removeAbandoned(sub)
      }
    })
  }

  /** Begins the file `name`, relative to the folder. */
  create(name: string): LogFile {
    const file = this.#temporary(name)
    const descriptor = this.#attempt(file, () => fs.openSync(file, 'w'))
    this.#open.set(name, descriptor)
    return { append: (bytes, start, end) => this.#attempt(file, () => writeAll(descriptor, bytes, start, end)) }
  }

  /** Makes every file appear. `replaced` are further files of the log that stood here before. */
  commit(replaced: readonly string[]): void {
    this.#attempt(this.#folder, () => {
      for (const descriptor of this.#open.values()) {
        fs.fsyncSync(descriptor)
        fs.closeSync(descriptor)
      }
      const stale = [...fs.readdirSync(this.#folder).filter((name) => OWNED.test(name)), ...replaced]
      for (const name of stale) if (!this.#open.has(name)) fs.rmSync(path.join(this.#folder, name), { force: true })
      for (const name of this.#open.keys()) fs.renameSync(this.#temporary(name), path.join(this.#folder, name))
      this.#open.clear()
    })
  }

  /** Removes what was not committed. Safe to call at any time. */
  discard(): void {
    for (const [name, descriptor] of this.#open) {
      try {
        fs.closeSync(descriptor)
      } catch {
        // Closed by a commit that failed half-way.
      }
      fs.rmSync(this.#temporary(name), { force: true })
    }
    this.#open.clear()
  }

  #temporary(name: string): string {
    return path.join(this.#folder, `${name}.partial-${process.pid}`)
  }

  #attempt<T>(file: string, action: () => T): T {
    try {
      return action()
    } catch (cause) {
      const reason = messageOf(cause)
      throw new TidemarkError('OUTPUT_UNWRITABLE', `The log cannot be written: ${reason}`, {
        where: file,
        cause,
        fix: 'Give --out a folder that can be written, on a disk with enough room.',
      })
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end;) at += fs.writeSync(descriptor, bytes, at, end - at)
}

/** Removes temporary files whose writer is gone. */
function removeAbandoned(folder: string): void {
  for (const name of fs.readdirSync(folder)) {
    const writer = TEMPORARY.exec(name)?.[1]
    if (writer !== undefined && !isRunning(Number(writer))) fs.rmSync(path.join(folder, name), { force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return pid !== process.pid
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
