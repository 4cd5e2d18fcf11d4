/**
 * Names of the tables beside those of a plan: O1.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { planOf } from '../../../src/pipeline/validate.ts'
import { coarseTables } from '../../../src/query/coarse-tables.ts'
import { earlySets, earlyTableNames } from '../../../src/query/early-tables.ts'
import { narrowTables } from '../../../src/query/narrow-tables.ts'

type Tables = Readonly<Record<string, readonly string[]>>

/**
 * A plan with these tables as well, by the minute of the impression and of the click, and with the dimensions they
 * name.
 */
function planWith(tables: Tables, minuteOf: 'impression' | 'click'): Plan {
  const measures = minuteOf === 'click' ? ['clicks'] : ['impressions', 'clicks', 'spend']
  return planOf({
    extends: 'ads',
    dimensions: Object.fromEntries([...new Set(Object.values(tables).flat())].map((name) => [name, { label: name }])),
    tables: Object.fromEntries(
      Object.entries(tables).map(([name, dimensions]) => [name, { minuteOf, dimensions, measures }]),
    ),
  })
}

function namesOf(plan: Plan): { coarse: string[]; narrow: string[]; early: string[] } {
  return {
    coarse: coarseTables(plan).map(({ name }) => name),
    narrow: narrowTables(plan).map(({ name }) => name),
    early: earlySets(plan).flatMap(earlyTableNames),
  }
}

const AMBIGUOUS: readonly (readonly [what: string, tables: Tables])[] = [
  ['a pair and a single dimension', { clicks_wide: ['ad', 'group', 'ad_group'] }],
  ['dimensions of two tables', { wide: ['by_y_by_z', 'm', 'n'], wide_by_by_y: ['z', 'o', 'p'] }],
]

describe('names of tables beside those of a plan', () => {
  for (const [what, tables] of AMBIGUOUS)
    for (const minuteOf of ['impression', 'click'] as const)
      it(`O1: are of one table each: ${what}, by the minute of the ${minuteOf}`, () => {
        const { coarse, narrow, early } = namesOf(planWith(tables, minuteOf))
        const names = [...coarse, ...narrow, ...early]
        assert.deepEqual(
          names.filter((name, index) => names.indexOf(name) !== index || name.length > 63),
          [],
        )
        assert.ok(coarse.some((name) => name.startsWith('tidemark_cells_5m_clicks_by_minute')))
      })

  it('control: other names are left as they are put together', () => {
    const { coarse, early } = namesOf(planWith({ clicks_wide: ['ad', 'team', 'set'] }, 'click'))
    assert.ok(coarse.includes('tidemark_cells_5m_clicks_wide_by_ad_team'))
    assert.ok(early.includes('tidemark_early_5m_clicks_wide_by_ad_team'))
  })
})
