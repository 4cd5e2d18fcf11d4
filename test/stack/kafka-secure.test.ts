/**
 * A real broker that lets in only who it knows. With a password: every mechanism is let in with the right one, refused
 * with another, and `generate` writes with what the definition says. Over TLS: a broker is believed by its certificate
 * alone, and each thing that can be wrong ends with the error that says which. B3 and B4 of `broker-connection.ts`.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { planOf } from '../../src/pipeline/validate.ts'
import { TopicWriter } from '../../src/sinks/kafka/topic-writer.ts'
import { ensureTopics, type KafkaAccess } from '../../src/sinks/kafka/topics.ts'
import { accessOf } from '../../src/sources/kafka/access.ts'
import { BrokerConnection } from '../../src/sources/kafka/broker-connection.ts'
import { Cluster, type TopicInfo } from '../../src/sources/kafka/cluster.ts'
import { lastBatchOf } from '../../src/sources/kafka/record-batch.ts'
import { eventually } from '../support/eventually.ts'
import { runProgram } from '../support/run-program.ts'
import { SESSION_MS, startSecureKafka, type SecureKafka } from '../support/secure-kafka.ts'
import { stackMissing } from '../support/stack.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const LIMITS = { maxWaitMs: 200, bytes: 1 << 20, partitionBytes: 1 << 20 }
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
/** Sessions that have to end while someone reads or writes. */
const SESSIONS = 3

