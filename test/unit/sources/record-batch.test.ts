/**
 * Record batches become lines in place: R1 to R5 of `record-batch.ts`, on batches made by hand and by the client.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { TidemarkError } from '../../../src/errors.ts'
import { decompress } from '../../../src/sources/kafka/decompress.ts'
import { lastBatchOf, RecordBatchReader, type AbortedTransaction } from '../../../src/sources/kafka/record-batch.ts'
import { checkProperty } from '../../support/check-property.ts'
import { makeBatch, type MadeRecord } from '../../support/kafka-batches.ts'

interface Read {
  readonly lines: readonly (readonly [offset: number, text: string])[]
  readonly next: number
  /** How often lines were handed out. */
  readonly runs: number
}

function read(block: Uint8Array, position = 0, aborted: readonly AbortedTransaction[] = []): Read {
  const lines: [number, string][] = []
  let runs = 0
  const reader = new RecordBatchReader(decompress, (bytes, start, end, first) => {
    runs++
    const text = Buffer.from(bytes.subarray(start, end)).toString()
    assert.ok(text.endsWith('\n'))
    for (const [index, line] of text.slice(0, -1).split('\n').entries()) lines.push([first + index, line])
  })
  // In the middle of other bytes, as a fetched block is.
  const copy = new Uint8Array(block.length + 7).subarray(3, 3 + block.length)
  copy.set(block)
  assert.deepEqual(lastBatchOf(copy, position), lastBatchOf(block, position))
  return { next: reader.read(copy, position, aborted), lines, runs }
}

