/**
 * Attribution by its invariants J1 to J3, driven through an engine; J4 is in `hostile.test.ts`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EventClass, Plan } from '../../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { checkProperty } from '../../support/check-property.ts'
import { adPlan, EngineRig, TEN_MS, type ClickRow } from '../../support/engine-rig.ts'

const FILE = 'test/unit/engine/attribute.test.ts'

/** A = 30 min, e = 1 s, L = 5 min. */
const plan = adPlan()
/** With L < e two impressions of one id may reach one click. */
const TIGHT = { attributionWindow: '10s', clockSkewTolerance: '10s', outOfOrderness: '2m' }
const tightPlan = adPlan({ ...TIGHT, allowedLateness: '0s' })

const impression = (id: number, ms: number): { id: number; timeMs: number } => ({ id, timeMs: TEN_MS + ms })
const click = (id: number, impressionId: number, ms: number): ClickRow => ({ id, impressionId, timeMs: TEN_MS + ms })

/** Clicks at the end by minute of the impression and of the click, each as `minute:count`. */
function clicksByMinute(rig: EngineRig): { byImpression: string[]; byClick: string[] } {
  const tables = rig.finish()
  const minuteAndCount = (name: string, startColumn: number, countColumn: number): string[] =>
    (tables.get(name) ?? []).map((row) => `${row[startColumn]?.slice(11, 16)}:${row[countColumn]}`)
  return {
    byImpression: minuteAndCount('ctr_by_campaign', 1, 4),
    byClick: minuteAndCount('clicks_by_minute', 2, 4),
  }
}

/** Sums of clicks over the cells of both axes, and the ledger's count, as of the last handing out. */
function totals(rig: EngineRig): number[] {
  const tables = rig.store.tables()
  const sum = (name: string, column: number): number =>
    (tables.get(name) ?? []).reduce((total, row) => total + Number(row.at(column)), 0)
  return [sum('ctr_by_campaign', -4), sum('clicks_by_minute', -2), rig.classes('clicks').counted ?? 0]
}

interface Event {
  readonly stream: 'impressions' | 'clicks'
  readonly id: number
  readonly ms: number
  /** Of a click: its own id. */
  readonly number: number
}

/** Impressions too far apart to be copies of each other and near enough to reach one click, and clicks around them. */
const orders = fc.constantFrom('0s', '2s', '10s').chain((allowedLateness) => {
  const drawnPlan = adPlan({ ...TIGHT, outOfOrderness: '5m', allowedLateness })
  const { attributionWindowMs, allowedLatenessMs, clockSkewToleranceMs } = drawnPlan.parameters
  const least = attributionWindowMs + allowedLatenessMs + 1
  const gap = fc.constantFrom(
    least,
    least + 1_000,
    Math.max(least, attributionWindowMs + clockSkewToleranceMs),
    3 * least,
  )
  const impressions = fc.array(gap, { maxLength: 3 }).map((gaps) => {
    const times = [0, ...gaps].map((_, i) => gaps.slice(0, i).reduce((sum, ms) => sum + ms, 0))
    return times.map((ms): Event => ({ stream: 'impressions', id: 1, ms, number: 0 }))
  })
  const time = fc.oneof(fc.integer({ min: -25_000, max: 90_000 }), fc.constantFrom(0, 9_999, 10_000, 10_001, 20_000))
  const clicks = fc
    .array(time, { maxLength: 10 })
    .map((times) => times.map((ms, number): Event => ({ stream: 'clicks', id: 1, ms, number })))
  return fc
    .tuple(impressions, clicks)
    .map((parts) => parts.flat())
    .chain((events) =>
      fc
        .shuffledSubarray(events, { minLength: events.length })
        .map((shuffled) => ({ plan: drawnPlan, events, shuffled })),
    )
})

/** An engine that has seen little for so long that its granules have become a minute long. */
function afterQuietTime(quietPlan: Plan): EngineRig {
  const rig = new EngineRig(quietPlan)
  for (let n = 1; n <= 12; n++) {
    rig.impressions([impression(100 + n, (n - 16) * 70_000)])
    rig.clicks([click(100 + n, 100 + n, (n - 16) * 70_000)])
  }
  return rig
}

/** What came of events, read one by one; both axes must agree with the ledger after each. */
function outcome(rig: EngineRig, events: readonly Event[]): unknown {
  for (const { stream, id, ms, number } of events) {
    if (stream === 'impressions') rig.impressions([impression(id, ms)])
    else rig.clicks([click(number, id, ms)])
    rig.handOut()
    const [byImpression, byClick, counted] = totals(rig)
    assert.deepEqual([byImpression, byClick], [counted, counted], 'J3')
  }
  return { tables: rig.finish(), clicks: rig.classes('clicks'), impressions: rig.classes('impressions') }
}

