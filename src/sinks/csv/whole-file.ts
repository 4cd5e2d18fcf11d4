/**
 * A file that appears whole or not at all: written under a temporary name in its folder, made durable, then renamed.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TidemarkError } from '../../errors.ts'

const BUFFER_CHARS = 1 << 18

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
    this.#fd = this.#guard(() => openSync(this.#temporaryPath, 'w'))
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
    this.#guard(() => fsyncSync(fd))
    closeSync(fd)
    this.#fd = undefined
  }

  /** Makes a finished file appear, in place of an older one. */
  publish(): void {
    this.#guard(() => renameSync(this.#temporaryPath, this.path))
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
    this.#guard(() => {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    })
  }

  #guard<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TidemarkError('OUTPUT_UNWRITABLE', `Could not write ${this.path}: ${reason}`, {
        where: this.path,
        fix: 'make the folder writable, free disk space, or choose another folder with --out',
        cause: error,
      })
    }
  }
}
