/**
 * Files as bounded partitions: NDJSON, plain, gzip or Zstandard, and standard input (`-`).
 *
 * O1  A file that is missing, a folder, or not readable is refused when it is opened, before anything is read.
 * O2  Compressed input that is cut off or damaged, or a disk that fails, is an error, never a short file.
 * O3  Progress counts bytes as they lie on disk, compressed ones included.
 * O4  What an input is, its first bytes say, whatever its name: no NDJSON begins with those of gzip or Zstandard. A
 *     file that is called `.gz` or `.zst` and holds something else is damaged.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import { codeOf, messageOf } from '../../errors.ts'
import type { ByteSource } from '../../runtime/ports.ts'
import { compressionOf, MAGIC_BYTES, namedCompression } from './compression.ts'
import { damaged, unreadable } from './input-error.ts'
import { StreamSource } from './stream-source.ts'

/** Opens a file, or standard input for `-`. Throws `INPUT_MISSING`. */
export function openFile(path: string): ByteSource {
  if (path === '-') return new StreamSource({ name: 'standard input', raw: process.stdin })
  const { fd, byteLength } = openForReading(path)
  const named = namedCompression(path)
  if (byteLength !== undefined && named === undefined && compressionOf(headOf(fd)) === undefined)
    return new PlainFile(path, fd, byteLength)
  const raw = createReadStream(path, { fd, highWaterMark: 1 << 18 })
  return new StreamSource({ name: path, raw, byteLength, named, bytesTaken: () => raw.bytesRead })
}

// Read by position, which leaves the file at its start. What cannot be read is told of by whoever reads on.
function headOf(fd: number): Uint8Array {
  const head = new Uint8Array(MAGIC_BYTES)
  try {
    return head.subarray(0, readSync(fd, head, 0, MAGIC_BYTES, 0))
  } catch {
    return head
  }
}

function openForReading(path: string): { fd: number; byteLength: number | undefined } {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    throw unreadable(path, causeText(cause), cause)
  }
  const stat = fstatSync(fd)
  if (stat.isDirectory()) {
    closeSync(fd)
    throw unreadable(path, 'it is a folder, not a file')
  }
  return { fd, byteLength: stat.isFile() ? stat.size : undefined }
}

function causeText(cause: unknown): string {
  const code = codeOf(cause)
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'permission was denied'
  return messageOf(cause)
}

// Plain files are read synchronously into the framer's own buffer: from the page cache that is one copy and no event.
class PlainFile implements ByteSource {
  readonly name: string
  readonly byteLength: number | undefined
  bytesTaken = 0
  #fd: number | undefined

  constructor(name: string, fd: number, byteLength: number | undefined) {
    this.name = name
    this.#fd = fd
    this.byteLength = byteLength
  }

  read(into: Uint8Array, offset: number, length: number): number {
    if (this.#fd === undefined) return 0
    const read = readFrom(this.#fd, this.name, into, offset, length)
    this.bytesTaken += read
    return read
  }

  close(): Promise<void> {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    return Promise.resolve()
  }
}

function readFrom(fd: number, name: string, into: Uint8Array, offset: number, length: number): number {
  try {
    return readSync(fd, into, offset, length, null)
  } catch (cause) {
    throw damaged(name, cause)
  }
}
