/**
 * Labels never overlap and never leave the chart.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { spread } from '../../dashboard/src/charts/spread.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/spread.property.test.ts'
const GAP = 16
const wanted = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 12 })

function leastGap(places: readonly number[]): number {
  const sorted = places.toSorted((a, b) => a - b)
  return Math.min(Infinity, ...sorted.slice(1).map((place, index) => place - (sorted[index] ?? 0)))
}

it('labels keep their distance, their order and within the chart', () => {
  const property = fc.property(wanted, (wishes) => {
    const places = spread(wishes, GAP, 0, 300)
    assert.ok(leastGap(places) >= GAP - 1e-9)
    assert.ok(places.every((place) => place >= -1e-9 && place <= 300 + 1e-9))
    wishes.forEach((wish, i) => {
      wishes.forEach((other, j) => assert.ok(wish >= other || (places[i] ?? 0) < (places[j] ?? 0)))
    })
  })
  checkProperty(property, 500, FILE)
})

it('labels with room enough stay where they belong', () => {
  assert.deepEqual(spread([200, 10, 100], GAP, 0, 300), [200, 10, 100])
  assert.deepEqual(spread([100, 100], GAP, 0, 300), [92, 108])
  assert.deepEqual(spread([299, 300], GAP, 0, 300), [284, 300])
  assert.deepEqual(spread([5, 5, 5], GAP, 0, 20), [0, 10, 20])
  assert.deepEqual(spread([], GAP, 0, 300), [])
})

it('control: labels left where they belong do overlap', () => {
  assert.throws(() =>
    checkProperty(
      fc.property(wanted, (wishes) => leastGap(wishes) >= GAP),
      500,
      FILE,
    ),
  )
})
