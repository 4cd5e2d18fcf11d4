/**
 * The recount where numbers are large, and where the plan is not the default one.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import type { Definition, ParametersDefinition } from '../../../src/pipeline/definition.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { decodeUtf8 } from '../../../src/verify/readers/decode-utf8.ts'
import { recount, type Recount } from '../../../src/verify/recount.ts'
import { growth } from '../../support/count-steps.ts'

const BASE_MS = Date.parse('2026-01-01T10:00:00Z')
const encoder = new TextEncoder()

const impression = (id: string, timeMs: number, more = ''): Uint8Array =>
  encoder.encode(`{"impression_id":"${id}","campaign_id":"c1","event_timestamp":${timeMs}${more}}`)
const click = (id: string, impressionId: string, timeMs: number): Uint8Array =>
  encoder.encode(`{"click_id":"${id}","impression_id":"${impressionId}","event_timestamp":${timeMs}}`)

function planWith(parameters: ParametersDefinition): Plan {
  return freezePlan({ ...adPipeline, parameters: { ...adPipeline.parameters, ...parameters } })
}

function run(plan: Plan, impressions: Iterable<Uint8Array>, clicks: Iterable<Uint8Array> = []): Recount {
  const partitions = [
    { stream: 'impressions', name: 'i', lines: impressions },
    { stream: 'clicks', name: 'c', lines: clicks },
  ] as const
  return recount(plan, partitions, decodeUtf8)
}

function* numbered(count: number, line: (i: number) => Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield line(i)
}

describe('recount', () => {
  it('is held to steps that would tell: searching all that came before is no work in proportion', () => {
    const search = (count: number): void => {
      const seen: number[] = []
      for (let i = 0; i < count; i++) if (!seen.some((other) => other === i)) seen.push(i)
    }
    assert.ok(growth(search, 2_000) > 3.9)
  })

  it('takes many clicks on one impression in its stride, also when each is earlier than the one before', () => {
    const plan = planWith({ outOfOrderness: '1h' })
    const attribute = (count: number): void => {
      const { totals } = run(
        plan,
        [impression('hot', BASE_MS)],
        numbered(count, (i) => click(`k${i}`, 'hot', BASE_MS + count - i)),
      )
      assert.equal(totals.clicks.classes.counted, 1)
      assert.equal(totals.clicks.classes.repeat, count - 1)
    }
    attribute(50_000)
    assert.ok(growth(attribute, 2_000) < 2.1)
  })

  it('takes many events of one id in its stride, also when each is earlier than the one before', () => {
    const plan = planWith({
      outOfOrderness: '2h',
      allowedLateness: '0s',
      attributionWindow: '1ms',
      clockSkewTolerance: '0s',
    })
    const deduplicate = (count: number): void => {
      const { totals } = run(
        plan,
        numbered(count, (i) => impression('hot', BASE_MS + 2 * (count - i) - (i % 2))),
      )
      // The first stands alone; then pairs at a distance of 1 ms, 3 ms from one pair to the next, and a last one alone.
      assert.equal(totals.impressions.classes.counted, count / 2 + 1)
      assert.equal(totals.impressions.classes.duplicate, count / 2 - 1)
    }
    deduplicate(50_000)
    assert.ok(growth(deduplicate, 2_000) < 2.1)
  })

  it('Y3 of tally: sums beyond what a double holds exactly', () => {
    const count = 10_000
    const { tables } = run(
      planWith({}),
      numbered(count, (i) => impression(`i${i}`, BASE_MS, `,"cost":999999.999999`)),
    )
    assert.equal(tables.get('ctr_by_campaign')?.[0]?.[6], '9999999999.990000')
  })

  it('has every table of a plan, also without any event', () => {
    const { tables, totals } = run(planWith({}), [])
    assert.deepEqual([...tables.values()].flat(), [])
    assert.deepEqual(
      [...tables.keys()],
      ['ctr_by_campaign', 'engagement_by_device', 'performance', 'clicks_by_minute', 'ledger'],
    )
    assert.equal(totals.impressions.read, 0)
  })

  it('follows the plan: its tables, dimensions, measures, ratios, axes, windows and names', () => {
    const definition: Definition = {
      ...adPipeline,
      parameters: { ...adPipeline.parameters, windowSize: '1h' },
      dimensions: { land: { field: 'country', missing: 'nowhere' }, campaign_id: {} },
      measures: {
        ...adPipeline.measures,
        ecpm: { ratio: ['spend', 'impressions'], scale: 1000 },
        cpc: { ratio: ['spend', 'clicks'] },
      },
      tables: {
        whole: { dimensions: [], measures: ['ecpm', 'cpc', 'clicks'] },
        by_land: { dimensions: ['campaign_id', 'land'], measures: ['impressions', 'ctr'] },
        clicked: { dimensions: ['land'], measures: ['clicks'], minuteOf: 'click' },
      },
      ledger: 'books',
    }
    const { tables } = run(
      freezePlan(definition),
      [
        impression('i1', BASE_MS + 3_599_000, ',"country":"AT","cost":0.003'),
        impression('i2', BASE_MS + 3_599_000, ',"cost":0.001'),
        impression('i3', BASE_MS + 3_600_000, ',"country":"AT"'),
      ],
      [click('k1', 'i1', BASE_MS + 3_601_000)],
    )
    const ten = ['2026-01-01T10:00:00.000Z', '2026-01-01T11:00:00.000Z']
    const eleven = ['2026-01-01T11:00:00.000Z', '2026-01-01T12:00:00.000Z']
    assert.deepEqual(Object.fromEntries(tables), {
      whole: [
        [...ten, '2', '0.004', '1', 'true'],
        [...eleven, '0', '', '0', 'true'],
      ],
      by_land: [
        ['c1', 'AT', ...ten, '1', '1', 'true'],
        ['c1', 'nowhere', ...ten, '1', '0', 'true'],
        ['c1', 'AT', ...eleven, '1', '0', 'true'],
      ],
      clicked: [['AT', ...eleven, '1', 'true']],
      books: [
        ['impressions', ten[0], 'counted', '2'],
        ['clicks', eleven[0], 'counted', '1'],
        ['impressions', eleven[0], 'counted', '1'],
      ],
    })
  })
})
