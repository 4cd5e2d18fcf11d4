import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planHash } from '../../../src/pipeline/plan-hash.ts'
import { checkDefinition, planOf } from '../../../src/pipeline/validate.ts'

const sourcesOf = (sources: unknown): unknown => planOf({ extends: 'ads', sources }).sources

function problemsOf(sources: unknown): readonly string[] {
  const checked = checkDefinition({ extends: 'ads', sources })
  return checked.ok ? [] : checked.problems.map(({ path, code }) => `${path} ${code}`)
}

describe('the sources of a definition', () => {
  test('are HTTP where none is named', () => {
    assert.deepEqual(planOf({ extends: 'ads' }).sources, [{ name: 'http', kind: 'http' }])
  })

  test('may be files beside or in place of HTTP', () => {
    const logs = { kind: 'files', stream: 'clicks', path: 'logs/clicks' }
    assert.deepEqual(sourcesOf({ logs }), [
      { name: 'http', kind: 'http' },
      { name: 'logs', ...logs },
    ])
    assert.deepEqual(sourcesOf({ http: null, logs }), [{ name: 'logs', ...logs }])
  })

  test('leave the hash of the plan as it is, since no number depends on them', () => {
    const logs = { kind: 'files', stream: 'clicks', path: 'logs/clicks' }
    assert.equal(planHash(planOf({ extends: 'ads', sources: { logs } })), planHash(planOf({ extends: 'ads' })))
    assert.notEqual(planHash(planOf({ extends: 'ads', ledger: 'books' })), planHash(planOf({ extends: 'ads' })))
  })

  test('are told all that is wrong with them at once', () => {
    const problems = problemsOf({
      http: { kind: 'http', path: 'x' },
      second: { kind: 'http' },
      Bad: { kind: 'files', stream: 'clicks', path: 'a' },
      bare: { kind: 'files' },
      odd: { kind: 'kafka' },
      empty: { kind: 'files', stream: 'views', path: '' },
    })
    for (const expected of [
      'sources.http.path WRONG_SOURCE',
      'sources.second REPEATED',
      'sources.Bad BAD_NAME',
      'sources.bare.stream MISSING_KEY',
      'sources.bare.path MISSING_KEY',
      'sources.odd.kind NOT_ALLOWED',
      'sources.empty.stream NOT_ALLOWED',
      'sources.empty.path BAD_TEXT',
    ])
      assert.ok(problems.includes(expected), `${expected} is not among ${problems.join(', ')}`)
  })

  test('must be at least one', () => {
    assert.deepEqual(problemsOf({ http: null }), ['sources EMPTY'])
  })
})
