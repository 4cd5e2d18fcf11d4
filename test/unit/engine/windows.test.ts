/**
 * The windows of a time axis by their invariant V1, against a map.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { CellBlock } from '../../../src/engine/state/cell-block.ts'
import { Windows } from '../../../src/engine/state/windows.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/engine/windows.test.ts'

function addOneTo(block: CellBlock, key: number): void {
  const cell = block.cellOf(key)
  block.impressions[cell] = (block.impressions[cell] ?? NaN) + 1
}

describe('windows', () => {
  it('V1: agree with a map, whatever is made, taken and released', () => {
    const step = fc.record({ at: fc.nat(40), take: fc.option(fc.nat(45), { nil: undefined }), release: fc.boolean() })
    checkProperty(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const windows = new Windows(0)
        const expected = new Map<number, number>()
        for (const { at, take, release } of steps) {
          addOneTo(windows.at(at), 1)
          expected.set(at, (expected.get(at) ?? 0) + 1)
          if (take !== undefined) {
            const due = [...expected].filter(([startMs]) => startMs < take).toSorted(([a], [b]) => a - b)
            const taken = windows.take(take)
            assert.deepEqual(
              taken.map((block) => [block.startMs, block.impressions[block.find(1)]]),
              due,
            )
            for (const [startMs] of due) expected.delete(startMs)
            if (release) for (const block of taken) windows.release(block)
          }
          const starts = [...expected.keys()].toSorted((a, b) => a - b)
          assert.deepEqual(
            windows.sorted().map(({ startMs }) => startMs),
            starts,
          )
          assert.deepEqual([windows.size, windows.earliestMs], [starts.length, starts[0] ?? Infinity])
        }
      }),
      200,
      FILE,
    )
  })

  it('V1: a window stays from its first cell until it is taken, once, in order', () => {
    const windows = new Windows(0)
    for (const startMs of [180, 60, 120, 60, 0, 180]) windows.at(startMs).touch(1)
    assert.equal(windows.size, 4)
    assert.equal(windows.earliestMs, 0)
    assert.deepEqual(
      windows.sorted().map(({ startMs }) => startMs),
      [0, 60, 120, 180],
    )
    assert.deepEqual(
      windows.take(120).map(({ startMs }) => startMs),
      [0, 60],
    )
    assert.deepEqual(windows.take(120), [], 'a window that starts there is not before it')
    assert.equal(windows.earliestMs, 120)
    assert.equal(windows.at(60).end, 0, 'what was taken is gone')
    assert.deepEqual(
      windows.take(Infinity).map(({ startMs }) => startMs),
      [60, 120, 180],
    )
    assert.deepEqual([windows.size, windows.earliestMs], [0, Infinity])
  })

  it('V1: always the same block for one window', () => {
    const windows = new Windows(0)
    const block = windows.at(60)
    windows.at(120)
    assert.equal(windows.at(60), block)
    assert.equal(windows.at(60), block)
  })
})
