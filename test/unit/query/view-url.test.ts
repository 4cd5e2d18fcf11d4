import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { coveringTable } from '../../../src/query/coverage.ts'
import { parseSearch } from '../../../src/query/search-text.ts'
import { formatViewUrl, parseScope, parseViewUrl } from '../../../src/query/view-url.ts'
import { wilsonInterval } from '../../../src/query/shares.ts'
import { measureValue, viewMeasures } from '../../../src/query/view-measures.ts'

const plan = freezePlan(adPipeline)

describe('a view written by hand', () => {
  it('may say no more than what it is about', () => {
    const query = parseViewUrl(plan, '?measure=ctr&split=campaign_id&f.device_type=mobile,desktop')
    assert.deepEqual(query.range, { kind: 'last', lengthMs: 3_600_000 })
    assert.equal(query.totals, true)
    assert.deepEqual(query.series, [
      {
        split: 'campaign_id',
        top: 5,
        orderBy: { by: 'ctr', of: 'value', direction: 'desc' },
        members: [],
        axis: 'impression',
      },
    ])
    assert.deepEqual(
      query.ranks.map(({ dimension, orderBy }) => [dimension, orderBy.by]),
      [
        ['campaign_id', 'ctr'],
        ['device_type', 'ctr'],
        ['browser', 'ctr'],
      ],
    )
    assert.deepEqual(query.filters, [{ dimension: 'device_type', mode: 'include', members: ['mobile', 'desktop'] }])
  })

  it('stays readable', () => {
    const text =
      'from=2026-03-28T23:00:00Z&to=2026-03-29T22:00:00Z&axis=click&tz=Europe/Berlin&grain=1h&vs=week' +
      '&f.campaign_id!=a%5C,b,c&totals=1&series=device_type;of=change;dir=asc'
    assert.equal(formatViewUrl(plan, parseViewUrl(plan, text)), text)
  })

  it('is refused where it names what is not there', () => {
    for (const [text, problem] of [
      ['rnage=1h', /has a key that is not known. Given: "rnage"/],
      ['range=soon', /range: is not a duration/],
      ['from=2026-03-28T23:00:00Z', /to: is missing/],
      ['f.country=de', /filters\[0\].dimension/],
      ['measure=roi', /Allowed: impressions, clicks, ctr, spend, ecpm, cpc/],
      ['axis=click&measure=ctr', /Allowed: clicks/],
      ['tz=Berlin', /is not a time zone/],
      ['grain=2m', /Allowed: 1m, 5m, 15m, 1h, 1d, 1w, auto/],
      ['series=browser;of=change', /no change without a comparison/],
      ['vs=day&series=browser;by=ctr;of=share', /no share of a whole/],
      ['f.browser=%ff', /is not well encoded/],
    ] as const)
      assert.throws(() => parseViewUrl(plan, text), { code: 'VIEW_INVALID', message: problem }, text)
  })

  it('leaves keys of others alone when only the scope is wanted', () => {
    const scope = parseScope(plan, parseSearch('?range=15m&theme=dark'))
    assert.deepEqual(scope.range, { kind: 'last', lengthMs: 900_000 })
  })
})

describe('the table that answers', () => {
  it('U2 of coverage.ts: is the smallest that has all dimensions on the axis', () => {
    const name = (axis: 'impression' | 'click', ...dimensions: string[]): string | undefined =>
      coveringTable(plan, axis, dimensions)?.table.name
    assert.equal(name('impression'), 'ctr_by_campaign')
    assert.equal(name('impression', 'device_type'), 'engagement_by_device')
    assert.equal(name('impression', 'browser'), 'performance')
    assert.equal(name('click', 'device_type'), 'clicks_by_minute')
    assert.equal(name('click', 'browser'), undefined)
  })

  it('U2 of coverage.ts: is the one with the fewest rows where that is known of all', () => {
    const sizes = new Map([
      ['ctr_by_campaign', 1_000],
      ['engagement_by_device', 4],
      ['performance', 20_000],
    ])
    assert.equal(coveringTable(plan, 'impression', [], sizes)?.table.name, 'engagement_by_device')
    assert.equal(coveringTable(plan, 'impression', ['campaign_id'], sizes)?.table.name, 'ctr_by_campaign')
    sizes.set('performance', -1)
    assert.equal(coveringTable(plan, 'impression', [], sizes)?.table.name, 'ctr_by_campaign', 'not all are known')
  })

  it('U1 of coverage.ts: has every amount that views have', () => {
    const lacking = freezePlan({
      ...adPipeline,
      tables: { ...adPipeline.tables, small: { dimensions: [], measures: ['impressions'] } },
    })
    assert.equal(coveringTable(lacking, 'impression', [])?.table.name, 'ctr_by_campaign')
  })
})

describe('measures of a view', () => {
  const amounts = { impressions: 400, clicks: 10, sums: { spend: '1.250000' } }

  it('M1 of view-measures: are those of the plan and ours, from amounts', () => {
    const values = viewMeasures(plan).map((measure) => [measure.name, measure.unit, measureValue(measure, amounts)])
    assert.deepEqual(values, [
      ['impressions', 'count', 400],
      ['clicks', 'count', 10],
      ['ctr', 'share', 0.025],
      ['spend', 'money', 1.25],
      ['ecpm', 'rate', 3.125],
      ['cpc', 'rate', 0.125],
    ])
  })

  it('M2 of view-measures: are null over nothing', () => {
    const nothing = { impressions: 0, clicks: 0, sums: { spend: '0.000000' } }
    const [, , ctr] = viewMeasures(plan)
    assert.ok(ctr !== undefined)
    assert.equal(measureValue(ctr, nothing), null)
  })

  it('shares of counts have the interval of Wilson', () => {
    const [low, high] = wilsonInterval(amounts.clicks, amounts.impressions)
    assert.ok(Math.abs(low - 0.01363) < 1e-4 && Math.abs(high - 0.04542) < 1e-4, `${low} ${high}`)
  })

  it('M3 of view-measures: are not offered where no table keeps what they are made of', () => {
    const unkept = freezePlan({
      ...adPipeline,
      tables: { t: { dimensions: ['browser'], measures: ['impressions', 'clicks'] } },
    })
    assert.deepEqual(
      viewMeasures(unkept).map(({ name }) => name),
      ['impressions', 'clicks', 'ctr'],
    )
  })
})
