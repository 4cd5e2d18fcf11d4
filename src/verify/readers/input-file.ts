/**
 * The bytes of an input file: plain, gzip or Zstandard, or standard input (`-`).
 *
 * I1  Its first bytes tell how it is compressed, else its name does (`.gz`, `.zst`).
 */
import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { addAbortSignal, pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { codeOf, messageOf, TidemarkError } from '../../errors.ts'
import { whyUnreadable } from './why.ts'
import { cutAtFrames } from './zstd-frames.ts'

/** How a file name asks for standard input. */
const STANDARD_INPUT = '-'

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
  if (signal !== undefined) addAbortSignal(signal, source)
  try {
    const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    const start = await firstBytes(pieces)
    const stream = decompressed(formOf(start, file), Readable.from(from(start, pieces)))
    if (signal !== undefined) addAbortSignal(signal, stream)
    for await (const piece of stream) yield piece as Uint8Array
  } catch (error) {
    signal?.throwIfAborted()
    throw isDecompression(error) ? inputCorrupt(file, error) : inputMissing(file, error)
  }
}

/** At least the four bytes that tell a form, where there are as many. */
async function firstBytes(pieces: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const taken: Uint8Array[] = []
  for (let length = 0; length < 4;) {
    const next = await pieces.next()
    if (next.done === true) break
    taken.push(next.value)
    length += next.value.length
  }
  return Buffer.concat(taken)
}

async function* from(start: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start
  yield* { [Symbol.asyncIterator]: () => rest }
}

const GZIP_START = '1f8b08'
const ZSTD_START = /^(28b52ffd|5.2a4d18)/

function formOf(start: Buffer, file: string): 'gzip' | 'zstd' | 'plain' {
  const bytes = start.toString('hex', 0, 4)
  if (bytes.startsWith(GZIP_START)) return 'gzip'
  if (ZSTD_START.test(bytes)) return 'zstd'
  if (file.endsWith('.gz')) return 'gzip'
  return file.endsWith('.zst') ? 'zstd' : 'plain'
}

function decompressed(form: 'gzip' | 'zstd' | 'plain', source: Readable): Readable {
  const ignore = (): undefined => undefined
  if (form === 'gzip') return pipeline(source, createGunzip({ chunkSize: PIECE_BYTES }), ignore)
  if (form === 'zstd') return pipeline(source, cutAtFrames, createZstdDecompress({ chunkSize: PIECE_BYTES }), ignore)
  return source
}

function isDecompression(error: unknown): boolean {
  const code = codeOf(error) ?? ''
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
  const why = messageOf(cause)
  const tool = why.startsWith('ZSTD') || file.endsWith('.zst') ? 'zstd' : 'gzip'
  return new TidemarkError('INPUT_CORRUPT', `The input ${JSON.stringify(file)} cannot be decompressed: ${why}.`, {
    where: file,
    fix: `${tool} --test ${JSON.stringify(file)}`,
    cause,
  })
}
