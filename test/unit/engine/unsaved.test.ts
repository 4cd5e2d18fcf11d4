/**
 * What changed since a snapshot, against a sorted set.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unsaved } from '../../../src/engine/state/unsaved.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/engine/unsaved.test.ts'

function noted(addresses: readonly number[]): Unsaved {
  const unsaved = new Unsaved()
  unsaved.take()
  for (const address of addresses) unsaved.note(address)
  return unsaved
}

describe('what is not saved yet', () => {
  it('N1: comes ascending, each address once, whether addresses lie close together or far apart', () => {
    const address = fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(2 ** 31 - 1))
    const rounds = fc.array(fc.oneof(fc.array(address), fc.array(fc.nat(5_000), { maxLength: 200 })), { maxLength: 4 })
    checkProperty(
      fc.property(rounds, (batches) => {
        const unsaved = noted([])
        for (const batch of batches) {
          for (const one of batch) unsaved.note(one)
          assert.deepEqual(
            [...unsaved.take()],
            [...new Set(batch)].toSorted((a, b) => a - b),
          )
        }
      }),
      300,
      FILE,
    )
  })

  it('N1: nothing of one table shows in another', () => {
    const [first, second] = [noted([3, 31, 32, 70]), noted([4, 71])]
    assert.deepEqual([...first.take()], [3, 31, 32, 70])
    assert.deepEqual([...second.take()], [4, 71])
    assert.deepEqual([...first.take()], [])
  })

  it('nothing is noted before the first snapshot, nor after a reset until the next', () => {
    const unsaved = new Unsaved()
    unsaved.note(1)
    assert.deepEqual([...unsaved.take()], [])
    unsaved.note(2)
    unsaved.reset()
    unsaved.note(3)
    assert.deepEqual([...unsaved.take()], [])
  })
})
