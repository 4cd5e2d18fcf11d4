/**
 * Compressions with an end: what would fill the memory is refused before it does.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { decompress } from '../../../src/sources/kafka/decompress.ts'

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4]
const { snappy, lz4 } = compressionsAlgorithms
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

/** A number in seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; bytes.length === 0 || rest > 0; rest = Math.floor(rest / 128))
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0))
  return Buffer.from(bytes)
}

function framed(chunks: readonly Buffer[]): Buffer {
  const sized = chunks.flatMap((chunk) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    return [length, chunk]
  })
  return Buffer.concat([XERIAL, ...sized])
}

/** A frame of blocks of up to 4 MB, each said to be `bytes` long, without a checksum. */
function lz4Frame(blocks: number, bytes: number): Buffer {
  const block = Buffer.alloc(4 + bytes)
  block.writeUInt32LE(bytes)
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]), ...Array<Buffer>(blocks).fill(block)])
}

describe('compressions', () => {
  const text = Buffer.from('{"impression_id":"i"}'.repeat(20_000))

  it('are undone, whatever the framing', () => {
    const whole = snappy.compressSync(text)
    for (const [codec, bytes] of [
      [GZIP, gzipSync(text)],
      [SNAPPY, whole],
      [LZ4, lz4.compressSync(text)],
      [ZSTD, zstdCompressSync(text)],
    ] as const)
      assert.ok(Buffer.from(decompress(codec, bytes)).equals(text), String(codec))
    assert.ok(Buffer.from(decompress(SNAPPY, framed([whole, whole]))).equals(Buffer.concat([text, text])))
  })

  it('are refused where they say that they become more than any batch', () => {
    const before = process.memoryUsage().arrayBuffers
    const most = 256 << 20
    const refused = { name: 'RangeError', message: /allowed: up to 268435456/ }
    assert.throws(() => decompress(SNAPPY, Buffer.concat([varint(most + 1), text])), refused)
    assert.throws(() => decompress(SNAPPY, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])), refused)
    assert.throws(() => decompress(SNAPPY, framed(Array<Buffer>(3).fill(varint(100 << 20)))), refused)
    assert.throws(() => decompress(LZ4, lz4Frame(65, 20_000)), refused)
    assert.throws(
      () => decompress(LZ4, lz4Frame(64, 20_000)),
      (error: Error) => error.name !== 'RangeError',
      'control: such blocks are read, and are none',
    )
    assert.throws(() => decompress(GZIP, gzipSync(Buffer.alloc(most + 1))), { code: 'ERR_BUFFER_TOO_LARGE' })
    assert.ok(process.memoryUsage().arrayBuffers - before < 3 * most)
  })
})
