import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROBLEM_CODES } from '../../../src/pipeline/check/problem.ts'
import { checkDefinition, planOf } from '../../../src/pipeline/validate.ts'
import { REFERENCES } from './refused/references.ts'
import { ads, table } from './refused/refused-case.ts'
import { SHAPES } from './refused/shapes.ts'
import { TABLES } from './refused/tables.ts'
import { VALUES } from './refused/values.ts'

const CASES = [...SHAPES, ...VALUES, ...REFERENCES, ...TABLES]

for (const { name, definition, problems } of CASES) {
  test(`refuses ${name}`, () => {
    const checked = checkDefinition(definition)
    assert.deepEqual(checked, { ok: false, problems })
  })
}

test('every code has a case', () => {
  const seen = new Set(CASES.flatMap((one) => one.problems.map((problem) => problem.code)))
  assert.deepEqual(
    PROBLEM_CODES.filter((code) => !seen.has(code)),
    [],
  )
})

test('V1: reports everything at once, whatever else is broken', () => {
  const checked = checkDefinition({
    extends: 'adz',
    nmae: 'x',
    streams: { clicks: { topic: 5, idField: 'clik_id' } },
    parameters: { windowSize: '7m', idleTimeout: 'soon' },
    dimensions: { browser: null, contry: 'x' },
    measures: { ctr: { ratio: ['clicks', 'views'] } },
    tables: { mine: { dimensions: ['country', 7], measures: 'clicks' } },
  })
  assert.equal(checked.ok, false)
  const found = checked.ok ? [] : checked.problems.map(({ path, code }) => `${path} ${code}`).toSorted()
  assert.deepEqual(found, [
    'dimensions.contry WRONG_TYPE',
    'extends UNKNOWN_BASE',
    'measures.ctr.ratio[1] UNKNOWN_MEASURE',
    'nmae UNKNOWN_KEY',
    'parameters.idleTimeout BAD_DURATION',
    'parameters.windowSize OUT_OF_RANGE',
    'streams.clicks.idField UNKNOWN_FIELD',
    'streams.clicks.topic WRONG_TYPE',
    'tables.mine.dimensions[0] UNKNOWN_DIMENSION',
    'tables.mine.dimensions[1] WRONG_TYPE',
    'tables.mine.measures WRONG_TYPE',
    'tables.performance.dimensions[2] REMOVED_BUT_USED',
  ])
})

test('accepts what is at the edge of a range', () => {
  const definition = ads({
    parameters: { windowSize: '1d', attributionWindow: '1ms', clockSkewTolerance: '1ms', outOfOrderness: '0s' },
    dimensions: { [`d${'x'.repeat(62)}`]: { label: '你'.repeat(100), missing: 'x'.repeat(512) } },
    tables: { total: { dimensions: [], measures: ['ctr'] } },
  })
  const checked = checkDefinition(definition)
  assert.deepEqual(checked.ok ? [] : checked.problems, [])
})

test('refuses the same just past the edge', () => {
  const definition = ads({
    parameters: { windowSize: '2d', clockSkewTolerance: '1800001ms', outOfOrderness: '367d' },
    dimensions: { [`d${'x'.repeat(63)}`]: { label: '你'.repeat(101), missing: 'x'.repeat(513) } },
  })
  const checked = checkDefinition(definition)
  assert.equal(checked.ok ? 0 : checked.problems.length, 6)
})

test('planOf throws one error that holds every problem, as text and as data', () => {
  assert.throws(
    () => planOf(table({ dimensions: ['contry'], measures: [] }), 'mine.json'),
    (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error && 'problems' in error)
      assert.equal(error.code, 'DEFINITION_INVALID')
      assert.ok(Array.isArray(error.problems) && error.problems.length === 2)
      assert.equal(
        error.message,
        [
          'mine.json has 2 problems.',
          '',
          'tables.mine.dimensions[0]  UNKNOWN_DIMENSION',
          '  There is no dimension "contry" to use here.',
          '  given:   "contry"',
          '  allowed: campaign_id, device_type, browser',
          '',
          'tables.mine.measures  EMPTY',
          '  A table has at least one measure.',
          '  given:   []',
          '  allowed: impressions, clicks, ctr, spend',
          '',
        ].join('\n'),
      )
      return true
    },
  )
})
