/**
 * Compressed bodies, decompressed within limits.
 *
 * I1  A body is decompressed up to its limit and not a byte further, however much it holds.
 * I2  All frames of a zstd body and all members of a gzip body count; what follows them is an error.
 * I3  Few are decompressed at a time: a decompressor holds memory of its own, which no budget of bytes covers.
 */
import { constants, createGunzip, zstdDecompress } from 'node:zlib'
import { codeOf, messageOf } from '../../errors.ts'
import { freeBytes } from '../../runtime/free-bytes.ts'
import type { IngestLimits } from './limits.ts'
import { Refusal } from './refusal.ts'

/** Encodings a body may have. */
export type BodyEncoding = 'identity' | 'gzip' | 'zstd'

const MIB = 1_048_576
const MAX_AT_A_TIME = 4
const MAX_FRAMES = 1_024
const OUTPUT_CHUNK_BYTES = 1 << 16
/** 8 MiB: what zstd uses up to level 19. */
const ZSTD_WINDOW_LOG = 23

/** The encoding a header names, or undefined where it is none of ours. */
export function encodingOf(header: string | undefined): BodyEncoding | undefined {
  const name = (header ?? 'identity').trim().toLowerCase()
  if (name === '' || name === 'identity') return 'identity'
  if (name === 'gzip' || name === 'x-gzip') return 'gzip'
  return name === 'zstd' ? 'zstd' : undefined
}

/** More came out than may. */
class OverLimit extends Error {
  readonly code = 'ERR_BUFFER_TOO_LARGE'
}

/** Decompresses bodies, {@link MAX_AT_A_TIME} at a time; the others wait. */
export class Inflater {
  readonly #limits: Pick<IngestLimits, 'maxInflatedBytes' | 'maxInflationRatio'>
  readonly #waiting: (() => void)[] = []
  #active = 0

  constructor(limits: Pick<IngestLimits, 'maxInflatedBytes' | 'maxInflationRatio'>) {
    this.#limits = limits
  }

  /** The body and `room` bytes behind it. */
  async inflate(
    body: Uint8Array,
    encoding: Exclude<BodyEncoding, 'identity'>,
    room: number,
  ): Promise<Buffer | Refusal> {
    if (this.#active >= MAX_AT_A_TIME) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#active++
    try {
      return await this.#run(body, encoding, room)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#active--
      else next()
    }
  }

  async #run(body: Uint8Array, encoding: Exclude<BodyEncoding, 'identity'>, room: number): Promise<Buffer | Refusal> {
    const { maxInflatedBytes, maxInflationRatio } = this.#limits
    // A byte is left for the LF that the last line may lack.
    const limit = Math.min(maxInflatedBytes - 1, Math.max(MIB, Math.floor(body.length * maxInflationRatio)))
    try {
      const parts = encoding === 'gzip' ? [await gunzipped(body, limit)] : await zstdFrames(body, limit)
      if (parts === undefined)
        return new Refusal('bad_encoding', `The body has more than ${MAX_FRAMES} zstd frames. Compress it as one.`)
      return Buffer.concat([...parts, Buffer.alloc(room)])
    } catch (error) {
      if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE')
        return new Refusal(
          'inflated_too_large',
          `The body is over ${limit} bytes once decompressed (at most ${maxInflatedBytes}, and at most ` +
            `${maxInflationRatio} times its compressed size). Send fewer events at a time.`,
        )
      const reason = messageOf(error)
      return new Refusal('bad_encoding', `The body is no whole ${encoding} stream (${reason}). Send it again.`)
    }
  }
}

/**
 * All members, in one piece. Their pieces are given back at once: what a bomb makes before it is found out would
 * otherwise have the garbage collector hold up everybody.
 */
function gunzipped(body: Uint8Array, limit: number): Promise<Buffer> {
  const stream = createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES })
  const pieces: Buffer[] = []
  let length = 0
  return new Promise<Buffer>((resolve, reject) => {
    stream.on('data', (piece: Buffer) => {
      pieces.push(piece)
      length += piece.length
      if (length > limit) stream.destroy(new OverLimit())
    })
    stream.on('end', () => resolve(Buffer.concat(pieces, length)))
    stream.on('error', reject)
    stream.end(body)
  }).finally(() => {
    // One that is full is no longer written to; the last one may be.
    for (const piece of pieces) freeBytes(piece)
  })
}

/** Node stops after the first frame, so each is asked for by itself; undefined where there are too many. */
async function zstdFrames(body: Uint8Array, limit: number): Promise<Buffer[] | undefined> {
  const parts: Buffer[] = []
  let left = limit
  let from = 0
  do {
    if (parts.length >= MAX_FRAMES) return undefined
    const { buffer, consumed } = await zstdFrame(body.subarray(from), left)
    parts.push(buffer)
    left -= buffer.length
    from += consumed
  } while (from < body.length)
  return parts
}

function zstdFrame(body: Uint8Array, maxOutputLength: number): Promise<{ buffer: Buffer; consumed: number }> {
  const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG }
  return new Promise((resolve, reject) => {
    // At least 1: Node takes no 0, and a byte too many is found out with the next frame.
    const options = {
      params,
      maxOutputLength: Math.max(1, maxOutputLength),
      chunkSize: OUTPUT_CHUNK_BYTES,
      info: true,
    }
    zstdDecompress(body, options, (error, result) => {
      if (error !== null) return reject(error)
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
      if (engine.bytesWritten === 0) return reject(new RangeError('no frame'))
      resolve({ buffer, consumed: engine.bytesWritten })
    })
  })
}