describe('attribution', () => {
  const boundaries: [string, number, EventClass][] = [
    ['t − e', -1_000, 'counted'],
    ['t − e − 1 ms', -1_001, 'out_of_window'],
    ['t − e − L', -301_000, 'out_of_window'],
    ['t − e − L − 1 ms', -301_001, 'pending'],
    ['t + A', 1_800_000, 'counted'],
    ['t + A + 1 ms', 1_800_001, 'out_of_window'],
    ['t + A + L', 2_100_000, 'out_of_window'],
    ['t + A + L + 1 ms', 2_100_001, 'pending'],
  ]
  for (const [name, ms, expected] of boundaries) {
    it(`a click at ${name} is ${expected}, read after its impression or before`, () => {
      const after = new EngineRig(plan).impressions([impression(1, 0)]).clicks([click(1, 1, ms)])
      assert.deepEqual(after.classes('clicks'), { [expected]: 1 })
      const before = new EngineRig(plan).clicks([click(1, 1, ms)]).impressions([impression(1, 0)])
      assert.deepEqual(before.classes('clicks'), { [expected]: 1 })
    })
  }

  it('a pending click becomes an orphan when W > c + e + 2L, not at it', () => {
    const rig = new EngineRig(plan).clicks([click(1, 1, 0)])
    rig.passTo(TEN_MS + 1_000 + 600_000).handOut()
    assert.deepEqual(rig.classes('clicks'), { pending: 1 })
    rig.passTo(TEN_MS + 1_000 + 600_001).handOut()
    assert.deepEqual(rig.classes('clicks'), { orphan: 1 })
  })

  it('of two pending clicks only the one whose time has come becomes an orphan', () => {
    const rig = new EngineRig(plan).clicks([click(1, 1, 0), click(2, 2, 1)])
    rig.passTo(TEN_MS + 1 + 1_000 + 600_000).handOut()
    assert.deepEqual(rig.classes('clicks'), { pending: 1, orphan: 1 })
  })

  it('thousands of pending clicks all find their impressions, however the watermark moves in between', () => {
    const rig = new EngineRig(adPlan({ allowedLateness: '30m' }))
    const count = 20_000
    for (let part = 0; part < 4; part++) {
      const numbers = Array.from({ length: count / 4 }, (_, i) => (part * count) / 4 + i)
      rig.clicks(numbers.map((id) => click(id, id, id * 10)))
      rig.passTo(TEN_MS + part * 50_000).handOut()
    }
    assert.deepEqual(rig.classes('clicks'), { pending: count })
    rig.impressions(Array.from({ length: count }, (_, id) => impression(id, id * 10)))
    assert.deepEqual(rig.classes('clicks'), { counted: count })
  })

  it('the last impression that is not late still claims its click', () => {
    const rig = new EngineRig(plan).clicks([click(1, 1, 0)])
    rig.passTo(TEN_MS + 1_000 + 600_000)
    rig.impressions([impression(1, 301_000)])
    assert.deepEqual(rig.classes('impressions'), { counted: 1 })
    assert.deepEqual(rig.classes('clicks'), { out_of_window: 1 })
  })

  it('J2: the earliest click counts, whichever comes first', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0)])
    rig.clicks([click(1, 1, 70_000), click(2, 1, 130_000), click(3, 1, 10_000), click(4, 1, 10_000)])
    assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 3 })
    assert.deepEqual(clicksByMinute(rig), { byImpression: ['10:00:1'], byClick: ['10:00:1'] })
  })

  it('J1: of several impressions a click belongs to the latest at or before c + e', () => {
    const rig = new EngineRig(plan)
    rig.impressions([impression(1, 0), impression(1, 2_100_001)])
    rig.clicks([click(1, 1, 2_099_000), click(2, 1, 2_099_001)])
    assert.deepEqual(rig.classes('clicks'), { out_of_window: 1, counted: 1 })
  })

  it('J1: where L < e a later impression takes clicks from an earlier one, the counted one too', () => {
    const rig = new EngineRig(tightPlan)
    rig.clicks([click(1, 1, 4_000), click(2, 1, 5_000), click(3, 1, 9_000)])
    rig.impressions([impression(1, 0)])
    assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 2 })
    rig.impressions([impression(1, 15_000)])
    assert.deepEqual(rig.classes('impressions'), { counted: 2 })
    assert.deepEqual(rig.classes('clicks'), { counted: 2, repeat: 1 }, 'the click at 4 s stays')
    rig.clicks([click(4, 1, 4_999)])
    assert.deepEqual(rig.classes('clicks'), { counted: 2, repeat: 2 }, 'and one at 4.999 s joins it')
  })

  it('J1: two clicks of one millisecond leave together', () => {
    const rig = new EngineRig(tightPlan).impressions([impression(1, 0)])
    rig.clicks([click(1, 1, 6_000), click(2, 1, 6_000), click(3, 1, 7_000)])
    rig.impressions([impression(1, 60_000)])
    assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 2 })
    rig.impressions([impression(1, 11_000)])
    assert.deepEqual(rig.classes('clicks'), { counted: 1, repeat: 2 })
    rig.handOut()
    assert.deepEqual(totals(rig), [1, 1, 1])
  })

  it('J1, J3: any order of reading gives the same, and both axes always agree with the ledger', () => {
    checkProperty(
      fc.property(orders, fc.boolean(), ({ plan: drawnPlan, events, shuffled }, isSparse) => {
        const rig = (): EngineRig => (isSparse ? afterQuietTime(drawnPlan) : new EngineRig(drawnPlan))
        assert.deepEqual(outcome(rig(), shuffled), outcome(rig(), events))
      }),
      300,
      FILE,
    )
  })

  it('J3: a click that moves to another minute leaves no cell behind', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0)]).clicks([click(1, 1, 5 * MINUTE_MS)])
    rig.handOut()
    assert.deepEqual(totals(rig), [1, 1, 1])
    rig.clicks([click(2, 1, 4 * MINUTE_MS)]).handOut()
    assert.deepEqual(totals(rig), [1, 1, 1])
    assert.deepEqual(clicksByMinute(rig).byClick, ['10:04:1'])
  })
})
