/**
 * A span cut into buckets: K1 and K2.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bucketEnd, bucketsOf } from '../../../src/query/buckets.ts'
import { GRAIN_MS } from '../../../src/query/check-view.ts'
import { clockOf } from '../../../src/query/time-zone.ts'
import { GRAINS, MAX_BUCKETS } from '../../../src/query/view-query.ts'
import { DAY_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { checkProperty } from '../../support/check-property.ts'

/** Their clocks change, by an hour; two are apart from UTC by parts of an hour. None of them skips midnight. */
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu']

describe('buckets', () => {
  it('K1, K2: follow each other and cover the span, by the clock of its zone', () => {
    checkProperty(
      fc.property(
        fc.constantFrom(...GRAINS),
        fc.constantFrom(...ZONES),
        fc.integer({ min: Date.UTC(2025, 0, 1) / MINUTE_MS, max: Date.UTC(2027, 0, 1) / MINUTE_MS }),
        fc.double({ min: 0.01, max: 200, noNaN: true }),
        (grain, zone, startMinute, count) => {
          const startMs = startMinute * MINUTE_MS
          const span = { startMs, endMs: startMs + Math.ceil(Math.min(count, MAX_BUCKETS) * GRAIN_MS[grain]) }
          const buckets = bucketsOf(span, grain, zone, MINUTE_MS)
          const starts = buckets.startsMs
          assert.ok((starts[0] ?? NaN) <= span.startMs && bucketEnd(buckets, 0, span) > span.startMs)
          assert.equal(bucketEnd(buckets, starts.length - 1, span), span.endMs)
          for (const [index, bucketMs] of starts.entries()) {
            assert.ok(bucketMs < bucketEnd(buckets, index, span))
            if (grain === '1d' || grain === '1w') assert.equal(clockOf(zone, bucketMs) % DAY_MS, 0)
            else assert.equal(bucketMs - (starts[0] ?? NaN), index * GRAIN_MS[grain])
          }
        },
      ),
      300,
      'test/unit/query/buckets.test.ts',
    )
  })
})
