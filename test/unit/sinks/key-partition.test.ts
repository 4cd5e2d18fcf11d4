/**
 * Partitions of keys, against the client library's and values that Kafka's own tests have.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { compatibilityPartitioner } from '@platformatic/kafka'
import fc from 'fast-check'
import { murmur2, partitionOfKey } from '../../../src/sinks/kafka/key-partition.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/sinks/key-partition.test.ts'

it('are those of the client library, for any key', () => {
  checkProperty(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const key = Buffer.from(bytes)
      assert.equal(partitionOfKey(undefined, key), compatibilityPartitioner({ topic: 'any' }, key))
    }),
    1_000,
    FILE,
  )
  assert.equal(partitionOfKey(undefined, undefined), 0)
})

it('are those of Kafka', () => {
  const hashes = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ] as const
  for (const [key, hash] of hashes) assert.equal(murmur2(Buffer.from(key)), hash, key)
})
