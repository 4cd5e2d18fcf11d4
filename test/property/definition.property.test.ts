/**
 * Whatever comes in as a definition, `checkDefinition` gives a plan or problems, and a plan is what `plan.ts` promises.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { PROBLEM_CODES, type Problem } from '../../src/pipeline/check/problem.ts'
import { planHash } from '../../src/pipeline/plan-hash.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { checkDefinition } from '../../src/pipeline/validate.ts'
import { checkProperty } from '../support/check-property.ts'
import { soundDefinitions } from '../support/definitions.ts'

const FILE = 'test/property/definition.property.test.ts'

const name = fc.constantFrom(
  'campaign_id',
  'device_type',
  'browser',
  'country',
  'impressions',
  'clicks',
  'ctr',
  'spend',
)
const junk = fc.jsonValue({ maxDepth: 3 })
const orJunk = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary }, { weight: 1, arbitrary: junk })
const namesList = fc.uniqueArray(name, { maxLength: 4 })

/** Definitions that are nearly right. */
const nearly: fc.Arbitrary<unknown> = fc.record(
  {
    extends: orJunk(fc.constant('ads')),
    name: orJunk(fc.constantFrom('ads', 'my_ads', 'My Ads')),
    ledger: orJunk(fc.constantFrom('ledger', 'accounts', 'performance', null)),
    parameters: orJunk(
      fc.dictionary(
        fc.constantFrom(...Object.keys(adPipeline.parameters ?? {}), 'windowsize'),
        orJunk(fc.constantFrom('1s', '1m', '0s', '30m', '1h', '366d', '7m', null)),
      ),
    ),
    streams: orJunk(
      fc.record(
        {
          impressions: fc.record(
            {
              topic: fc.constantFrom('views', 'ad-clicks'),
              fields: fc.dictionary(name, orJunk(fc.constantFrom('text', 'money', 'id', null))),
            },
            { requiredKeys: [] },
          ),
          clicks: fc.record({ impressionIdField: fc.constantFrom('click_id', 'impression_id') }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
    ),
    dimensions: orJunk(
      fc.dictionary(
        name,
        orJunk(fc.record({ field: name, label: fc.string(), missing: fc.string() }, { requiredKeys: [] })),
        {
          maxKeys: 3,
        },
      ),
    ),
    measures: orJunk(
      fc.dictionary(
        fc.constantFrom('views', 'taps', 'rate', 'cost_sum', 'ctr', 'browser'),
        orJunk(
          fc.oneof(
            fc.record({ count: fc.constantFrom('impressions', 'clicks') }),
            fc.record({ sum: fc.constantFrom('cost', 'user_id') }),
            fc.record({ ratio: fc.tuple(name, name), scale: fc.constantFrom(1, 1000, -1) }),
          ),
        ),
        { maxKeys: 3 },
      ),
    ),
    tables: orJunk(
      fc.dictionary(
        fc.constantFrom('a', 'b', 'performance', 'ledger', 'clicks_by_minute'),
        orJunk(
          fc.record({ dimensions: namesList, measures: namesList, minuteOf: fc.constantFrom('impression', 'click') }),
        ),
        { maxKeys: 3 },
      ),
    ),
  },
  { requiredKeys: ['extends'] },
)

function assertDeeplyFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  assert.ok(Object.isFrozen(value))
  Object.values(value).forEach(assertDeeplyFrozen)
}

function assertPlan(plan: Plan): void {
  const copy = JSON.parse(JSON.stringify(plan)) as Plan
  assert.deepEqual(copy, plan)
  assert.equal(planHash(copy), planHash(plan))
  assertDeeplyFrozen(plan)
  const dimensions = new Set(plan.dimensions.map((dimension) => dimension.name))
  const measures = new Set(plan.measures.map((measure) => measure.name))
  for (const table of plan.tables) {
    assert.ok(table.dimensions.every((dimension) => dimensions.has(dimension)))
    assert.ok(table.measures.length > 0 && table.measures.every((measure) => measures.has(measure)))
    const columns = table.columns.map((column) => column.name)
    assert.equal(new Set(columns).size, columns.length)
  }
  const fields = new Map(plan.streams.impressions.fields.map((field) => [field.name, field.type]))
  assert.ok(plan.dimensions.every((dimension) => fields.get(dimension.field) === 'text'))
}

function assertProblems(problems: readonly Problem[]): void {
  assert.ok(problems.length > 0)
  for (const problem of problems) {
    assert.ok(PROBLEM_CODES.includes(problem.code))
    assert.ok(problem.message.length > 0 && problem.given.length <= 120)
    assert.deepEqual(JSON.parse(JSON.stringify(problem)), problem)
    if (problem.suggestion !== undefined) assert.ok(problem.allowed?.includes(problem.suggestion))
  }
}

function assertChecked(input: unknown): void {
  const before = JSON.stringify(input)
  const checked = checkDefinition(input)
  if (checked.ok) assertPlan(checked.plan)
  else assertProblems(checked.problems)
  assert.equal(JSON.stringify(input), before)
}

test('any JSON value gives a plan or problems, never a throw', () => {
  checkProperty(fc.property(fc.jsonValue({ maxDepth: 5 }), assertChecked), 500, FILE)
})

test('V2: any JavaScript value gives a plan or problems, never a throw', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  })
  checkProperty(
    fc.property(
      fc.dictionary(fc.constantFrom('extends', 'streams', 'tables', 'measures', 'name'), anything),
      (input) => {
        const checked = checkDefinition(input)
        if (!checked.ok) assertProblems(checked.problems)
      },
    ),
    500,
    FILE,
  )
})

test('a definition that is nearly right gives a plan or problems, never a throw', () => {
  checkProperty(fc.property(nearly, assertChecked), 1_500, FILE)
})

test('V3: a sound definition gives a plan', () => {
  checkProperty(
    fc.property(soundDefinitions, (input) => {
      const checked = checkDefinition(input)
      assert.ok(checked.ok, checked.ok ? '' : JSON.stringify(checked.problems))
      assertPlan(checked.plan)
    }),
    300,
    FILE,
  )
})

test('control: nearly right definitions are right at times and wrong at times', () => {
  const verdicts = fc.sample(nearly, { numRuns: 500, seed: 7 }).map((input) => checkDefinition(input).ok)
  assert.ok(verdicts.includes(true) && verdicts.includes(false))
})
