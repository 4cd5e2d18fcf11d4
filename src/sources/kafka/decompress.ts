/**
 * The compressions of Kafka, each with an end. Of gzip and zstd, which make thousands of bytes of one, what would
 * become more than a broker's largest batch could hold is refused while it is made; of lz4 and snappy, whose bytes say
 * before how much they become at most, before anything is made.
 */
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import type { Decompress } from './record-batch.ts'

const MAX_BYTES = 268_435_456
const LIMIT = { maxOutputLength: MAX_BYTES }

/** Undoes a compression; throws where the bytes are no such thing. */
export const decompress: Decompress = (codec, bytes) => {
  if (codec === 1) return gunzipSync(bytes, { ...LIMIT, finishFlush: constants.Z_FINISH })
  if (codec === 4) return zstdDecompressSync(bytes, LIMIT)
  const saidBytes = codec === 2 ? snappyBytes(bytes) : lz4Bytes(bytes)
  if (saidBytes > MAX_BYTES)
    throw new RangeError(`it would become up to ${saidBytes} bytes (allowed: up to ${MAX_BYTES})`)
  const { snappy, lz4 } = compressionsAlgorithms
  return (codec === 2 ? snappy : lz4).decompressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

const XERIAL = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const
const XERIAL_HEADER_BYTES = 16

/** What snappy says it becomes: one block, or many in the framing of Java's clients. */
function snappyBytes(bytes: Uint8Array): number {
  if (!XERIAL.every((byte, index) => bytes[index] === byte)) return snappyLength(bytes, 0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = XERIAL_HEADER_BYTES; at + 4 < bytes.length; at += 4 + view.getUint32(at))
    sum += snappyLength(bytes, at + 4)
  return sum
}

/** The number that a block begins with: seven bits a byte, the lowest first. */
function snappyLength(bytes: Uint8Array, start: number): number {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i] ?? 0
    value += (byte & 127) * 128 ** i
    if (byte < 128) break
  }
  return value
}

const LZ4_MAGIC = 0x184d2204
const LZ4_HAS_BLOCK_CHECKSUM = 0x10
const LZ4_HAS_SIZE = 0x08
const LZ4_HAS_DICTIONARY = 0x01
const LZ4_MOST_OF_A_BYTE = 255

/** What the blocks of an lz4 frame become at most; of what is no frame nothing is said, and its reader complains. */
function lz4Bytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 7 || view.getUint32(0, true) !== LZ4_MAGIC) return 0
  const flags = view.getUint8(4)
  const blockBytes = 2 ** (8 + 2 * ((view.getUint8(5) >>> 4) & 7))
  const optional = ((flags & LZ4_HAS_SIZE) === 0 ? 0 : 8) + ((flags & LZ4_HAS_DICTIONARY) === 0 ? 0 : 4)
  const checksumBytes = (flags & LZ4_HAS_BLOCK_CHECKSUM) === 0 ? 0 : 4
  let sum = 0
  for (let at = 7 + optional; at + 4 <= bytes.length;) {
    const size = view.getUint32(at, true)
    const length = size & 0x7fffffff
    if (length === 0) break
    sum += size > length ? length : Math.min(blockBytes, length * LZ4_MOST_OF_A_BYTE)
    at += 4 + length + checksumBytes
  }
  return sum
}
