/**
 * How an input is compressed, and its bytes without that.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { cutAtFrames } from '../../verify/readers/zstd-frames.ts'

export type Compression = 'gzip' | 'zstd'

/** So many bytes tell how an input is compressed. */
export const MAGIC_BYTES = 4

const PIECE_BYTES = 1 << 18

/** How an input is compressed that begins with `head`: {@link MAGIC_BYTES} of it, or all of a shorter one. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  const [first, second, third, fourth] = head
  if (first === 0x1f && second === 0x8b && third === 0x08) return 'gzip'
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return 'zstd'
  // A frame to be skipped, with which parallel compressors begin.
  const isSkippable = first !== undefined && first >>> 4 === 5 && second === 0x2a && third === 0x4d && fourth === 0x18
  return isSkippable ? 'zstd' : undefined
}

/** What a file's name says of it. */
export function namedCompression(path: string): Compression | undefined {
  if (path.endsWith('.gz')) return 'gzip'
  return path.endsWith('.zst') ? 'zstd' : undefined
}

/**
 * The content of an input, decompressed as its first bytes say, else as `named` says.
 *
 * @throws what the input or the decompressor throws
 */
export async function* content(raw: AsyncIterable<Uint8Array>, named?: Compression): AsyncGenerator<Uint8Array> {
  const pieces = raw[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < MAGIC_BYTES) {
    const next = await pieces.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  const whole = startingWith(head, pieces)
  const compression = compressionOf(head) ?? named
  yield* compression === undefined ? whole : decompressed(whole, compression)
}

async function* startingWith(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* decompressed(raw: AsyncIterable<Uint8Array>, compression: Compression): AsyncGenerator<Uint8Array> {
  const options = { chunkSize: PIECE_BYTES }
  const stream = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  let failure: unknown
  // pipeline() passes an error of the input on to the decompressor, whose iterator then throws it.
  pipeline(Readable.from(compression === 'zstd' ? cutAtFrames(raw) : raw), stream).catch(
    (cause: unknown) => (failure = cause),
  )
  for await (const piece of stream) {
    if (failure !== undefined) throw failure
    yield piece as Uint8Array
  }
  if (failure !== undefined) throw failure
}
