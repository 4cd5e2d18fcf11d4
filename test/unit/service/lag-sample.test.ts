/**
 * How long clicks take, from a sample: G1 and G2 of src/service/raw/lag-sample.ts.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LagSample } from '../../../src/service/raw/lag-sample.ts'

const REMEMBERED_MS = 60_000
const LAG_MS = 500

/** A sample of so many impressions, each with a click of the same lag, in this order or the other way round. */
function sampleOf(count: number, isBackwards: boolean = false): LagSample {
  const id = Int32Array.from({ length: 4 * count }, (_, lane) => Math.imul(lane + 1, 0x9e3779b1))
  const batch = { id, impressionId: id }
  const sample = new LagSample(REMEMBERED_MS)
  for (let i = 0; i < count; i++)
    sample.addImpression({ timeMs: 0, batch, row: isBackwards ? count - 1 - i : i }, () => true)
  for (let row = 0; row < count; row++) sample.addClick({ timeMs: LAG_MS, batch, row })
  return sample
}

describe('a sample of lags', () => {
  it('is of all impressions where they are few, and of one in four, or in sixteen, where they are more', () => {
    for (const [count, oneIn] of [
      [150_000, 1],
      [400_000, 4],
      [700_000, 16],
    ] as const) {
      const sample = sampleOf(count)
      assert.equal(sample.oneIn, oneIn)
      const { length } = sample.lagsMs
      assert.ok(length <= 150_000 && Math.abs(length - count / oneIn) < 0.05 * (count / oneIn), `${length} of ${count}`)
    }
  })

  it('has the click of each impression that is in it (G2), whatever came before', () => {
    const [sample, backwards] = [sampleOf(200_000), sampleOf(200_000, true)]
    assert.ok(sample.lagsMs.every((lagMs) => lagMs === LAG_MS))
    assert.equal(sample.lagsMs.length, backwards.lagsMs.length)
  })

  it('holds no duplicate, nothing that was not asked for, and no click that is too far away', () => {
    const batch = { id: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8), impressionId: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8) }
    const sample = new LagSample(REMEMBERED_MS)
    for (const timeMs of [0, 10]) sample.addImpression({ timeMs, batch, row: 0 }, () => true)
    sample.addImpression({ timeMs: 0, batch, row: 1 }, () => false)
    sample.addClick({ timeMs: REMEMBERED_MS + 1, batch, row: 0 })
    assert.deepEqual(sample.lagsMs, [Infinity])
    for (const timeMs of [900, 700, 800]) sample.addClick({ timeMs, batch, row: 0 })
    assert.deepEqual(sample.lagsMs, [700], 'the earliest')
  })
})
