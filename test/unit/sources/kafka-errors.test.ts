/**
 * What the client says becomes an error with one way out: what passes is told from what no try can mend.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessOf } from '../../../src/sources/kafka/access.ts'
import { gapError } from '../../../src/sources/kafka/kafka-errors.ts'
import { connectionError } from '../../../src/sinks/kafka/connection-error.ts'
import type { KafkaSourcePlan } from '../../../src/pipeline/plan.ts'

const coded = (message: string, code: string, cause?: Error): Error =>
  Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code })

for (const [name, cause, code, fix] of [
  [
    'a certificate',
    coded('failed', 'X', coded('self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT')),
    'KAFKA_REFUSED',
    /caFile/,
  ],
  [
    'a host name',
    coded('failed', 'X', coded('altnames', 'ERR_TLS_CERT_ALTNAME_INVALID')),
    'KAFKA_REFUSED',
    /advertised\.listeners/,
  ],
  ['TLS missing', new Error('Broker requires TLS.'), 'KAFKA_REFUSED', /"tls": \{\}/],
  ['a password', coded('SASL authentication failed.', 'PLT_KFK_AUTHENTICATION'), 'KAFKA_REFUSED', /passwordEnv/],
  ['nobody there', coded('failed', 'X', coded('connect ECONNREFUSED', 'ECONNREFUSED')), 'KAFKA_UNAVAILABLE', /address/],
  ['a broker that hangs up', new Error('Connection closed'), 'KAFKA_UNAVAILABLE', /"tls" and "sasl"/],
  ['many at once', new AggregateError([coded('refused', 'ECONNREFUSED')]), 'KAFKA_UNAVAILABLE', /address/],
] as const) {
  test(`an error about ${name}`, () => {
    const error = connectionError('a:9092', cause)
    assert.equal(error.code, code)
    assert.equal(error.retryable, code === 'KAFKA_UNAVAILABLE')
    assert.match(error.fix ?? '', fix)
  })
}

test('a gap names the offsets that are lost', () => {
  const gap = { topic: 'ad-clicks', partition: 3, from: 10, reason: 'retention' }
  assert.match(gapError({ ...gap, to: 25 }).message, /ad-clicks-3: offsets 10 to 24 \(15 records at most\)/)
  assert.match(gapError({ ...gap, to: undefined }).message, /from offset 10 on/)
})

test('a password comes from the environment, and its absence is told by the name of the variable', () => {
  const topics = { impressions: 'i', clicks: 'c' }
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'me', passwordEnv: 'KAFKA_PASSWORD' }
  const source: KafkaSourcePlan = { name: 'kafka', kind: 'kafka', brokers: 'a:1', topics, startFrom: 'earliest', sasl }
  assert.deepEqual(accessOf(source, { KAFKA_PASSWORD: 'secret' }).sasl, {
    mechanism: 'SCRAM-SHA-512',
    username: 'me',
    password: 'secret',
  })
  assert.throws(() => accessOf(source, {}), /KAFKA_PASSWORD holds no password/)
})

test('a certificate that cannot be read is told with its place in the definition', () => {
  const topics = { impressions: 'i', clicks: 'c' }
  const source: KafkaSourcePlan = {
    name: 'kafka',
    kind: 'kafka',
    brokers: 'a:1',
    topics,
    startFrom: 'earliest',
    tls: { caFile: 'nowhere.pem' },
  }
  assert.throws(() => accessOf(source, {}), /nowhere\.pem cannot be read/)
})
