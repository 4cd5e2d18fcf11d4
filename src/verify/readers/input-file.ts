/**
 * The bytes of an input file: plain, gzip (`.gz`) or Zstandard (`.zst`), or standard input (`-`).
 */
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { addAbortSignal, pipeline, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { TidemarkError } from '../../errors.ts'
import { whyUnreadable } from './why.ts'

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
  const decompressor = decompressorOf(file)
  const stream = decompressor === undefined ? source : pipeline(source, decompressor, () => undefined)
  if (signal !== undefined) addAbortSignal(signal, stream)
  try {
    for await (const piece of stream) yield piece as Uint8Array
  } catch (error) {
    signal?.throwIfAborted()
    throw isDecompression(error) ? inputCorrupt(file, error) : inputMissing(file, error)
  }
}

function decompressorOf(file: string): Transform | undefined {
  if (file.endsWith('.gz')) return createGunzip({ chunkSize: PIECE_BYTES })
  if (file.endsWith('.zst')) return createZstdDecompress({ chunkSize: PIECE_BYTES })
  return undefined
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