const values = (...texts: (string | null)[]): MadeRecord[] => texts.map((value) => ({ value }))
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('record batches', () => {
  for (const [codec, name] of CODECS.entries()) {
    it(`hands out every record of a batch: ${name}`, () => {
      const records = [
        { value: '{"a":1}', key: 'k', headers: [['h', 'x\ny'] as const] },
        { value: '{"b":2}', key: null },
      ]
      const block = Buffer.concat([
        makeBatch(records, { base: 40, codec }),
        makeBatch(values('{"c":3}'), { base: 42 }),
        makeBatch(values('{"d":4}', '{"e":5}'), { base: 43, codec }),
      ])
      const { lines, next } = read(block, 40)
      assert.deepEqual(lines, [
        [40, '{"a":1}'],
        [41, '{"b":2}'],
        [42, '{"c":3}'],
        [43, '{"d":4}'],
        [44, '{"e":5}'],
      ])
      assert.equal(next, 45)
    })
  }

  it('hands out batches of one run at once', () => {
    const block = Buffer.concat([0, 1, 2].map((base) => makeBatch(values(`{"n":${base}}`), { base })))
    assert.equal(read(block).runs, 1)
    const gap = Buffer.concat([0, 5].map((base) => makeBatch(values(`{"n":${base}}`), { base })))
    assert.equal(read(gap).runs, 2, 'control: lines of a run have consecutive offsets')
  })

  it('reads what the client writes', () => {
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const messages = Array.from({ length: 300 }, (_, i) => ({
        topic: 't',
        key: Buffer.from(`key-${i}`),
        value: Buffer.from(JSON.stringify({ impression_id: `i-${i}`, text: 'x'.repeat(i) })),
        timestamp: 1_700_000_000_000n + BigInt(i),
      }))
      const bytes = createRecordsBatch(messages, { compression }).buffer
      const { lines, next } = read(bytes)
      assert.equal(next, 300)
      assert.deepEqual(
        lines.map(([, text]) => text),
        messages.map(({ value }) => value.toString()),
      )
    }
  })

  it('makes null of what is missing or blank, and white space of a line feed in a value', () => {
    const { lines } = read(makeBatch(values(null, '', ' \t\n ', '{\n "a": 1\n}', 'x'), { base: 7 }), 7)
    assert.deepEqual(lines, [
      [7, 'null'],
      [8, 'null'],
      [9, 'null'],
      [10, '{\r "a": 1\r}'],
      [11, 'x'],
    ])
  })

  it('begins at the wanted offset, and keeps the offsets of a compacted topic', () => {
    const records = [3, 4, 9].map((offsetDelta) => ({ value: `{"d":${offsetDelta}}`, offsetDelta }))
    const { lines, next } = read(makeBatch(records, { base: 100 }), 104)
    assert.deepEqual(lines, [
      [104, '{"d":4}'],
      [109, '{"d":9}'],
    ])
    assert.equal(next, 110)
  })

  it('passes over aborted transactions and control batches, and their offsets count', () => {
    const transaction = { isTransactional: true }
    const block = Buffer.concat([
      makeBatch(values('{"lost":1}'), { base: 0, producerId: 7, ...transaction }),
      makeBatch(values('{"kept":1}'), { base: 1, producerId: 8, ...transaction }),
      makeBatch(values('{"plain":1}'), { base: 2 }),
      makeBatch(values('{"lost":2}'), { base: 3, producerId: 7, codec: 4, ...transaction }),
      makeBatch([], { base: 4, producerId: 7, marker: 0 }),
      makeBatch([], { base: 5, producerId: 8, marker: 1 }),
      makeBatch(values('{"kept":2}'), { base: 6, producerId: 7, ...transaction }),
      makeBatch([], { base: 7, producerId: 7, marker: 1 }),
    ])
    const { lines, next } = read(block, 0, [{ producerId: 7, firstOffset: 0 }])
    assert.deepEqual(lines, [
      [1, '{"kept":1}'],
      [2, '{"plain":1}'],
      [6, '{"kept":2}'],
    ])
    assert.equal(next, 8)
    assert.equal(read(block).lines.length, 5, 'control: without the list they would be read')
  })

  it('leaves a batch that is cut for the next fetch', () => {
    const first = makeBatch(values('{"a":1}'), { base: 0 })
    const second = makeBatch(values('{"b":2}'), { base: 1 })
    for (let length = 0; length < second.length; length++) {
      const { lines, next } = read(Buffer.concat([first, second.subarray(0, length)]))
      assert.deepEqual([lines.length, next], [1, 1])
    }
  })

  it('notices any flipped bit behind the checksum', () => {
    const batch = makeBatch(values('{"a":1}', '{"b":2}'), { base: 12 })
    for (let at = 17; at < batch.length; at++) {
      const damaged = Buffer.from(batch)
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (at & 7)), at)
      assert.throws(() => read(damaged, 12), isCorrupt, `byte ${at}`)
    }
  })

  it('refuses what it does not know, by name', () => {
    const old = makeBatch(values('{}'), { base: 5 })
    old.writeInt8(1, 16)
    assert.throws(() => read(old, 5), /offset 5 .*format 1, older than Kafka 0\.11/)
    assert.throws(() => read(makeBatch(values('{}'), { base: 5, codec: 6 }), 5), /compression 6 is not known/)
  })

  it('never reads beyond a batch, whatever lengths its records claim', () => {
    checkProperty(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 9 }), (records, count) => {
        const batch = makeBatch(values('{}'), { base: 0 }).subarray(0, 61)
        const whole = Buffer.concat([batch, records])
        whole.writeInt32BE(whole.length - 12, 8)
        whole.writeInt32BE(count, 57)
        whole.writeUInt32BE(checksum(whole), 17)
        try {
          assert.ok(read(whole).lines.length <= count)
        } catch (error) {
          if (!isCorrupt(error)) throw error
        }
      }),
      300,
      'test/unit/sources/record-batch.test.ts',
    )
  })
})

function checksum(batch: Buffer): number {
  let crc = -1
  for (const byte of batch.subarray(21)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78
  }
  return ~crc >>> 0
}

function isCorrupt(error: unknown): boolean {
  return error instanceof TidemarkError && error.code === 'KAFKA_CORRUPT'
}
