/**
 * Which coarse cells a plan has: C2.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { coarseLengths } from '../../../src/query/coarse-tables.ts'

const lengths = (windowSize: string): readonly number[] =>
  coarseLengths(freezePlan({ ...adPipeline, parameters: { ...adPipeline.parameters, windowSize } }))

describe('periods of coarse cells', () => {
  it('C2: are whole numbers of windows, and of the shorter ones', () => {
    assert.deepEqual(lengths('1m'), [300_000, 3_600_000, 21_600_000])
    assert.deepEqual(lengths('90s'), [3_600_000, 21_600_000], 'five minutes are no whole number of windows')
    assert.deepEqual(lengths('5m'), [3_600_000, 21_600_000])
    assert.deepEqual(lengths('1h'), [21_600_000])
  })

  it('C2: are none where windows are coarse already', () => {
    assert.deepEqual(lengths('2h'), [])
  })
})
