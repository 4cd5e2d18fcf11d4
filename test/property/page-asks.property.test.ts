/**
 * For any sound definition: what the page asks for by itself is taken by the server, and answered by tables that are
 * there. Else the page would show numbers that nobody renews.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { viewQueryOf } from '../../dashboard/src/model/view-question.ts'
import { defaultState } from '../../dashboard/src/model/page-state.ts'
import { planPage } from '../../src/pipeline/page.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { checkView } from '../../src/query/check-view.ts'
import { coveringTable } from '../../src/query/coverage.ts'
import { viewMeasures } from '../../src/query/view-measures.ts'
import { checkProperty } from '../support/check-property.ts'
import { soundDefinitions } from '../support/definitions.ts'

const FILE = 'test/property/page-asks.property.test.ts'

/** What no table answers of the first question of a plan's page. */
function unanswered(plan: Plan): readonly string[] {
  const page = planPage(plan)
  const query = viewQueryOf(page, defaultState(page, 'UTC'), '')
  assert.deepEqual(checkView(plan, query), query)
  const asked = [
    ...query.series.map(({ axis, split }) => ({ axis, dimensions: split === null ? [] : [split] })),
    ...query.ranks.map(({ dimension }) => ({ axis: query.axis, dimensions: [dimension] })),
  ]
  return asked
    .filter(({ axis, dimensions }) => coveringTable(plan, axis, dimensions) === undefined)
    .map(({ axis, dimensions }) => `${dimensions.join()} on ${axis}`)
}

/** Whether any view at all can be answered. */
const answers = (plan: Plan): boolean =>
  coveringTable(plan, 'impression', []) !== undefined &&
  viewMeasures(plan).some(({ axes }) => axes.includes('impression'))

test('the page asks for nothing that no table answers, under any definition', () => {
  checkProperty(
    fc.property(soundDefinitions, (definition) => {
      const plan = planOf(definition)
      if (answers(plan)) assert.deepEqual(unanswered(plan), [])
    }),
    2_000,
    FILE,
  )
})

test('control: some definitions have dimensions that no table answers for, most have others', () => {
  const plans = fc.sample(soundDefinitions, { numRuns: 400, seed: 7 }).map((definition) => planOf(definition))
  const answering = plans.filter(answers)
  assert.ok(answering.length > 100, `${answering.length} of ${plans.length}`)
  const holdsSilent = answering.filter((plan) => planPage(plan).silentTables.length > 0)
  assert.ok(holdsSilent.length > 20, `${holdsSilent.length} with a table that answers nothing`)
})
