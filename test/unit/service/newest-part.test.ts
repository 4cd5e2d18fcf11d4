/**
 * How much of a stretch of time is looked at where all would take long to read (N3 of `scan-journal.ts`).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { newestPart } from '../../../src/service/raw/scan-journal.ts'
import { HOUR_MS, MINUTE_MS } from '../../../src/time/units.ts'

const plan = freezePlan(adPipeline)
const NOW_MS = 100 * HOUR_MS

/** A partition that took in `bytesPerHour` for the last `hours`, in segments of two hours. */
function partition(name: string, bytesPerHour: number, hours: number): object {
  const segments = Array.from({ length: hours / 2 }, (_, index) => ({
    startOffset: 2 * index * bytesPerHour,
    firstArrivalMs: NOW_MS - hours * HOUR_MS + 2 * index * HOUR_MS,
  }))
  return { name, folder: '', segments, earliest: 0 }
}

function minutesOf(bytesPerHour: number, maxBytes: number): number {
  const scan = {
    plan,
    partitions: [partition('a', bytesPerHour, 48), partition('b', bytesPerHour, 48)],
    positions: { a: 48 * bytesPerHour, b: 48 * bytesPerHour },
    span: { startMs: NOW_MS - 24 * HOUR_MS, endMs: NOW_MS },
  } as unknown as Parameters<typeof newestPart>[0]
  const { startMs, endMs } = newestPart(scan, maxBytes, NOW_MS)
  assert.equal(endMs, NOW_MS)
  return (endMs - startMs) / MINUTE_MS
}

describe('the newest part of a stretch', () => {
  it('is the whole where that is little to read', () => {
    assert.equal(minutesOf(1_000, 60_000), 24 * 60)
  })

  it('is halved until it is little enough', () => {
    assert.equal(minutesOf(1_000, 48_000), 12 * 60)
    assert.equal(minutesOf(1_000, 14_000), 6 * 60)
    assert.equal(minutesOf(1_000, 8_000), 3 * 60)
  })

  it('is five windows at least', () => {
    assert.equal(minutesOf(1_000_000, 1), 5)
  })
})
