/**
 * The real disk. Reads and what takes microseconds run at once, small writes among it, which only fill the page cache; larger
 * writes and all syncs run beside the event loop.
 */
import fs from 'node:fs'
import { codeOf } from '../../errors.ts'
import type { Disk, DiskEntry, DiskFile } from './disk.ts'

/** Up to here handing a write over to another thread takes longer than the write. */
const SMALL_BYTES = 1 << 16
const FLAGS = { read: 'r', write: 'r+', create: 'w+' } as const

/** Files of this machine. */
export const nodeDisk: Disk = {
  list(folder) {
    try {
      return fs
        .readdirSync(folder, { withFileTypes: true })
        .map((entry): DiskEntry => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  },
  makeFolder(folder) {
    try {
      fs.mkdirSync(folder)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  },
  open: (path, mode) => new NodeFile(path, fs.openSync(path, FLAGS[mode], 0o600)),
  rename: (from, to) => done((settle) => fs.rename(from, to, settle)),
  async remove(path) {
    try {
      await done((settle) => fs.unlink(path, settle))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  },
  async syncFolder(folder) {
    const fd = fs.openSync(folder, 'r')
    try {
      await done((settle) => fs.fsync(fd, settle))
    } finally {
      fs.closeSync(fd)
    }
  },
  freeBytes(folder) {
    const { bavail, bsize } = fs.statfsSync(folder)
    return bavail * bsize
  },
}

class NodeFile implements DiskFile {
  readonly path: string
  readonly #fd: number
  #isOpen = true

  constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }

  size(): number {
    return fs.fstatSync(this.#fd).size
  }

  read(into: Uint8Array, at: number): number {
    return fs.readSync(this.#fd, into, 0, into.length, at)
  }

  write(parts: readonly Uint8Array[], at: number): Promise<number> {
    let bytes = 0
    for (const { length } of parts) bytes += length
    return new Promise((resolve, reject) => {
      if (bytes <= SMALL_BYTES) return resolve(fs.writevSync(this.#fd, parts, at))
      const settle = (error: Error | null, written: number): void => (error === null ? resolve(written) : reject(error))
      const [first] = parts
      if (parts.length === 1 && first !== undefined) fs.write(this.#fd, first, 0, first.length, at, settle)
      else fs.writev(this.#fd, parts, at, settle)
    })
  }

  truncate(length: number): Promise<void> {
    return done((settle) => fs.ftruncate(this.#fd, length, settle))
  }

  /** `fdatasync` is enough: it makes the length durable too, and leaves out only times. */
  sync(): Promise<void> {
    return done((settle) => fs.fdatasync(this.#fd, settle))
  }

  close(): void {
    if (this.#isOpen) fs.closeSync(this.#fd)
    this.#isOpen = false
  }
}

function done(call: (settle: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error === null ? resolve() : reject(error)))
  })
}
