import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { explainPlan } from '../../../src/pipeline/explain.ts'
import { canonicalJson, planHash } from '../../../src/pipeline/plan-hash.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { planOf } from '../../../src/pipeline/validate.ts'

const adPlan = planOf(adPipeline)

/** The plan of the ad pipeline with changes. */
const changed = (changes: object): Plan => planOf({ extends: 'ads', ...changes })

const namesOf = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name)

// Data folders and checkpoints written by earlier versions carry this hash: a change here asks for a migration.
test('H1: the plan of the ad pipeline has its pinned hash', () => {
  assert.equal(planHash(adPlan), '64eb344516a2a86422e8697e4fa87f0fd611fe2df13dddfd9b70d3adfe4e7075')
})

test('the tables are those of SEMANTICS', () => {
  const columns = adPlan.tables.map((table) => [
    table.name,
    namesOf(table.columns).join(' '),
    table.primaryKey.join(' '),
  ])
  assert.deepEqual(columns, [
    [
      'ctr_by_campaign',
      'campaign_id window_start window_end impressions clicks ctr spend is_final updated_at',
      'window_start campaign_id',
    ],
    [
      'engagement_by_device',
      'device_type window_start window_end impressions clicks ctr spend is_final updated_at',
      'window_start device_type',
    ],
    [
      'performance',
      'campaign_id device_type browser window_start window_end impressions clicks spend is_final updated_at',
      'window_start campaign_id device_type browser',
    ],
    [
      'clicks_by_minute',
      'campaign_id device_type window_start window_end clicks is_final updated_at',
      'window_start campaign_id device_type',
    ],
  ])
  assert.deepEqual(namesOf(adPlan.ledger.columns), ['stream', 'window_start', 'class', 'events', 'updated_at'])
})

test('the parameters are those of SEMANTICS', () => {
  assert.deepEqual(adPlan.parameters, {
    windowSizeMs: 60_000,
    attributionWindowMs: 1_800_000,
    clockSkewToleranceMs: 1_000,
    outOfOrdernessMs: 5_000,
    allowedLatenessMs: 300_000,
    idleTimeoutMs: 10_000,
    maxFutureSkewMs: 300_000,
  })
})

test('P1: a plan survives JSON, hash and all', () => {
  const copy = JSON.parse(JSON.stringify(adPlan)) as Plan
  assert.deepEqual(copy, adPlan)
  assert.equal(planHash(copy), planHash(adPlan))
})

test('P1: a plan is frozen and its definition is not', () => {
  const definition = structuredClone(adPipeline)
  const plan = planOf(definition)
  assert.throws(() => Object.assign(plan.parameters, { windowSizeMs: 1 }), TypeError)
  assert.throws(() => Object.assign(plan.tables[0]?.columns[0] ?? {}, { name: 'x' }), TypeError)
  Object.assign(definition.parameters ?? {}, { windowSize: '1h' })
  assert.equal(plan.parameters.windowSizeMs, 60_000)
})

test('H2: the hash knows the order of lists and not the order of keys', () => {
  const { name, ...rest } = adPlan
  assert.equal(planHash({ ...rest, name }), planHash(adPlan))
  assert.notEqual(planHash({ ...adPlan, tables: adPlan.tables.toReversed() }), planHash(adPlan))
  assert.notEqual(planHash({ ...adPlan, measures: adPlan.measures.toReversed() }), planHash(adPlan))
})

test('H2: everything in a plan counts for its hash', () => {
  const plans = [
    adPlan,
    changed({ name: 'other' }),
    changed({ ledger: 'accounts' }),
    changed({ parameters: { idleTimeout: '11s' } }),
    changed({ dimensions: { browser: { label: 'B' } } }),
    changed({ dimensions: { browser: { missing: 'none' } } }),
    changed({ measures: { ctr: { scale: 100 } } }),
    changed({ streams: { clicks: { topic: 'clicks' } } }),
    changed({ streams: { clicks: { fields: { user_id: null } } } }),
    changed({ tables: { clicks_by_minute: { minuteOf: 'impression' } } }),
  ]
  assert.equal(new Set(plans.map(planHash)).size, plans.length)
})

test('canonical JSON sorts keys at every depth and nothing else', () => {
  assert.equal(canonicalJson({ b: [2, 1, { z: null, a: 'ü"' }], a: 1.5 }), '{"a":1.5,"b":[2,1,{"a":"ü\\"","z":null}]}')
})

test('X1 of extend: extending with nothing changes nothing', () => {
  assert.equal(planHash(changed({})), planHash(adPlan))
})

test('a dimension is added by its name alone, and its field with it', () => {
  const plan = changed({ dimensions: { country: {} } })
  assert.deepEqual(plan.dimensions.at(-1), {
    name: 'country',
    field: 'country',
    label: 'Country',
    missing: 'unknown',
  })
  assert.deepEqual(plan.streams.impressions.fields.at(-1), { name: 'country', type: 'text', required: false })
  assert.deepEqual(plan.streams.clicks, adPlan.streams.clicks)
})

test('a dimension over a listed field adds none', () => {
  const plan = changed({ dimensions: { ad: { field: 'ad_id', label: 'Ad', missing: 'none' } } })
  assert.deepEqual(plan.streams, adPlan.streams)
  assert.deepEqual(plan.dimensions.at(-1), { name: 'ad', field: 'ad_id', label: 'Ad', missing: 'none' })
})

test('X2 and X5 of extend: null removes, what stays keeps its place, and what is new comes last', () => {
  const plan = changed({
    tables: {
      new_one: { dimensions: [], measures: ['clicks'] },
      ctr_by_campaign: null,
      performance: { measures: ['impressions'] },
    },
  })
  assert.deepEqual(namesOf(plan.tables), ['engagement_by_device', 'performance', 'clicks_by_minute', 'new_one'])
  assert.deepEqual(plan.tables[1]?.measures, ['impressions'])
  assert.deepEqual(plan.tables[1]?.dimensions, ['campaign_id', 'device_type', 'browser'])
})

test('a parameter removed is its default again', () => {
  assert.equal(changed({ parameters: { windowSize: null } }).parameters.windowSizeMs, 60_000)
})

test('X3 of extend: a measure that says its kind replaces the one it extends, and a label alone does not', () => {
  const replaced = changed({ measures: { spend: { count: 'clicks' } } })
  assert.deepEqual(replaced.measures.at(-1), { name: 'spend', label: 'Spend', kind: 'count', of: 'clicks' })
  const relabelled = changed({ measures: { spend: { label: 'Cost' } } })
  assert.deepEqual(relabelled.measures.at(-1), { name: 'spend', label: 'Cost', kind: 'sum', field: 'cost' })
})

test('the explanation shows every name of the plan', () => {
  const text = explainPlan(
    changed({ dimensions: { country: {} }, measures: { ecpm: { ratio: ['spend', 'impressions'], scale: 1000 } } }),
  )
  for (const words of [
    'country',
    '1000 × spend / impressions',
    'idleTimeout         10s',
    'ad-clicks',
    'Table ledger',
  ]) {
    assert.ok(text.includes(words), `${words} in\n${text}`)
  }
  assert.ok(text.includes('primary key (window_start, campaign_id, device_type, browser)'))
})
