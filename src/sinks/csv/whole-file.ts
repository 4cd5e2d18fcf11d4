/**
 * A file that appears whole or not at all: written under a temporary name in its folder, made durable, then renamed.
 *
 * W1  What has the file's name and is no file (a folder, a device) is found before anything is written, and stays.
 * W2  The temporary name says which process writes: what a killed one left is told from the work of a living one.
 */
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isAlive } from '../../database/process-identity.ts'
import { messageOf, TidemarkError } from '../../errors.ts'

const BUFFER_CHARS = 1 << 18
const TEMPORARY = /^\..+\.(\d+)\.partial$/s

/** Appends text; nothing is to be seen under the file's name before {@link WholeFile.publish}. */
export class WholeFile {
  readonly path: string
  readonly #temporaryPath: string
  #fd: number | undefined
  #buffer = ''

  /** @throws TidemarkError OUTPUT_UNWRITABLE */
  constructor(path: string) {
    this.path = path
    this.#temporaryPath = join(dirname(path), `.${basename(path)}.${process.pid}.partial`)
    this.#fd = guarded(path, () => {
      const present = lstatSync(path, { throwIfNoEntry: false })
      if (present !== undefined && !present.isFile() && !present.isSymbolicLink()) throw new Error('it is not a file')
      return openSync(this.#temporaryPath, 'w')
    })
  }

  append(text: string): void {
    this.#buffer += text
    if (this.#buffer.length >= BUFFER_CHARS) this.#flush()
  }

  /** Appends bytes, which may be used again after the call. */
  appendBytes(bytes: Uint8Array): void {
    this.#flush()
    this.#writeAll(bytes)
  }

  /** Writes out and makes durable all that was appended. */
  finish(): void {
    this.#flush()
    const fd = this.#fd
    if (fd === undefined) return
    guarded(this.path, () => fsyncSync(fd))
    closeSync(fd)
    this.#fd = undefined
  }

  /** Makes a finished file appear, in place of an older one. */
  publish(): void {
    guarded(this.path, () => renameSync(this.#temporaryPath, this.path))
  }

  /** Removes what was written, unless it was published. Safe to call twice. */
  discard(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    rmSync(this.#temporaryPath, { force: true })
  }

  #flush(): void {
    if (this.#buffer === '') return
    const bytes = Buffer.from(this.#buffer, 'utf8')
    this.#buffer = ''
    this.#writeAll(bytes)
  }

  #writeAll(bytes: Uint8Array): void {
    const fd = this.#fd
    if (fd === undefined) return
    guarded(this.path, () => {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    })
  }
}

/** Makes renames in a folder last. @throws TidemarkError OUTPUT_UNWRITABLE */
export function syncFolder(folder: string): void {
  guarded(folder, () => {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  })
}

/** Removes the temporary files of writers that are gone (W2). @throws TidemarkError OUTPUT_UNWRITABLE */
export function removeAbandoned(folder: string): void {
  guarded(folder, () => {
    for (const name of readdirSync(folder)) {
      const writer = TEMPORARY.exec(name)?.[1]
      if (writer !== undefined && !isAlive(Number(writer))) rmSync(join(folder, name), { force: true })
    }
  })
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const reason = messageOf(error)
    throw new TidemarkError('OUTPUT_UNWRITABLE', `Could not write ${path}: ${reason}`, {
      where: path,
      fix: 'make the folder writable, free disk space, or choose another place',
      cause: error,
    })
  }
}
