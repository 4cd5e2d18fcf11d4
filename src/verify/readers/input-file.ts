/**
 * The bytes of an input file: plain, gzip (`.gz`) or Zstandard (`.zst`), or standard input (`-`).
 */
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { addAbortSignal, pipeline, type Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { TidemarkError } from '../../errors.ts'
import { whyUnreadable } from './why.ts'
import { cutAtFrames } from './zstd-frames.ts'

/** How a file name asks for standard input. */
export const STANDARD_INPUT = '-'

const PIECE_BYTES = 262_144

/** Fails with INPUT_MISSING unless every file can be opened, so that nothing is begun in vain. */
export async function requireReadable(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === STANDARD_INPUT) continue
    try {
      await access(file, constants.R_OK)
      if ((await stat(file)).isDirectory()) throw new Error('it is a folder')
    } catch (error) {
      throw inputMissing(file, error)
    }
  }
}

/**
 * The file's bytes, decompressed, in pieces.
 *
 * @throws TidemarkError INPUT_MISSING, INPUT_CORRUPT where it cannot be decompressed, or the reason of `signal`
 */
export async function* inputBytes(file: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const source = file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES })
  const stream = decompressed(file, source)
  if (signal !== undefined) addAbortSignal(signal, stream)
  try {
    for await (const piece of stream) yield piece as Uint8Array
  } catch (error) {
    signal?.throwIfAborted()
    throw isDecompression(error) ? inputCorrupt(file, error) : inputMissing(file, error)
  }
}

function decompressed(file: string, source: Readable): Readable {
  const ignore = (): undefined => undefined
  if (file.endsWith('.gz')) return pipeline(source, createGunzip({ chunkSize: PIECE_BYTES }), ignore)
  if (file.endsWith('.zst'))
    return pipeline(source, cutAtFrames, createZstdDecompress({ chunkSize: PIECE_BYTES }), ignore)
  return source
}

function isDecompression(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code.startsWith('ERR_ZLIB')
}

function inputMissing(file: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'INPUT_MISSING',
    `The input ${JSON.stringify(file)} cannot be read: ${whyUnreadable(cause)}.`,
    {
      where: file,
      fix: 'Name a file that exists and may be read: NDJSON, plain, .gz or .zst, or - for standard input.',
      cause,
    },
  )
}

function inputCorrupt(file: string, cause: unknown): TidemarkError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const tool = file.endsWith('.gz') ? 'gzip' : 'zstd'
  return new TidemarkError('INPUT_CORRUPT', `The input ${JSON.stringify(file)} cannot be decompressed: ${why}.`, {
    where: file,
    fix: `${tool} --test ${JSON.stringify(file)}`,
    cause,
  })
}
