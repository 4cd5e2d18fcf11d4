/**
 * Record batches as a broker would send them, written by hand, with whatever a test wants to be odd about them.
 */
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { crc32c } from '../../src/checkpoint/format/crc32c.ts'

export interface MadeRecord {
  /** null is a tombstone. */
  readonly value: string | null
  readonly key?: string | null
  readonly headers?: readonly (readonly [string, string])[]
  /** Relative to the batch; the record's index unless given. */
  readonly offsetDelta?: number
}

export interface BatchSettings {
  readonly base: number
  readonly codec?: number
  /** Of the leader that took it in. */
  readonly leaderEpoch?: number
  readonly producerId?: number
  readonly isTransactional?: boolean
  /** A control batch: 0 aborts, 1 commits. */
  readonly marker?: 0 | 1
}

/** One batch. */
export function makeBatch(records: readonly MadeRecord[], settings: BatchSettings): Buffer {
  const { base, codec = 0, leaderEpoch = 0, producerId = -1, isTransactional = false, marker } = settings
  const isControl = marker !== undefined
  const all = isControl ? [{ value: '\0\0\0\0\0\0', key: String.fromCharCode(0, 0, 0, marker) }] : records
  const last = all.reduce((highest, record, index) => Math.max(highest, deltaOf(record, index)), 0)
  const body = compress(codec, Buffer.concat(all.map(makeRecord)))
  const batch = Buffer.alloc(61)
  batch.writeBigInt64BE(BigInt(base), 0)
  batch.writeInt32BE(61 - 12 + body.length, 8)
  batch.writeInt32BE(leaderEpoch, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(codec | (isTransactional || isControl ? 0x10 : 0) | (isControl ? 0x20 : 0), 21)
  batch.writeInt32BE(last, 23)
  batch.writeBigInt64BE(1_700_000_000_000n, 27)
  batch.writeBigInt64BE(1_700_000_000_000n, 35)
  batch.writeBigInt64BE(BigInt(producerId), 43)
  batch.writeInt32BE(all.length, 57)
  const whole = Buffer.concat([batch, body])
  whole.writeUInt32BE(crc32c(whole, 21), 17)
  return whole
}

function deltaOf(record: MadeRecord, index: number): number {
  return record.offsetDelta ?? index
}

function makeRecord(record: MadeRecord, index: number): Buffer {
  const { value, key = null, headers = [] } = record
  const parts = [
    Buffer.from([0]),
    varint(index * 1_000_000),
    varint(deltaOf(record, index)),
    ...sized(key),
    ...sized(value),
    varint(headers.length),
    ...headers.flatMap(([name, text]) => [...sized(name), ...sized(text)]),
  ]
  const body = Buffer.concat(parts)
  return Buffer.concat([varint(body.length), body])
}

function sized(text: string | null): Buffer[] {
  if (text === null) return [varint(-1)]
  const bytes = Buffer.from(text)
  return [varint(bytes.length), bytes]
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

function compress(codec: number, bytes: Buffer): Buffer {
  if (codec === 1) return gzipSync(bytes)
  if (codec === 2) return compressionsAlgorithms.snappy.compressSync(bytes)
  if (codec === 3) return compressionsAlgorithms.lz4.compressSync(bytes)
  return codec === 4 ? zstdCompressSync(bytes) : bytes
}
