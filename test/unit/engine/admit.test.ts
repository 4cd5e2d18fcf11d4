/**
 * Admission by its invariants A1 to A3.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EventBatch } from '../../../src/engine/event-batch.ts'
import { FUTURE, IMPRESSIONS_STREAM, LATE, Ledger, MALFORMED } from '../../../src/engine/ledger.ts'
import { Admit } from '../../../src/engine/operators/admit.ts'
import type { PlanParameters } from '../../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { Watermarks } from '../../../src/time/watermarks.ts'
import { checkProperty } from '../../support/check-property.ts'
import { parametersOf, TEN_MS } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/admit.test.ts'
const parameters = parametersOf({ outOfOrdernessMs: 5_000, allowedLatenessMs: 300_000, maxFutureSkewMs: 300_000 })
const LATE_BEHIND_MS = 305_000

class Admission {
  readonly ledger = new Ledger(MINUTE_MS)
  readonly watermarks: Watermarks
  readonly #admit: Admit

  constructor(given: PlanParameters = parameters, partitions: number = 1) {
    this.watermarks = new Watermarks(partitions, given.outOfOrdernessMs)
    this.#admit = new Admit(IMPRESSIONS_STREAM, given, this.watermarks, this.ledger)
  }

  /** Admits events of these times, NaN for a malformed one; returns the rows that go on. */
  run(
    timesMs: readonly number[],
    partition: number = 0,
    nowMs: number = Infinity,
    floorMs: number = this.watermarks.pipelineMs,
  ): number[] {
    const batch = new EventBatch(timesMs.length, { hasImpressionId: false, dimensionCount: 0, sumCount: 0 })
    batch.count = timesMs.length
    timesMs.forEach((timeMs, row) => {
      batch.malformed[row] = Number.isNaN(timeMs) ? 1 : 0
      batch.timeMs[row] = timeMs
    })
    const count = this.#admit.run(batch, partition, nowMs, floorMs)
    return Array.from(this.#admit.rows.subarray(0, count))
  }

  totals(): number[] {
    return [MALFORMED, FUTURE, LATE].map((code) => this.ledger.totalOf(IMPRESSIONS_STREAM, code))
  }
}

