import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import type { Definition } from '../../../src/pipeline/definition.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { planPage, type PagePlan } from '../../../src/pipeline/page.ts'

const pageOf = (changed: Partial<Definition>): PagePlan => planPage(freezePlan({ ...adPipeline, ...changed }))

describe('the page of a plan', () => {
  it('shows the ad pipeline: a ratio by the first dimension, impressions and clicks by the second', () => {
    const page = pageOf({})
    assert.deepEqual(
      page.charts.map(({ title, kind, axis, rollUp }) => [title, kind, axis, rollUp]),
      [
        ['CTR per campaign', 'lines', 'impression', 'page:by:campaign_id'],
        ['Impressions per device', 'bars', 'impression', 'page:by:device_type'],
        ['Click trends', 'areas', 'click', 'page:clicks:by:device_type'],
      ],
    )
    assert.deepEqual(
      page.tiles.map(({ label, kind }) => [label, kind]),
      [
        ['Impressions', 'count'],
        ['Clicks', 'count'],
        ['CTR', 'ratio'],
        ['Spend', 'money'],
        ['eCPM', 'ratio'],
        ['CPC', 'ratio'],
      ],
    )
    assert.equal(page.finalAfterMs, 35 * 60_000)
    assert.equal(page.rangeMs, 3_600_000)
  })

  it('G1: asks the engine for every roll-up it reads, each once', () => {
    const page = pageOf({})
    const names = page.rollUps.map(({ name }) => name)
    const used = [
      page.totalRollUp,
      ...page.charts.flatMap((c) => [c.rollUp, c.totalRollUp]),
      ...page.boards.map((b) => b.rollUp),
    ]
    assert.deepEqual([...new Set(used)].toSorted(), names.toSorted())
    assert.equal(new Set(names).size, names.length)
  })

  it('follows the definition: a new dimension has its board, labels and names are taken over', () => {
    const page = pageOf({
      dimensions: { ...adPipeline.dimensions, campaign_id: { label: 'Kampagne' }, country: {} },
      measures: { ...adPipeline.measures, ctr: { ratio: ['clicks', 'impressions'], label: 'Click rate' } },
    })
    assert.equal(page.charts[0]?.title, 'Click rate per kampagne')
    assert.deepEqual(page.boards.at(-1)?.dimension, { name: 'country', label: 'Country' })
    assert.ok(page.rollUps.some(({ name, dimensions }) => name === 'page:by:country' && dimensions[0] === 'country'))
  })

  it('lowers the first letter of a label in a title, but not of an abbreviation', () => {
    const page = pageOf({ dimensions: { os: { label: 'OS' }, url: { label: 'URL path' } } })
    assert.deepEqual(
      page.charts.map(({ title }) => title),
      ['CTR per OS', 'Impressions per URL path', 'Click trends'],
    )
  })

  it('G3: makes sense of one dimension, and of none', () => {
    const one = pageOf({ dimensions: { campaign_id: {} }, tables: {} })
    assert.deepEqual(
      one.charts.map(({ dimension }) => dimension?.name),
      ['campaign_id', 'campaign_id', 'campaign_id'],
    )
    const none = pageOf({ dimensions: {}, tables: {} })
    assert.deepEqual(
      none.charts.map(({ title, rollUp }) => [title, rollUp]),
      [
        ['CTR', 'page:total'],
        ['Impressions', 'page:total'],
        ['Click trends', 'page:clicks:total'],
      ],
    )
    assert.deepEqual(none.boards, [])
  })

  it('draws clicks where the plan has no ratio', () => {
    const page = pageOf({ measures: { clicks: { count: 'clicks', label: 'Taps' } }, tables: {} })
    assert.equal(page.charts[0]?.title, 'Taps per campaign')
    assert.equal(page.boards[0]?.ratio, null)
    assert.equal(page.boards[0]?.value.label, 'Impressions')
  })

  it('knows what kind of number a ratio is', () => {
    const page = pageOf({
      measures: {
        ...adPipeline.measures,
        ecpm: { ratio: ['spend', 'impressions'], scale: 1000 },
        percent: { ratio: ['clicks', 'impressions'], scale: 100 },
        per_click: { ratio: ['impressions', 'clicks'] },
      },
    })
    const unitOf = (name: string): string | undefined => {
      const tile = page.tiles.find((candidate) => candidate.name === name)
      return tile?.kind === 'ratio' ? tile.unit : undefined
    }
    assert.deepEqual(['ctr', 'ecpm', 'percent', 'per_click'].map(unitOf), ['share', 'money', 'plain', 'plain'])
  })

  it('looks back a fair number of windows, whatever their size', () => {
    const rangeOf = (windowSize: string): number =>
      pageOf({ parameters: { ...adPipeline.parameters, windowSize } }).rangeMs / 60_000
    assert.deepEqual(['1s', '10s', '1m', '5m', '1h'].map(rangeOf), [10, 60, 60, 60, 720])
  })

  it('is plain data', () => {
    const page = pageOf({})
    assert.deepEqual(JSON.parse(JSON.stringify(page)), page)
  })
})
