/**
 * The SQL of whole plans: kept golden files, byte-stable, sound for every definition.
 *
 * After a change that is meant, `TIDEMARK_GOLDEN=write` writes the files anew; they are reviewed like code.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { flinkScript, flinkStatements } from '../../../src/flink/flink-sql.ts'
import { DEFAULT_FLINK_SETTINGS } from '../../../src/flink/settings.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import type { Plan } from '../../../src/pipeline/plan.ts'
import { allTables } from '../../../src/pipeline/table-text.ts'
import { planOf } from '../../../src/pipeline/validate.ts'
import { checkProperty } from '../../support/check-property.ts'
import { soundDefinitions } from '../../support/definitions.ts'
import { sqlTokens } from '../../support/sql-tokens.ts'

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden')

/** One more dimension with a field that is no column, a table with another name, e > L, windows of a second. */
const changedPlan = planOf({
  extends: 'ads',
  name: 'by_country',
  parameters: { windowSize: '1s', clockSkewTolerance: '1m', allowedLateness: '5s' },
  dimensions: { country: { field: "pays d'origine", missing: "it's `gone`" } },
  measures: { ecpm: { ratio: ['spend', 'impressions'], scale: 1000 } },
  tables: {
    ctr_by_campaign: null,
    select: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks', 'ctr'] },
    ecpm_by_country: { dimensions: ['country'], measures: ['impressions', 'ecpm'] },
  },
})

function assertGolden(name: string, text: string): void {
  const file = join(GOLDEN, name)
  if (process.env['TIDEMARK_GOLDEN'] === 'write') writeFileSync(file, text)
  assert.equal(text, readFileSync(file, 'utf8'))
}

describe('Flink SQL', () => {
  it('of the ad pipeline', () => {
    assertGolden('flink-ads.sql', flinkScript(planOf(adPipeline), DEFAULT_FLINK_SETTINGS))
  })

  it('of a plan with another dimension, another table and e > L, for topics that end', () => {
    assertGolden('flink-by-country.sql', flinkScript(changedPlan, { ...DEFAULT_FLINK_SETTINGS, bounded: true }))
  })

  it('is the same for a plan that went through JSON (S1)', () => {
    const plan = planOf(adPipeline)
    const copy = JSON.parse(JSON.stringify(plan)) as Plan
    assert.equal(flinkScript(copy, DEFAULT_FLINK_SETTINGS), flinkScript(plan, DEFAULT_FLINK_SETTINGS))
  })

  it('control: another parameter gives other text', () => {
    const other = planOf({ extends: 'ads', parameters: { attributionWindow: '31m' } })
    assert.notEqual(flinkScript(other, DEFAULT_FLINK_SETTINGS), flinkScript(planOf(adPipeline), DEFAULT_FLINK_SETTINGS))
  })

  it('S3: of every sound definition is whole tokens, one insert for each table, all in one statement', () => {
    checkProperty(
      fc.property(soundDefinitions, fc.boolean(), (definition, bounded) => {
        const plan = planOf(definition)
        const settings = { ...DEFAULT_FLINK_SETTINGS, bounded, password: "o'clock`;--" }
        const words = sqlTokens(flinkScript(plan, settings)).map(({ text }) => text)
        assert.equal(words.filter((word) => word === 'INSERT').length, allTables(plan).length)
        assert.equal(words.filter((word) => word === 'EXECUTE').length, 1)
        assert.ok(words.includes(settings.password))
      }),
      100,
      'test/unit/flink/flink-sql.test.ts',
    )
  })

  it('refuses columns that are reserved words of PostgreSQL, and quotes those of Flink', () => {
    const named = (name: string): Plan =>
      planOf({
        extends: 'ads',
        dimensions: { [name]: {} },
        tables: { by_name: { dimensions: [name], measures: ['impressions'] } },
      })
    for (const name of ['order', 'user', 'group'])
      assert.throws(() => flinkScript(named(name), DEFAULT_FLINK_SETTINGS), {
        code: 'DEFINITION_INVALID',
        message: new RegExp(`"${name}" of by_name`),
      })
    assert.match(flinkScript(named('timestamp'), DEFAULT_FLINK_SETTINGS), /`timestamp` STRING/)
  })

  it('names nothing that the plan does not name (S2)', () => {
    const plan = planOf(JSON.parse(readFileSync(join(GOLDEN, '..', '..', 'examples', 'minimal.json'), 'utf8')))
    const text = flinkStatements(plan, DEFAULT_FLINK_SETTINGS)
      .map(({ sql }) => sql)
      .join('\n')
    for (const { name } of planOf(adPipeline).tables) assert.ok(!text.includes(name))
    for (const name of ['campaign_id', 'device_type', 'cost']) assert.ok(!text.includes(`text_${name}`))
  })
})