describe('admission', () => {
  it('an event exactly L behind its partition goes on, 1 ms more is late', () => {
    const admission = new Admission()
    assert.deepEqual(admission.run([TEN_MS, TEN_MS - LATE_BEHIND_MS, TEN_MS - LATE_BEHIND_MS - 1]), [0, 1])
    assert.deepEqual(admission.totals(), [0, 0, 1])
  })

  it('A1: each row is judged by what stood before it, not by its batch', () => {
    const admission = new Admission()
    const early = TEN_MS - LATE_BEHIND_MS - 1
    assert.deepEqual(admission.run([early, TEN_MS, early]), [0, 1])
  })

  it('an event is late by the pipeline where that is ahead of its partition', () => {
    const admission = new Admission(parameters, 2)
    admission.run([TEN_MS], 1)
    admission.watermarks.setIdle(0, true)
    admission.watermarks.refresh()
    assert.deepEqual(admission.run([TEN_MS - LATE_BEHIND_MS, TEN_MS - LATE_BEHIND_MS - 1], 0), [0])
    assert.equal(admission.watermarks.highestMs[0], TEN_MS - LATE_BEHIND_MS)
  })

  it('a floor decides what is late, wherever W has come since or has not come yet', () => {
    const floorMs = TEN_MS
    const oldest = floorMs - parameters.allowedLatenessMs
    const trailing = new Admission(parameters, 2)
    assert.deepEqual(trailing.run([oldest, oldest - 1], 0, Infinity, floorMs), [0])
    const ahead = new Admission(parameters, 2)
    ahead.watermarks.highestMs.fill(TEN_MS + 60_000 + parameters.outOfOrdernessMs)
    ahead.watermarks.refresh()
    assert.deepEqual(ahead.run([oldest + 60_000, oldest + 59_999], 0, Infinity, floorMs), [0], 'w_p is ahead of it')
  })

  it('A4: an event that only a wrong floor lets in is refused, and one that W would let in is not', () => {
    const admission = new Admission(parameters, 2)
    admission.run([TEN_MS], 1)
    admission.watermarks.setIdle(0, true)
    admission.watermarks.refresh()
    assert.deepEqual(admission.run([TEN_MS - LATE_BEHIND_MS], 0, Infinity, -Infinity), [0])
    const again = new Admission(parameters, 2)
    again.run([TEN_MS], 1)
    again.watermarks.setIdle(0, true)
    again.watermarks.refresh()
    assert.throws(() => again.run([TEN_MS - LATE_BEHIND_MS - 1], 0, Infinity, -Infinity), /behind the watermark/)
  })

  it('A2: a late event raises the highest event time where it is the highest so far', () => {
    const admission = new Admission(parametersOf({ outOfOrdernessMs: 0, allowedLatenessMs: 0 }), 2)
    admission.run([TEN_MS], 1)
    admission.watermarks.setIdle(0, true)
    admission.watermarks.refresh()
    assert.deepEqual(admission.run([TEN_MS - 1], 0), [])
    assert.equal(admission.watermarks.highestMs[0], TEN_MS - 1)
  })

  it('an event exactly maxFutureSkew ahead of the clock goes on, 1 ms more is future', () => {
    const admission = new Admission()
    const aheadMs = TEN_MS + parameters.maxFutureSkewMs
    assert.deepEqual(admission.run([aheadMs + 1, aheadMs], 0, TEN_MS), [1])
    assert.deepEqual(admission.totals(), [0, 1, 0])
    assert.equal(admission.watermarks.highestMs[0], aheadMs, 'A2')
  })

  it('nothing is future in a replay', () => {
    const admission = new Admission()
    assert.deepEqual(admission.run([TEN_MS + 1e12]), [0])
  })

  it('A2: malformed and future events move nothing', () => {
    const admission = new Admission()
    admission.run([NaN, TEN_MS + 1e9, NaN], 0, TEN_MS)
    assert.equal(admission.watermarks.highestMs[0], -Infinity)
    assert.deepEqual(admission.totals(), [2, 1, 0])
  })

  it("malformed events stand at the partition's highest event time so far, at the epoch before any", () => {
    const admission = new Admission()
    admission.run([NaN, TEN_MS + 61_000, NaN, TEN_MS, NaN])
    const changes = admission.ledger.takeChanges()
    assert.deepEqual(changes.windowStartMs, [0, TEN_MS + MINUTE_MS])
    assert.deepEqual(changes.events, [1, 2])
  })

  it('A3: every row ends in one place, whatever the batches', () => {
    const time = fc.oneof(fc.integer({ min: 0, max: 900_000 }), fc.constant(NaN), fc.constant(5_000_000))
    checkProperty(
      fc.property(fc.array(time, { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (drawn, batchSize) => {
        const times = drawn.map((ms) => TEN_MS + ms)
        const whole = new Admission()
        const split = new Admission()
        const rows = whole.run(times, 0, TEN_MS + 600_000)
        const splitRows: number[] = []
        for (let start = 0; start < times.length; start += batchSize) {
          const part = split.run(times.slice(start, start + batchSize), 0, TEN_MS + 600_000)
          splitRows.push(...part.map((row) => start + row))
        }
        assert.deepEqual(splitRows, rows)
        assert.deepEqual(split.totals(), whole.totals())
        const gone = whole.totals().reduce((sum, events) => sum + events, 0)
        assert.equal(gone + rows.length, times.length)
        assert.equal(whole.ledger.readOf(IMPRESSIONS_STREAM), times.length)
        assert.equal(new Set(rows).size, rows.length)
      }),
      200,
      FILE,
    )
  })
})
