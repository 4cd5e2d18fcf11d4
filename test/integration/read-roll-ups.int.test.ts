/**
 * Roll-ups read back from tables, by U1 and U2 of `read-roll-ups.ts`: equal to what the engine kept.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { coveringTable, readRollUps } from '../../src/database/read-roll-ups.ts'
import { planPage } from '../../src/pipeline/page.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { adPlan } from '../support/engine-rig.ts'
import { cellChanges, ledgerChanges, START_MS, type CellInput } from '../support/change-sets.ts'
import { claimedStore } from '../support/live-epochs.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()
const page = planPage(plan)
const BROWSER = `'quoted" 你好`

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

describe('roll-ups read from tables', () => {
  it('U1: come from the smallest table that has all of it', () => {
    const names = page.rollUps.map((rollUp) => [rollUp.name, coveringTable(plan, rollUp)?.table.name])
    assert.deepEqual(Object.fromEntries(names), {
      'page:total': 'ctr_by_campaign',
      'page:by:campaign_id': 'ctr_by_campaign',
      'page:by:device_type': 'engagement_by_device',
      'page:by:browser': 'performance',
      'page:clicks:total': 'clicks_by_minute',
      'page:clicks:by:device_type': 'clicks_by_minute',
    })
  })

  it('U1: one whose table lacks a quantity is left out', () => {
    const bare = planOf({ extends: 'ads', tables: { performance: { measures: ['impressions', 'clicks'] } } })
    const rollUp = { name: 'page:browser', axis: 'impression', dimensions: ['browser'] } as const
    assert.equal(coveringTable(bare, rollUp), undefined)
  })

  it('U2: hold exact sums over the dimensions they lack, final where all parts are, from the time asked for', async () => {
    const url = await postgres.createDatabase()
    const cells = (minute: number, areFinal: boolean): CellInput[] =>
      ['a', 'b'].map((campaign, i) => ({
        minute,
        dimensions: [campaign, 'mobile', BROWSER],
        impressions: 10 + i,
        clicks: i,
        micros: 900_000_000_000_001n,
        isFinal: areFinal || i === 0,
      }))
    const all = [...cells(0, true), ...cells(1, true), ...cells(2, false)]
    const sink = await claimedStore(url, { plan, writer: 'demo' })
    const changes = { cells: [cellChanges('performance', all)], ledger: ledgerChanges([]) }
    await sink.write({ number: 1, watermarkMs: 0, changes, positions: {}, deadLetters: [] })
    await sink.close()
    const rollUp = { name: 'by browser', axis: 'impression', dimensions: ['browser'] } as const
    const [found] = await readRollUps(url, plan, [rollUp], START_MS + MINUTE_MS)
    const order = (found?.windowStartMs ?? []).map((ms, row) => ({ ms, row })).toSorted((a, b) => a.ms - b.ms)
    const pick = <T>(column: readonly T[] | undefined): (T | undefined)[] => order.map(({ row }) => column?.[row])
    assert.deepEqual(pick(found?.windowStartMs), [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS])
    assert.deepEqual(pick(found?.dimensions[0]), [BROWSER, BROWSER])
    assert.deepEqual(pick(found?.impressions), [21, 21])
    assert.deepEqual(pick(found?.clicks), [1, 1])
    assert.deepEqual(pick(found?.sumsMicros[0]), [1_800_000_000_000_002n, 1_800_000_000_000_002n])
    assert.deepEqual(pick(found?.isFinal), [true, false])
  })
})
