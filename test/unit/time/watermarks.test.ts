/**
 * Watermarks by their invariants W1 to W3.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Watermarks } from '../../../src/time/watermarks.ts'

const TRAIL_MS = 5_000

function at(...highestMs: number[]): Watermarks {
  const watermarks = new Watermarks(highestMs.length, TRAIL_MS)
  watermarks.highestMs.set(highestMs)
  return watermarks
}

describe('watermarks', () => {
  it('trail the highest event time; the pipeline has the lowest', () => {
    const watermarks = at(100_000, 90_000)
    assert.equal(watermarks.ofPartition(0), 95_000)
    assert.equal(watermarks.refresh(), 85_000)
    assert.equal(watermarks.pipelineMs, 85_000)
  })

  it('take a partition that comes later: it holds the pipeline where it is until it is read', () => {
    const watermarks = at(100_000)
    assert.equal(watermarks.refresh(), 95_000)
    const added = watermarks.add()
    watermarks.highestMs[0] = 200_000
    assert.equal(watermarks.refresh(), 95_000)
    assert.equal(watermarks.ofPartition(added), -Infinity)
    watermarks.highestMs[added] = 150_000
    assert.equal(watermarks.refresh(), 145_000)
  })

  it('W1: the pipeline does not go back, whoever joins behind it', () => {
    const watermarks = at(100_000, 200_000)
    watermarks.setIdle(0, true)
    assert.equal(watermarks.refresh(), 195_000)
    watermarks.setIdle(0, false)
    assert.equal(watermarks.refresh(), 195_000)
    assert.equal(watermarks.ofPartition(0), 95_000, 'its own watermark says where it is')
  })

  it('W1: neither does a clock that is set back, while all are idle', () => {
    const watermarks = at(100_000)
    watermarks.setIdle(0, true)
    assert.equal(watermarks.refresh(300_000), 300_000)
    assert.equal(watermarks.refresh(200_000), 300_000)
    assert.equal(watermarks.refresh(), 300_000)
  })

  it('W2: a partition never read holds everything back; one that ended nothing', () => {
    const watermarks = at(100_000, -Infinity)
    assert.equal(watermarks.refresh(), -Infinity)
    watermarks.end(1)
    assert.equal(watermarks.ofPartition(1), Infinity)
    assert.equal(watermarks.refresh(), 95_000)
    watermarks.end(0)
    assert.equal(watermarks.refresh(), Infinity)
  })

  it('W2: an ended partition stays ended', () => {
    const watermarks = at(100_000)
    watermarks.end(0)
    watermarks.setIdle(0, true)
    assert.ok(watermarks.isEnded(0))
    assert.ok(!watermarks.isIdle(0))
    watermarks.setIdle(0, false)
    assert.ok(watermarks.isEnded(0))
  })

  it('W3: an idle partition does not hold the others back', () => {
    const watermarks = at(100_000, 50_000)
    watermarks.setIdle(1, true)
    assert.ok(watermarks.isIdle(1))
    assert.equal(watermarks.refresh(), 95_000)
  })

  it('W3: the clock counts only while every partition is idle', () => {
    const watermarks = at(100_000, 50_000)
    watermarks.setIdle(1, true)
    assert.equal(watermarks.refresh(1_000_000), 95_000)
    watermarks.setIdle(0, true)
    assert.equal(watermarks.refresh(1_000_000), 1_000_000)
  })

  it('the slowest is the lowest that still speaks', () => {
    const watermarks = at(100_000, 50_000, -Infinity)
    assert.equal(watermarks.slowest(), 2)
    watermarks.end(2)
    assert.equal(watermarks.slowest(), 1)
    watermarks.setIdle(1, true)
    assert.equal(watermarks.slowest(), 0)
    watermarks.end(0)
    assert.equal(watermarks.slowest(), -1)
  })

  it('the first of several never read is the slowest', () => {
    assert.equal(at(-Infinity, -Infinity).slowest(), 0)
  })
})
