/**
 * Spilled texts as files in a temporary folder of their own.
 */
import { appendFileSync, closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { messageOf, TidemarkError } from '../../errors.ts'
import type { SpillDisk } from '../buckets.ts'

const PIECE_BYTES = 1_048_576

/**
 * A folder that exists as long as `work` runs, however that ends.
 *
 * @throws TidemarkError OUTPUT_UNWRITABLE where the folder cannot be made or written, for want of room say
 */
export async function withSpillFolder<Result>(work: (disk: SpillDisk) => Promise<Result>): Promise<Result> {
  const folder = writing(() => mkdtempSync(join(tmpdir(), 'tidemark-verify-')))
  try {
    return await work({
      append: (name, text) => writing(() => appendFileSync(join(folder, name), text)),
      read: (name) => readPieces(join(folder, name)),
      remove: (name) => rmSync(join(folder, name)),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function writing<Result>(write: () => Result): Result {
  try {
    return write()
  } catch (cause) {
    const where = tmpdir()
    const why = messageOf(cause)
    throw new TidemarkError('OUTPUT_UNWRITABLE', `The temporary folder "${where}" cannot be written: ${why}.`, {
      where,
      fix: 'Set TMPDIR to a folder with room for about as much as the uncompressed input.',
      cause,
    })
  }
}

function* readPieces(path: string): Generator<string> {
  const file = openSync(path, 'r')
  try {
    const decoder = new StringDecoder('utf8')
    const buffer = Buffer.allocUnsafe(PIECE_BYTES)
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer))
      yield decoder.write(buffer.subarray(0, length))
  } finally {
    closeSync(file)
  }
}
