/**
 * The dashboard of whole plans: kept golden files, byte-stable, sound for every definition.
 *
 * After a change that is meant, `TIDEMARK_GOLDEN=write` writes the files anew; they are reviewed like code.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { strFromU8, unzipSync } from 'fflate'
import { parse } from 'yaml'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { planOf } from '../../../src/pipeline/validate.ts'
import { bundleFiles, connectionFile, packBundle } from '../../../src/superset/bundle.ts'
import { grainOf } from '../../../src/superset/charts.ts'
import { DEFAULT_CONNECTION } from '../../../src/superset/connection.ts'
import { planDashboard } from '../../../src/superset/dashboard-plan.ts'
import { metricsOf } from '../../../src/superset/metrics.ts'
import { uuidOf } from '../../../src/superset/uuid.ts'
import { checkProperty } from '../../support/check-property.ts'
import { soundDefinitions } from '../../support/definitions.ts'

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden', 'superset-ads.txt')
const ads = planOf(adPipeline)

interface ChartDocument {
  readonly uuid: string
  readonly dataset_uuid: string
  readonly params: {
    readonly metric?: string
    readonly metrics?: readonly string[]
    readonly groupby?: readonly string[]
  }
}

interface DatasetDocument {
  readonly uuid: string
  readonly columns: readonly { readonly column_name: string }[]
  readonly metrics: readonly { readonly metric_name: string; readonly expression: string }[]
}

function documents(plan: Plan, folder: string): readonly unknown[] {
  const files = bundleFiles(plan, DEFAULT_CONNECTION).filter(([path]) => path.startsWith(`${folder}/`))
  return files.map(([, text]) => parse(text, { version: '1.1' }) as unknown)
}

function chartsOf(plan: Plan): readonly ChartDocument[] {
  return documents(plan, 'charts') as readonly ChartDocument[]
}

function datasetsOf(plan: Plan): readonly DatasetDocument[] {
  return documents(plan, 'datasets') as readonly DatasetDocument[]
}

describe('the Superset bundle', () => {
  it('of the ad pipeline', () => {
    const text = bundleFiles(ads, DEFAULT_CONNECTION)
      .map(([path, content]) => `=== ${path}\n${content}`)
      .join('')
    if (process.env['TIDEMARK_GOLDEN'] === 'write') writeFileSync(GOLDEN, text)
    assert.equal(text, readFileSync(GOLDEN, 'utf8'))
  })

  it('shows what the original shows, and more', () => {
    const shown = planDashboard(ads).charts.map(({ title, table }) => `${title} from ${table.name}`)
    assert.deepEqual(shown, [
      'Total CTR from ctr_by_campaign',
      'Impressions from ctr_by_campaign',
      'Device share from performance',
      'CTR per campaign from ctr_by_campaign',
      'Impressions per device from performance',
      'Click trends from clicks_by_minute',
      'Campaign ranking from ctr_by_campaign',
    ])
  })

  it('makes ratios of sums (M1)', () => {
    const table = ads.tables[0]
    assert.ok(table !== undefined)
    const expressions = Object.fromEntries(metricsOf(ads, table).map(({ label, expression }) => [label, expression]))
    assert.deepEqual(expressions, {
      Impressions: 'sum("impressions")',
      Clicks: 'sum("clicks")',
      CTR: 'sum("clicks")::double precision / nullif(sum("impressions"), 0)',
      Spend: 'sum("spend")',
      eCPM: '1000 * sum("spend")::double precision / nullif(sum("impressions"), 0)',
    })
  })

  it('packs the same bytes in every time zone, for a plan that went through JSON too (S1)', () => {
    const zone = process.env['TZ']
    const packed = ['UTC', 'Pacific/Auckland', 'America/St_Johns'].map((name) => {
      process.env['TZ'] = name
      return Buffer.from(packBundle(JSON.parse(JSON.stringify(ads)) as Plan, DEFAULT_CONNECTION)).toString('base64')
    })
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
    assert.equal(new Set(packed).size, 1)
  })

  it('holds its files under one top folder, and no password', () => {
    const files = unzipSync(packBundle(ads, DEFAULT_CONNECTION))
    const paths = Object.keys(files)
    assert.ok(paths.every((path) => path.startsWith('tidemark_ads/')))
    const connection = strFromU8(files[`tidemark_ads/${connectionFile(ads)}`] ?? new Uint8Array())
    assert.match(connection, /postgresql\+psycopg2:\/\/tidemark_reader:XXXXXXXXXX@127\.0\.0\.1:5432\/tidemark\n/)
  })

  it('control: another parameter that is shown gives another bundle', () => {
    const other = planOf({ extends: 'ads', parameters: { windowSize: '10s' } })
    assert.notDeepEqual(packBundle(other, DEFAULT_CONNECTION), packBundle(ads, DEFAULT_CONNECTION))
  })

  it('of every sound definition asks only for what its datasets have', () => {
    checkProperty(
      fc.property(soundDefinitions, (definition) => {
        const plan = planOf(definition)
        const datasets = new Map(datasetsOf(plan).map((one) => [one.uuid, one]))
        for (const { dataset_uuid, params } of chartsOf(plan)) {
          const dataset = datasets.get(dataset_uuid)
          assert.ok(dataset !== undefined)
          const metrics = dataset.metrics.map(({ metric_name }) => metric_name)
          const columns = dataset.columns.map(({ column_name }) => column_name)
          for (const name of [params.metric ?? [], params.metrics ?? []].flat()) assert.ok(metrics.includes(name))
          for (const name of params.groupby ?? []) assert.ok(columns.includes(name))
          assert.ok(!metrics.some((name) => columns.includes(name)), 'M2')
        }
        const uuids = [...datasets.keys(), ...chartsOf(plan).map(({ uuid }) => uuid)]
        assert.equal(new Set(uuids).size, uuids.length)
      }),
      40,
      'test/unit/superset/bundle.test.ts',
    )
  })

  it('names nothing that the plan does not name (S3)', () => {
    const root = join(import.meta.dirname, '..', '..', '..')
    const plan = planOf(JSON.parse(readFileSync(join(root, 'examples', 'minimal.json'), 'utf8')))
    const text = bundleFiles(plan, DEFAULT_CONNECTION).join('\n')
    for (const { name } of ads.tables) assert.ok(!text.includes(name))
  })
})

describe('identities', () => {
  it('are the same for the same name, and of the form of version 5 (S2)', () => {
    assert.equal(uuidOf('ads', 'chart', 'main'), uuidOf('ads', 'chart', 'main'))
    assert.match(uuidOf('ads', 'database'), /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    assert.notEqual(uuidOf('ads', 'database'), uuidOf('ads2', 'database'))
  })
})

describe('grains', () => {
  it('are the longest of which a window is a whole number', () => {
    const minute = 60_000
    const grains = [1_000, 7_000, 90_000, minute, 2 * minute, 15 * minute, 45 * minute, 86_400_000].map(grainOf)
    assert.deepEqual(grains, ['PT1S', 'PT1S', 'PT30S', 'PT1M', 'PT1M', 'PT15M', 'PT15M', 'P1D'])
    assert.equal(grainOf(500), null)
  })
})
