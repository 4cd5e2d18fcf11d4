/**
 * Two databases compared, one of them with Flink's ledger: what counts as equal, and what does not.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { allTables, textColumns, type TextRow } from '../../../src/pipeline/table-text.ts'
import { comparePair } from '../../../src/verify/compare-pair.ts'
import type { FoundTable } from '../../../src/verify/compare.ts'

const PLAN = freezePlan(adPipeline)
const minute = (of: number): string => `2026-01-01T10:0${of}:00.000Z`

/** A campaign's row for each of some minutes, and a ledger. */
function tables(minutes: readonly number[], ledger: readonly TextRow[], clicks = '1'): readonly FoundTable[] {
  const rows = minutes.map((at) => ['c1', minute(at), minute(at + 1), '2', clicks, '0.5', '0.000000', 'true'])
  return allTables(PLAN).map((table) => ({
    name: table.name,
    columns: textColumns(table).map(({ name }) => name),
    rows: table.name === 'ctr_by_campaign' ? rows : table.name === 'ledger' ? ledger : [],
  }))
}

const OURS = [
  ['clicks', minute(0), 'counted', '1'],
  ['clicks', minute(0), 'orphan', '2'],
  ['clicks', minute(0), 'pending', '3'],
  ['clicks', minute(1), 'out_of_window', '4'],
  ['impressions', minute(1), 'future', '1'],
  ['impressions', minute(1), 'malformed', '2'],
]
const FLINKS = [
  ['clicks', minute(0), 'counted', '1'],
  ['clicks', minute(0), 'unattributed', '5'],
  ['clicks', minute(1), 'unattributed', '4'],
  ['impressions', minute(7), 'malformed', '3'],
]

describe('comparePair', () => {
  it("takes Flink's ledger for what it is, on either side (P1)", async () => {
    for (const [first, second, flink] of [
      [OURS, FLINKS, 'second'],
      [FLINKS, OURS, 'first'],
    ] as const) {
      const comparison = await comparePair(PLAN, tables([0], first), tables([0], second))
      assert.deepEqual(comparison.differences, [])
      assert.deepEqual([comparison.isEqual, comparison.flink, comparison.cells], [true, flink, 6 + 4])
    }
  })

  it('control: one event more, one cell changed, one malformed record less are each told', async () => {
    const more = FLINKS.with(1, ['clicks', minute(0), 'unattributed', '6'])
    const less = FLINKS.with(3, ['impressions', minute(7), 'malformed', '2'])
    const compare = async (ledger: readonly TextRow[], clicks = '1'): Promise<unknown> =>
      (await comparePair(PLAN, tables([0], OURS), tables([0], ledger, clicks))).differences.map(
        ({ table, column, expected, found }) => [table, column, expected, found],
      )
    assert.deepEqual(await compare(more), [['ledger', 'events', '5', '6']])
    assert.deepEqual(await compare(less), [['ledger', 'events', '3', '2']])
    assert.deepEqual(await compare(FLINKS, '2'), [['ctr_by_campaign', 'clicks', '1', '2']])
  })

  it('two ledgers of one kind are compared as they are', async () => {
    const other = OURS.with(1, ['clicks', minute(0), 'orphan', '1'])
    const { flink, differing } = await comparePair(PLAN, tables([0], OURS), tables([0], other))
    assert.deepEqual([flink, differing], [undefined, 1])
    assert.ok((await comparePair(PLAN, tables([0], FLINKS), tables([0], FLINKS))).isEqual)
  })

  it('leaves out what is not final in both, and malformed records with it (P2)', async () => {
    const untilMs = Date.parse(minute(1))
    const later = FLINKS.with(2, ['clicks', minute(1), 'unattributed', '9']).slice(0, 3)
    const until = await comparePair(PLAN, tables([0, 1], OURS), tables([0], later), { untilMs })
    assert.deepEqual([until.isEqual, until.cells], [true, 6 + 2])
    const whole = await comparePair(PLAN, tables([0, 1], OURS), tables([0], later))
    assert.ok(!whole.isEqual, 'control: they differ later on')
  })
})
