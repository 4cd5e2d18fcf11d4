/**
 * Roll-up by U1 to U3 of `roll-up.ts` and finalisation by N1 to N4 of `finalise.ts`, driven through an engine.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChangeSet } from '../../../src/pipeline/cells.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, EngineRig, TEN_MS, type ClickRow, type ImpressionRow } from '../../support/engine-rig.ts'

/** A = 30 min, e = 1 s, L = 5 min. */
const plan = adPlan()
const FINAL_AFTER_MS = MINUTE_MS + 35 * MINUTE_MS

const impression = (id: number, ms: number, campaign: string = 'c1'): ImpressionRow => {
  return { id, timeMs: TEN_MS + ms, dimensions: [campaign, 'mobile', 'chrome'], costMicros: 250_000 }
}
const click = (id: number, impressionId: number, ms: number): ClickRow => ({ id, impressionId, timeMs: TEN_MS + ms })

/** Rows of one roll-up in a change set: minute, dimensions, impressions, clicks, final, removed. */
function rowsOf(changes: ChangeSet, rollUp: string): unknown[][] {
  const cells = changes.cells.find((part) => part.rollUp === rollUp)
  assert.ok(cells)
  return Array.from({ length: cells.count }, (_, row) => [
    ((cells.windowStartMs[row] ?? NaN) - TEN_MS) / MINUTE_MS,
    ...cells.dimensions.map((texts) => texts[row]),
    cells.impressions[row],
    cells.clicks[row],
    cells.isFinal[row] === true ? 'final' : 'provisional',
    ...(cells.removed[row] === true ? ['removed'] : []),
  ])
}

describe('roll-up', () => {
  it('U1: an impression is added once, in the window of its event time', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 59_999), impression(1, 60_000), impression(2, 60_000)])
    assert.deepEqual(rowsOf(rig.engine.changes(), 'ctr_by_campaign'), [
      [0, 'c1', 1, 0, 'provisional'],
      [1, 'c1', 1, 0, 'provisional'],
    ])
  })

  it('U2: a click is added in the minute of its impression and in its own', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 59_900)]).clicks([click(1, 1, 60_100)])
    const changes = rig.engine.changes()
    assert.deepEqual(rowsOf(changes, 'ctr_by_campaign'), [[0, 'c1', 1, 1, 'provisional']])
    assert.deepEqual(rowsOf(changes, 'clicks_by_minute'), [[1, 'c1', 'mobile', 0, 1, 'provisional']])
  })

  /** Impressions of 10,000 new campaigns. */
  function newCampaigns(part: number, ms: number): ImpressionRow[] {
    return Array.from({ length: 10_000 }, (_, i) => impression(part * 10_000 + i, ms + i, `c${part * 10_000 + i}`))
  }

  it('U3: clicks find the combinations of their impressions after sweeps, and cells keep their own', () => {
    const rig = new EngineRig(plan)
    for (let part = 0; part < 9; part++)
      rig
        .impressions(newCampaigns(part, part * 20_000))
        .passTo(TEN_MS + part * 20_000)
        .handOut()
    const clicked = Array.from({ length: 9 }, (_, part) => [part * 10_000, part * 10_000 + 9_999]).flat()
    rig.clicks(clicked.map((id) => click(id, id, 200_000)))
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.equal(rows.length, 90_000)
    assert.ok(rows.every((row) => row[3] === '1'))
    assert.deepEqual(
      new Set(rows.filter((row) => row[4] === '1').map(([campaign]) => campaign)),
      new Set(clicked.map((id) => `c${id}`)),
    )
  })

  it('U3: what waits to be handed out keeps its combination, even when its impression is long forgotten', () => {
    const rig = new EngineRig(plan)
    for (let part = 0; part < 9; part++)
      rig.impressions(newCampaigns(part, part * 50 * MINUTE_MS)).passTo(TEN_MS + part * 50 * MINUTE_MS)
    assert.ok(rig.engine.state().liveImpressions < 30_000)
    const rows = rig.finish().get('ctr_by_campaign') ?? []
    assert.equal(new Set(rows.map(([campaign]) => campaign)).size, 90_000)
    assert.ok(rows.every((row) => row[3] === '1'))
  })
})

