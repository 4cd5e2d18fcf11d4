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

  test('may be the topics of a Kafka cluster, those of the streams unless named', () => {
    const kafka = { kind: 'kafka', brokers: 'a:9092,b:9092' }
    const plan = { name: 'kafka', ...kafka, startFrom: 'earliest' }
    const topics = { impressions: 'ad-impressions', clicks: 'ad-clicks' }
    assert.deepEqual(sourcesOf({ http: null, kafka }), [{ ...plan, topics }])
    assert.deepEqual(sourcesOf({ http: null, kafka: { ...kafka, topics: { clicks: 'x' }, startFrom: 'latest' } }), [
      { ...plan, startFrom: 'latest', topics: { ...topics, clicks: 'x' } },
    ])
    assert.deepEqual(sourcesOf({ http: null, kafka: { ...kafka, group: 'lag' } }), [{ ...plan, topics, group: 'lag' }])
    assert.deepEqual(problemsOf({ kafka, again: kafka }), ['sources.again REPEATED'])
  })

  test('may send what comes over HTTP into topics that are read, by the name of their source', () => {
    const kafka = { kind: 'kafka', brokers: 'a:9092' }
    const [http] = sourcesOf({ http: { kind: 'http', into: 'kafka' }, kafka }) as readonly unknown[]
    assert.deepEqual(http, { name: 'http', kind: 'http', into: 'kafka' })
    assert.deepEqual(problemsOf({ http: { kind: 'http', into: 'topics' }, kafka }), [
      'sources.http.into UNKNOWN_SOURCE',
    ])
    assert.deepEqual(problemsOf({ http: { kind: 'http', into: 'kafka' } }), ['sources.http.into UNKNOWN_SOURCE'])
    assert.deepEqual(problemsOf({ http: null, kafka: { ...kafka, into: 'kafka' } }), [
      'sources.kafka.into WRONG_SOURCE',
    ])
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
      odd: { kind: 'pulsar' },
      topics: { kind: 'kafka', path: 'x', tls: { certFile: 'a' }, brokers: 'here' },
      broker: { kind: 'kafka', startFrom: 'now' },
      half: { kind: 'kafka', brokers: 'a:9092', tls: { certFile: 'a' }, sasl: { mechanism: 'GSSAPI', username: 'a' } },
      empty: { kind: 'files', stream: 'views', path: '' },
    })
    for (const expected of [
      'sources.http.path WRONG_SOURCE',
      'sources.second REPEATED',
      'sources.Bad BAD_NAME',
      'sources.bare.stream MISSING_KEY',
      'sources.bare.path MISSING_KEY',
      'sources.odd.kind NOT_ALLOWED',
      'sources.topics.path WRONG_SOURCE',
      'sources.topics.brokers BAD_TEXT',
      'sources.broker.brokers MISSING_KEY',
      'sources.broker.startFrom NOT_ALLOWED',
      'sources.half.tls.keyFile MISSING_KEY',
      'sources.half.sasl.mechanism NOT_ALLOWED',
      'sources.half.sasl.passwordEnv MISSING_KEY',
      'sources.empty.stream NOT_ALLOWED',
      'sources.empty.path BAD_TEXT',
    ])
      assert.ok(problems.includes(expected), `${expected} is not among ${problems.join(', ')}`)
  })

  test('must be at least one', () => {
    assert.deepEqual(problemsOf({ http: null }), ['sources EMPTY'])
  })
})
