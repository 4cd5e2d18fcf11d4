/**
 * The engine by its invariants G1 to G4.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamName } from '../../../src/pipeline/plan.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, EngineRig, TEN_MS, type ClickRow, type ImpressionRow } from '../../support/engine-rig.ts'

/** A = 30 min, e = 1 s, L = 5 min. */
const plan = adPlan()

const impression = (id: number, ms: number, campaign: string = 'c1'): ImpressionRow => {
  return { id, timeMs: TEN_MS + ms, dimensions: [campaign, 'mobile', 'chrome'], costMicros: 250_000 }
}
const click = (id: number, impressionId: number, ms: number): ClickRow => ({ id, impressionId, timeMs: TEN_MS + ms })

describe('engine', () => {
  it('G1: what was read is the sum of the classes after every batch', () => {
    const rig = new EngineRig(plan)
    const assertBalanced = (): void => {
      for (const stream of [0, 1]) assert.equal(rig.engine.ledger.differenceOf(stream), 0)
    }
    for (let round = 0; round < 30; round++) {
      const ms = round * 200_000
      rig.impressions([impression(round, ms), impression(round, ms), impression(round - 1, ms - 400_000)])
      assertBalanced()
      rig.clicks([click(round, round, ms), click(round + 1_000, round + 1, ms), click(round, round, ms - 310_000)])
      assertBalanced()
      rig.engine.advance()
      assertBalanced()
    }
    rig.finish()
    assertBalanced()
    assert.equal(rig.engine.ledger.readOf(0), 90)
    for (const name of ['counted', 'duplicate', 'late'] as const) assert.ok(rig.engine.classesOf('impressions')[name])
    assert.equal(rig.engine.classesOf('clicks').pending, 0)
  })

  it('G2: looks in between and the size of batches leave no trace', () => {
    const impressions = Array.from({ length: 400 }, (_, i) => impression(i % 350, i * 11_000, `c${i % 7}`))
    const clicks = Array.from({ length: 300 }, (_, i) => click(i, (i * 7) % 360, i * 14_000))
    const run = (size: number, look: (rig: EngineRig, round: number) => void): unknown => {
      const rig = new EngineRig(plan)
      for (let start = 0, round = 0; start < 400; start += size, round++) {
        rig.impressions(impressions.slice(start, start + size))
        rig.clicks(clicks.slice(start, start + size))
        look(rig, round)
      }
      return rig.finish()
    }
    const expected = run(400, () => undefined)
    assert.deepEqual(
      run(40, (rig) => rig.engine.advance()),
      expected,
    )
    assert.deepEqual(
      run(8, (rig, round) => (round % 3 === 0 ? rig.handOut(round % 2 === 0) : rig.engine.advance())),
      expected,
    )
  })

  it('G3: what is remembered is what the windows must remember', () => {
    const rig = new EngineRig(plan)
    const peak = { liveImpressions: 0, liveClicks: 0, cells: 0, idBytes: 0 }
    const observe = (): void => {
      const state = rig.engine.state()
      for (const name of Object.keys(peak) as (keyof typeof peak)[]) peak[name] = Math.max(peak[name], state[name])
    }
    const fill = (fromMinute: number, minutes: number): void => {
      for (let minute = fromMinute; minute < fromMinute + minutes; minute++) {
        const ms = minute * MINUTE_MS
        rig.impressions(Array.from({ length: 200 }, (_, i) => impression(minute * 200 + i, ms + i * 250)))
        rig.clicks(Array.from({ length: 10 }, (_, i) => click(minute * 10 + i, minute * 200 + i, ms + i * 2_000)))
        rig.engine.advance()
        rig.handOut(true)
        observe()
      }
    }
    fill(0, 120)
    const early = { ...peak }
    fill(120, 600)
    assert.ok(early.liveImpressions >= 40 * 200, 'A + 2L = 40 minutes of them')
    for (const name of Object.keys(peak) as (keyof typeof peak)[])
      assert.ok(peak[name] <= early[name] * 1.5, `${name}: ${peak[name]} after 12 hours, ${early[name]} after 2`)
    rig.finish()
    const { liveImpressions, liveClicks, cells } = rig.engine.state()
    assert.deepEqual({ liveImpressions, liveClicks, cells }, { liveImpressions: 0, liveClicks: 0, cells: 0 })
  })

  it('G4: texts that are still needed survive a sweep; the others make room', () => {
    const rig = new EngineRig(plan)
    for (let part = 0; part < 8; part++) {
      const rows = Array.from({ length: 10_000 }, (_, i) => {
        const id = part * 10_000 + i
        return impression(id, part * 20 * MINUTE_MS + i, `campaign ${id}`)
      })
      rig
        .impressions(rows)
        .passTo(TEN_MS + part * 20 * MINUTE_MS)
        .handOut(true)
    }
    const [campaigns] = rig.dictionaries
    assert.ok(campaigns && campaigns.size < 60_000, `${campaigns?.size} texts of 80,000`)
    rig.clicks([click(1, 79_999, 141 * MINUTE_MS)])
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.equal(rows.length, 80_000)
    assert.equal(new Set(rows.map(([campaign]) => campaign)).size, 80_000)
    const clicked = rows.filter((row) => row[4] === '1')
    assert.deepEqual(
      clicked.map(([campaign]) => campaign),
      ['campaign 79999'],
    )
    assert.deepEqual(rig.store.brokenFinals, [])
  })

  it('settles at every look, not only once a second of event time', () => {
    const rig = new EngineRig(adPlan({ clockSkewTolerance: '0s', allowedLateness: '0s' }))
    rig
      .clicks([click(1, 1, 0)])
      .passTo(TEN_MS)
      .handOut()
    assert.deepEqual(rig.classes('clicks'), { pending: 1 })
    rig.passTo(TEN_MS + 1).handOut()
    assert.deepEqual(rig.classes('clicks'), { orphan: 1 })
  })

  it('takes any number of partitions of a stream', () => {
    const partitions: StreamName[] = ['clicks', 'impressions', 'clicks', 'impressions']
    const rig = new EngineRig(plan, { partitions })
    rig.clicks([click(1, 1, 1_000)], 0).clicks([click(2, 2, 2_000)], 2)
    rig.impressions([impression(1, 0)], 1).impressions([impression(2, 0)], 3)
    rig.engine.advance()
    assert.equal(rig.engine.watermarks.pipelineMs, TEN_MS - 5_000)
    assert.deepEqual(rig.classes('clicks'), { counted: 2 })
  })
})