describe('finalisation', () => {
  it('N1, and C1 of cells: hands out whole values, and only of cells that changed', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0), impression(2, 0, 'c2')])
    assert.equal(rowsOf(rig.engine.changes(), 'ctr_by_campaign').length, 2)
    assert.deepEqual(rowsOf(rig.engine.changes(), 'ctr_by_campaign'), [])
    rig.impressions([impression(3, 1_000)]).clicks([click(1, 1, 2_000)])
    const changes = rig.engine.changes()
    assert.deepEqual(rowsOf(changes, 'ctr_by_campaign'), [[0, 'c1', 2, 1, 'provisional']])
    const cells = changes.cells.find(({ rollUp }) => rollUp === 'ctr_by_campaign')
    assert.deepEqual(cells?.sumsMicros, [[500_000n]])
  })

  it('N1, and C2 of cells: a cell that became empty is handed out as removed, once', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0)]).clicks([click(1, 1, 5 * MINUTE_MS)])
    rig.engine.changes()
    rig.clicks([click(2, 1, 4 * MINUTE_MS)])
    assert.deepEqual(rowsOf(rig.engine.changes(), 'clicks_by_minute'), [
      [4, 'c1', 'mobile', 0, 1, 'provisional'],
      [5, 'c1', 'mobile', 0, 0, 'provisional', 'removed'],
    ])
    assert.deepEqual(rowsOf(rig.engine.changes(), 'clicks_by_minute'), [])
    rig.passTo(TEN_MS + 60 * MINUTE_MS)
    assert.deepEqual(rowsOf(rig.engine.changes(), 'clicks_by_minute'), [[4, 'c1', 'mobile', 0, 1, 'final']])
  })

  it('N2: a window is final when W ≥ its end + A + L, not 1 ms before', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0)])
    rig.passTo(TEN_MS + FINAL_AFTER_MS - 1)
    assert.equal(rig.engine.hasFinalWindows, false)
    assert.deepEqual(rowsOf(rig.engine.changes(true), 'ctr_by_campaign'), [])
    assert.deepEqual(rowsOf(rig.engine.changes(), 'ctr_by_campaign'), [[0, 'c1', 1, 0, 'provisional']])
    rig.passTo(TEN_MS + FINAL_AFTER_MS)
    assert.equal(rig.engine.hasFinalWindows, true)
    assert.equal(rig.engine.finalUpToMs, TEN_MS + MINUTE_MS)
    assert.deepEqual(rowsOf(rig.engine.changes(true), 'ctr_by_campaign'), [[0, 'c1', 1, 0, 'final']])
    assert.equal(rig.engine.hasFinalWindows, false)
    assert.deepEqual(rowsOf(rig.engine.changes(), 'ctr_by_campaign'), [])
    assert.equal(rig.engine.state().cells, 0)
  })

  it('N2: all cells of a window become final in one change set, changed or not', () => {
    const rig = new EngineRig(plan).impressions([impression(1, 0), impression(2, 1_000, 'c2'), impression(3, 61_000)])
    rig.engine.changes()
    rig.impressions([impression(4, 2_000, 'c3')]).passTo(TEN_MS + FINAL_AFTER_MS)
    assert.deepEqual(rowsOf(rig.engine.changes(), 'ctr_by_campaign').toSorted(), [
      [0, 'c1', 1, 0, 'final'],
      [0, 'c2', 1, 0, 'final'],
      [0, 'c3', 1, 0, 'final'],
    ])
  })

  for (const [e, L] of [
    ['5s', '1s'],
    ['10s', '9s'],
    ['10s', '0s'],
    ['1s', '5s'],
  ] as const) {
    it(`N2: no final cell changes, with e = ${e} and L = ${L}`, () => {
      const tight = adPlan({
        attributionWindow: '10s',
        clockSkewTolerance: e,
        allowedLateness: L,
        outOfOrderness: '0s',
      })
      const { attributionWindowMs, clockSkewToleranceMs, allowedLatenessMs } = tight.parameters
      // The last impression of a minute, clicked at the last moment, and an impression that reaches that click too.
      const clickMs = 59_999 + attributionWindowMs
      const laterMs = clickMs + clockSkewToleranceMs
      const rig = new EngineRig(tight).impressions([impression(1, 59_999)]).clicks([click(1, 1, clickMs)])
      // Read as late as can be, with everything handed out before.
      rig.passTo(TEN_MS + laterMs + allowedLatenessMs).handOut()
      rig.impressions([impression(1, laterMs, 'c2')]).handOut()
      rig.finish()
      assert.deepEqual(rig.store.brokenFinals, [])
      const clicked = (rig.store.tables().get('ctr_by_campaign') ?? []).map((row) => [row[0], row[4]])
      const taken = laterMs - 59_999 > attributionWindowMs + allowedLatenessMs
      assert.deepEqual(
        clicked,
        taken
          ? [
              ['c1', '0'],
              ['c2', '1'],
            ]
          : [['c1', '1']],
      )
    })
  }

  it('N3: final windows come in ascending order over the whole run', () => {
    const rig = new EngineRig(adPlan({ outOfOrderness: '20m' }))
    const seen: number[] = []
    const look = (): void => {
      const cells = rig.engine.changes(true).cells.find(({ rollUp }) => rollUp === 'ctr_by_campaign')
      seen.push(...(cells?.windowStartMs ?? []))
    }
    for (let i = 0; i < 300; i++) {
      rig.impressions([impression(i, ((i * 37) % 20) * MINUTE_MS + i * 30_000)])
      rig.clicks([click(i, i, i * 30_000)])
      rig.engine.advance()
      if (i % 4 === 0) look()
    }
    assert.ok(seen.length > 30, `${seen.length} windows`)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
  })

  it('N4: every roll-up adds up to the same, exactly', () => {
    const rollUps = [
      { name: 'whole', axis: 'impression', dimensions: [] },
      { name: 'by_campaign', axis: 'impression', dimensions: ['campaign_id'] },
      { name: 'reversed', axis: 'impression', dimensions: ['browser', 'device_type', 'campaign_id'] },
    ] as const
    const rig = new EngineRig(plan, { rollUps })
    for (let i = 0; i < 500; i++) {
      const costMicros = 1e12 - i
      rig.impressions([{ id: i, timeMs: TEN_MS, dimensions: [`c${i % 9}`, `d${i % 4}`, `b${i % 5}`], costMicros }])
      if (i % 3 === 0) rig.clicks([click(i, i, 1_000)])
      if (i === 250) rig.engine.changes()
    }
    rig.passTo(TEN_MS + FINAL_AFTER_MS)
    const spend = 500n * 1_000_000_000_000n - BigInt((499 * 500) / 2)
    for (const cells of rig.engine.changes().cells) {
      assert.equal(
        cells.impressions.reduce((a, b) => a + b, 0),
        500,
        cells.rollUp,
      )
      assert.equal(
        cells.clicks.reduce((a, b) => a + b, 0),
        167,
      )
      assert.equal(
        cells.sumsMicros[0]?.reduce((a, b) => a + b, 0n),
        spend,
      )
    }
  })

  it('a roll-up without dimensions is one row a window', () => {
    const rig = new EngineRig(plan, { rollUps: [{ name: 'whole', axis: 'impression', dimensions: [] }] })
    rig.impressions([impression(1, 0), impression(2, 0, 'c2')])
    assert.deepEqual(rowsOf(rig.engine.changes(), 'whole'), [[0, 2, 0, 'provisional']])
  })
})
