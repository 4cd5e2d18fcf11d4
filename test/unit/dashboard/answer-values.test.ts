import assert from 'node:assert/strict'
import { it } from 'node:test'
import { columnsOf } from '../../../dashboard/src/model/answer-board.ts'
import { valuesReader } from '../../../dashboard/src/model/answer-values.ts'
import { tilesShown } from '../../../dashboard/src/model/answerable.ts'
import { membersExport } from '../../../dashboard/src/model/export.ts'
import { defaultState } from '../../../dashboard/src/model/page-state.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { type PagePlan, planPage } from '../../../src/pipeline/page.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'

const measures = { ...adPipeline.measures, outlay: { sum: 'cost' }, income: { sum: 'bid_price' } } as const

function planWith(sums: readonly ('spend' | 'income')[]): Plan {
  const tables = { by_campaign: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks', ...sums] } } as const
  return freezePlan({ ...adPipeline, measures, tables })
}

it('a sum is read as what it is, however many measures sum one field', () => {
  const page = planPage(planWith(['spend', 'income']))
  const values = valuesReader(page)({ impressions: 5, clicks: 1, sums: { spend: '2', outlay: '2', income: '9' } })
  const read = page.measures.flatMap((measure) =>
    measure.kind === 'ratio' ? [] : [[measure.name, values?.[measure.quantity]]],
  )
  assert.deepEqual(Object.fromEntries(read), {
    impressions: 5,
    clicks: 1,
    spend: 2_000_000,
    outlay: 2_000_000,
    income: 9_000_000,
  })
  assert.equal(values?.length, page.quantityCount)
})

it('what no table keeps is no first choice, no column of a leaderboard and none of an export', () => {
  const tables = { by_campaign: { dimensions: ['campaign_id'], measures: ['clicks'] } } as const
  const page = planPage(freezePlan({ ...adPipeline, measures, tables }))
  const state = defaultState(page, 'UTC')
  assert.equal(state.measure, 'clicks')
  const { value, second } = columnsOf(page, state)
  assert.deepEqual([value.name, second], ['clicks', 'share'])
  assert.deepEqual(membersExport(page, 'campaign_id', []).columns, ['campaign_id', 'clicks', 'is_final'])

  const whole = planPage(planWith(['spend', 'income']))
  assert.equal(columnsOf(whole, { measure: 'ctr' }).value.name, 'impressions', 'control')
  assert.equal(membersExport(whole, 'campaign_id', []).columns.length, whole.measures.length + 2)
})

it('a tile says no 0 of what no table keeps', () => {
  const page = planPage(planWith(['spend']))
  const namesOf = (source: 'tables' | 'memory', of: PagePlan = page): readonly string[] =>
    tilesShown(of, source).map(({ name }) => name)
  assert.ok(namesOf('memory').includes('income'), 'what is in memory is known')
  assert.deepEqual(
    namesOf('tables'),
    namesOf('memory').filter((name) => name !== 'income'),
  )
  const whole = planPage(planWith(['spend', 'income']))
  assert.deepEqual(namesOf('tables', whole), namesOf('memory', whole), 'control')
})
