/**
 * What two plans differ in, in words: everything that makes their hashes differ is named.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { planChanges } from '../../../src/pipeline/plan-changes.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'

const plan = freezePlan(adPipeline)

/** The plan as a database gives it back. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('changes of a plan', () => {
  it('are none between equal plans', () => assert.deepEqual(planChanges(stored(plan), plan), []))

  it('name parameters, dimensions, measures, tables and fields', () => {
    const after = freezePlan({
      ...adPipeline,
      parameters: { attributionWindow: '45m' },
      dimensions: { campaign_id: { field: 'campaign_id', label: 'Ad' }, country: { field: 'country' } },
      measures: { ...adPipeline.measures, ecpm: { ratio: ['spend', 'impressions'], scale: 1_000 } },
      tables: { by_country: { dimensions: ['country'], measures: ['clicks'] } },
    })
    const changes = planChanges(stored(plan), after)
    const expected = [
      'parameter attributionWindow was 30m and is 45m',
      'dimension browser is gone',
      'dimension country is new',
      'measure ecpm is new',
      'table performance is gone',
      'table by_country is new',
      'field of impressions country is new',
    ]
    for (const change of expected) assert.ok(changes.includes(change), `${change} is not in: ${changes.join('; ')}`)
    assert.ok(changes.some((change) => /^dimension campaign_id: label was ".*" and is "Ad"$/.test(change)))
  })

  it('name an order, a column and a plan of another form', () => {
    const reversed: Plan = { ...plan, measures: plan.measures.toReversed() }
    assert.deepEqual(planChanges(stored(reversed), plan), ['measures are in another order'])
    const [column] = plan.ledger.columns
    assert.ok(column)
    const narrower: Plan = { ...plan, ledger: { ...plan.ledger, columns: [column] } }
    assert.match(planChanges(stored(narrower), plan).join(), /^ledger columns was \(stream text\) and is \(/)
    assert.ok(planChanges(stored({ ...plan, formatVersion: 9 }), plan).includes('plan formatVersion was 9 and is 1'))
    assert.deepEqual(planChanges(stored({ ...plan, extra: {} }), plan), ['the plan as a whole'])
    assert.ok(planChanges('what is this', plan).length > 0)
  })
})