describe('a broker that lets in only who it knows', { skip: stackMissing({ jars: ['kafka'] }) }, () => {
  let kafka: SecureKafka
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-secure-test-'))
  before(async () => {
    kafka = await startSecureKafka()
    await eventually('it answers', async () => canRead(access(kafka.brokers, login('PLAIN'))), 120_000)
  })
  after(async () => {
    await kafka.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const login = (mechanism: string): object => ({
    sasl: { mechanism, username: kafka.username, passwordEnv: 'KAFKA_PASSWORD' },
  })
  const trusting = (caFile: string): object => ({ tls: { caFile } })

  function definition(brokers: string, settings: object): object {
    const topics = { impressions: 'renamed-impressions' }
    return { extends: 'ads', sources: { http: null, kafka: { kind: 'kafka', brokers, topics, ...settings } } }
  }

  /** How `run` reaches the brokers by a definition. */
  function access(brokers: string, settings: object, password = kafka.password): KafkaAccess {
    const [source] = planOf(definition(brokers, settings)).sources
    assert.ok(source?.kind === 'kafka')
    return accessOf(source, { KAFKA_PASSWORD: password })
  }

  async function canRead(by: KafkaAccess): Promise<boolean> {
    return reading(by).then(
      () => true,
      () => false,
    )
  }

  it('takes what generate writes as the definition says, and gives it to each mechanism, with TLS and without', async () => {
    const file = join(folder, 'definition.json')
    const settings = { ...login('SCRAM-SHA-512'), ...trusting(kafka.caFile) }
    writeFileSync(file, JSON.stringify(definition(kafka.tlsSaslBrokers, settings)))
    const to = ['--kafka', kafka.tlsSaslBrokers, '--events', '100', '--partitions', '1']
    const args = [MAIN, 'generate', '--definition', file, ...to]
    const env = { ...process.env, KAFKA_PASSWORD: kafka.password }
    const written = await runProgram(process.execPath, args, { env, timeoutMs: 120_000 })
    assert.equal(written.code, 0, written.stderr)
    for (const mechanism of MECHANISMS) {
      const ways = [
        access(kafka.brokers, login(mechanism)),
        access(kafka.tlsSaslBrokers, { ...login(mechanism), ...trusting(kafka.caFile) }),
      ]
      for (const way of ways) assert.ok((await firstBytes(way, 'renamed-impressions')) > 1_000, mechanism)
    }
    assert.ok((await firstBytes(access(kafka.tlsBrokers, trusting(kafka.caFile)), 'renamed-impressions')) > 1_000)
  })

  it('refuses another password, which no try can mend', async () => {
    for (const mechanism of MECHANISMS)
      for (const [brokers, more] of [
        [kafka.brokers, {}],
        [kafka.tlsSaslBrokers, trusting(kafka.caFile)],
      ] as const) {
        const by = access(brokers, { ...login(mechanism), ...more }, 'another')
        await assert.rejects(reading(by), refusal(/refuses the credentials/), mechanism)
      }
    const overTls = { ...login('SCRAM-SHA-512'), ...trusting(kafka.caFile) }
    await refused(access(kafka.tlsSaslBrokers, overTls, 'another'), /refuses the credentials/, 'over TLS')
  })

  it('B3: is not believed with the certificate of an authority that was not named, or for another host', async () => {
    await refused(access(kafka.tlsBrokers, trusting(kafka.otherCaFile)), /cannot be trusted/, 'another authority')
    await refused(access(kafka.tlsBrokers, { tls: {} }), /cannot be trusted/, 'a public authority')
    const byAddress = kafka.tlsBrokers.replace('localhost', '127.0.0.1')
    await refused(access(byAddress, trusting(kafka.caFile)), /the certificate of another host/, 'another host')
    assert.ok(await canRead(access(kafka.tlsBrokers, trusting(kafka.caFile))), 'control')
  })

  it('is told to speak TLS only, or not at all', async () => {
    for (const [brokers, settings] of [
      [kafka.tlsBrokers, {}],
      [kafka.tlsSaslBrokers, login('PLAIN')],
    ] as const)
      await assert.rejects(reading(access(brokers, settings)), { code: 'KAFKA_REFUSED', message: /speaks TLS only/ })
    const toPlain = access(kafka.brokers, { ...login('PLAIN'), ...trusting(kafka.caFile) })
    await assert.rejects(reading(toPlain), { code: 'KAFKA_UNAVAILABLE', fix: /"tls" and "sasl" of the source/ })
    const nobody = access(kafka.tlsSaslBrokers, trusting(kafka.caFile))
    await assert.rejects(reading(nobody), { code: 'KAFKA_UNAVAILABLE', fix: /"tls" and "sasl" of the source/ })
  })

  it('B4: ends sessions, which neither those who read notice nor those who write', async () => {
    const by = access(kafka.tlsSaslBrokers, { ...login('SCRAM-SHA-512'), ...trusting(kafka.caFile) })
    await ensureTopics(by, [{ name: 'long-read', partitions: 1 }])
    const writer = new TopicWriter(by, { retries: 1 })
    const cluster = new Cluster(by)
    try {
      const topic = (await cluster.topics(['long-read'])).get('long-read')
      assert.ok(topic !== undefined)
      const startMs = performance.now()
      let read = 0
      let written = 0
      while (performance.now() - startMs < SESSIONS * SESSION_MS) {
        writer.add({ topic: 'long-read', partition: 0, key: undefined, value: Buffer.from(`{"n":${written++}}`) })
        await writer.flush()
        read = await readOn(cluster, topic, read)
      }
      await eventually('all is read', async () => (read = await readOn(cluster, topic, read)) === written)
    } finally {
      await Promise.all([writer.close(), cluster.close()])
    }
  })

  it('control: a session does end', async () => {
    const by = access(kafka.tlsSaslBrokers, { ...login('SCRAM-SHA-512'), ...trusting(kafka.caFile) })
    const [host = '', port] = kafka.tlsSaslBrokers.split(':')
    const timeouts = { connectTimeoutMs: 5_000, requestTimeoutMs: 5_000 }
    const connection = new BrokerConnection({
      ...by,
      clientId: 'test',
      host,
      port: Number(port),
      servername: host,
      ...timeouts,
    })
    await connection.open()
    assert.ok(connection.isConnected)
    await eventually('it takes no more requests', () => !connection.isConnected, 2 * SESSION_MS)
    await connection.close()
  })
})

async function reading(by: KafkaAccess): Promise<void> {
  await withCluster(by, async (cluster) => cluster.topics(['ad-clicks']))
}

/** Both clients are refused in the same words: ours, which reads, and the library's, which writes and asks. */
async function refused(by: KafkaAccess, message: RegExp, what: string): Promise<void> {
  await assert.rejects(reading(by), refusal(message), what)
  await assert.rejects(ensureTopics(by, []), refusal(message), `${what}, to write`)
}

function refusal(message: RegExp): { readonly code: string; readonly retryable: boolean; readonly message: RegExp } {
  return { code: 'KAFKA_REFUSED', retryable: false, message }
}

async function withCluster<T>(by: KafkaAccess, work: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = new Cluster(by)
  try {
    return await work(cluster)
  } finally {
    await cluster.close()
  }
}

/** Bytes of the first fetch of a topic's only partition. */
async function firstBytes(by: KafkaAccess, name: string): Promise<number> {
  return withCluster(by, async (cluster) => {
    const topic = (await cluster.topics([name])).get(name)
    assert.ok(topic !== undefined)
    const target = { topicId: topic.id, partition: 0, offset: 0 }
    const [fetched] = await cluster.fetch(topic.leaders[0] ?? -1, [target], LIMITS)
    return fetched?.bytes.length ?? 0
  })
}

/** The offset after what is there from `offset` on. */
async function readOn(cluster: Cluster, topic: TopicInfo, offset: number): Promise<number> {
  const [fetched] = await cluster.fetch(topic.leaders[0] ?? -1, [{ topicId: topic.id, partition: 0, offset }], LIMITS)
  return fetched === undefined ? offset : lastBatchOf(fetched.bytes, offset).next
}
