/**
 * The compressions of Kafka, each with an end. Of gzip and zstd, which make thousands of bytes of one, what would become
 * more than a broker's largest batch could hold is refused before it fills the memory; lz4 makes 255 at most, snappy fewer.
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
  const { snappy, lz4 } = compressionsAlgorithms
  return (codec === 2 ? snappy : lz4).decompressSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}
