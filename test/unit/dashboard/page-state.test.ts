import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planWithin, whyNot } from '../../../dashboard/src/model/answerable.ts'
import { chartPlans, memberQuery, splitOf, viewQueryOf } from '../../../dashboard/src/model/view-question.ts'
import {
  defaultState,
  filterModeOf,
  orderInWords,
  ordersOf,
  stepRange,
  toggleMember,
  zoomOut,
} from '../../../dashboard/src/model/page-state.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import { checkView } from '../../../src/query/check-view.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const page = planPage(adPlan)
const start = defaultState(page, 'UTC')

describe('steps of the page', () => {
  it('go one period back and forth, and end at the present', () => {
    const shown = { startMs: NOON_MS, endMs: NOON_MS + HOUR_MS }
    const before = stepRange(start, -1, shown, shown.endMs)
    assert.deepEqual(before.range, { kind: 'fixed', startMs: NOON_MS - HOUR_MS, endMs: NOON_MS })
    assert.deepEqual(stepRange(before, 1, shown, shown.endMs + 60_000).range, start.range, 'and back to what is live')
    const later = shown.endMs + (shown.endMs - shown.startMs)
    assert.deepEqual(stepRange(before, 1, shown, later).range, { kind: 'fixed', ...shown }, 'unless much came after it')
    assert.equal(stepRange(start, 1, shown, later), start)
  })

  it('zoom out around the middle, and to the next preset at the present', () => {
    const fixed = { ...start, range: { kind: 'fixed', startMs: NOON_MS, endMs: NOON_MS + HOUR_MS } as const }
    assert.deepEqual(zoomOut(fixed, Infinity).range, {
      kind: 'fixed',
      startMs: NOON_MS - HOUR_MS / 2,
      endMs: NOON_MS + 1.5 * HOUR_MS,
    })
    assert.deepEqual(zoomOut(fixed, NOON_MS + HOUR_MS).range, { kind: 'last', lengthMs: 6 * HOUR_MS })
  })

  it('let a member in, out, and go', () => {
    const kept = toggleMember(start, 'browser', 'chrome', 'include')
    assert.equal(filterModeOf(kept, 'browser', 'chrome'), 'include')
    const left = toggleMember(kept, 'browser', 'chrome', 'exclude')
    assert.deepEqual(left.filters, [{ dimension: 'browser', mode: 'exclude', members: ['chrome'] }])
    assert.deepEqual(toggleMember(left, 'browser', 'chrome', 'exclude').filters, [])
  })

  it('N1 of view-question: know what no table holds beside the filters, and what a limited viewer can ask', () => {
    const tables = [
      { axis: 'impression' as const, dimensions: ['campaign_id', 'device_type'] },
      { axis: 'impression' as const, dimensions: ['browser'] },
    ]
    const plan = { ...page, tables }
    const filters = [{ dimension: 'campaign_id', mode: 'include' as const, members: ['c1'] }]
    const state = { ...defaultState(plan, 'UTC'), filters, split: 'browser' }
    assert.equal(whyNot(plan, state, 'device_type'), undefined)
    assert.match(whyNot(plan, state, 'browser') ?? '', /No table has browser together with campaign/)
    assert.equal(splitOf(plan, state), null)
    assert.equal(splitOf(plan, { ...state, filters: [] }), 'browser')
    const own = planWithin(plan, [{ dimension: 'campaign_id' }])
    assert.deepEqual(own.tables, tables.slice(0, 1))
    assert.match(whyNot(own, { filters: [] }, 'browser') ?? '', /No table that you may see/)
    assert.equal(planWithin(plan, []), plan)
  })

  it('leave out what a table answers nothing about, and say what it lacks', () => {
    const tables = {
      ctr_by_campaign: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks', 'spend'] },
      clicks_by_browser: { dimensions: ['browser'], measures: ['impressions', 'clicks', 'ctr'] },
    }
    const plan = planPage(freezePlan({ ...adPipeline, tables }))
    const { ranks, series } = viewQueryOf(plan, defaultState(plan, 'UTC'), '')
    assert.deepEqual(
      ranks.map(({ dimension }) => dimension),
      ['campaign_id'],
    )
    assert.deepEqual(
      series.map(({ split, axis }) => `${split} ${axis}`),
      ['campaign_id impression', 'null impression', 'null impression'],
    )
    assert.equal(
      whyNot(plan, { filters: [] }, 'browser'),
      'The table clicks_by_browser has browser without spend, which the page needs: add spend to its measures.',
    )
    assert.equal(whyNot(plan, { filters: [] }, 'device_type'), 'No table that you may see has device.')
  })

  it('leave out charts of what no table keeps, which would be nothing but zeros', () => {
    const tables = { views: { dimensions: ['campaign_id'], measures: ['impressions', 'spend'] } }
    const plan = planPage(freezePlan({ ...adPipeline, tables }))
    assert.deepEqual(
      chartPlans(plan, { ...defaultState(plan, 'UTC'), measure: 'impressions' }).map(({ measure }) => measure.name),
      ['impressions', 'impressions'],
    )
    assert.deepEqual(
      chartPlans(page, start).map(({ measure }) => measure.name),
      ['ctr', 'impressions', 'clicks'],
      'control',
    )
  })

  it('ask questions that the server takes as they are', () => {
    for (const measure of page.measures) {
      for (const order of ordersOf(measure)) {
        const query = viewQueryOf(page, { ...start, measure: measure.name, order }, 'a')
        assert.deepEqual(checkView(adPlan, query), query)
      }
    }
  })

  it('order by what tables keep, in all that is asked and in words', () => {
    const plan = freezePlan({
      ...adPipeline,
      tables: { clicks_by_campaign: { dimensions: ['campaign_id'], measures: ['clicks'] } },
    })
    const own = planPage(plan)
    const state = { ...defaultState(own, 'UTC'), order: { by: 'impressions', of: 'change', direction: 'asc' } as const }
    const part = { dimension: 'campaign_id', search: '', offset: 0, limit: 10 }
    const taken = { by: 'clicks', of: 'value', direction: 'asc' }
    for (const query of [viewQueryOf(own, state, ''), memberQuery(own, state, part)]) {
      assert.deepEqual(checkView(plan, query), query)
      assert.deepEqual(query.ranks[0]?.orderBy, taken)
    }
    assert.equal(orderInWords(own, state.order), 'least Clicks')
    const refused = {
      ...memberQuery(own, state, part),
      ranks: [{ ...part, orderBy: state.order, ignoreOwnFilter: true }],
    }
    assert.throws(() => checkView(plan, refused), /orderBy.by: is not one of them/, 'control')
  })

  it('orders by a ratio in words that fit one', () => {
    assert.equal(orderInWords(page, { by: 'ctr', of: 'value', direction: 'desc' }), 'highest CTR')
    assert.equal(orderInWords(page, { by: 'ctr', of: 'change', direction: 'asc' }), 'CTR fell')
    assert.equal(orderInWords(page, { by: 'impressions', of: 'value', direction: 'desc' }), 'most Impressions')
  })
})
