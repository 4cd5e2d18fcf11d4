/**
 * A broker that asks for a password: every mechanism is let in with the right one, refused with another, and `generate`
 * writes with what the definition says.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { planOf } from '../../src/pipeline/validate.ts'
import { accessOf } from '../../src/sources/kafka/access.ts'
import { Cluster } from '../../src/sources/kafka/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { runProgram } from '../support/run-program.ts'
import { startSaslKafka, type SaslKafka } from '../support/sasl-kafka.ts'
import { stackMissing } from '../support/stack.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const LIMITS = { maxWaitMs: 1_000, bytes: 1 << 20, partitionBytes: 1 << 20 }

describe('a broker that asks for a password', { skip: stackMissing({ jars: ['kafka'] }) }, () => {
  let kafka: SaslKafka
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-sasl-test-'))
  before(async () => {
    kafka = await startSaslKafka()
    await eventually('it answers', async () => canRead('PLAIN', kafka.password), 120_000)
  })
  after(async () => {
    await kafka.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function definition(mechanism: string): object {
    const sasl = { mechanism, username: kafka.username, passwordEnv: 'KAFKA_PASSWORD' }
    const topics = { impressions: 'renamed-impressions' }
    return { extends: 'ads', sources: { http: null, kafka: { kind: 'kafka', brokers: kafka.brokers, topics, sasl } } }
  }

  async function withCluster<T>(
    mechanism: string,
    password: string,
    work: (cluster: Cluster) => Promise<T>,
  ): Promise<T> {
    const [source] = planOf(definition(mechanism)).sources
    assert.ok(source?.kind === 'kafka')
    const cluster = new Cluster(accessOf(source, { KAFKA_PASSWORD: password }))
    try {
      return await work(cluster)
    } finally {
      await cluster.close()
    }
  }

  async function canRead(mechanism: string, password: string): Promise<boolean> {
    return withCluster(mechanism, password, async (cluster) => cluster.topics(['ad-clicks'])).then(
      () => true,
      () => false,
    )
  }

  it('takes what generate writes as the definition says, and gives it to each mechanism', async () => {
    const file = join(folder, 'definition.json')
    writeFileSync(file, JSON.stringify(definition('SCRAM-SHA-512')))
    const args = [
      MAIN,
      'generate',
      '--definition',
      file,
      '--kafka',
      kafka.brokers,
      '--events',
      '100',
      '--partitions',
      '1',
    ]
    const env = { ...process.env, KAFKA_PASSWORD: kafka.password }
    const written = await runProgram(process.execPath, args, { env, timeoutMs: 120_000 })
    assert.equal(written.code, 0, written.stderr)
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const bytes = await withCluster(mechanism, kafka.password, async (cluster) => {
        const found = await cluster.topics(['ad-impressions', 'renamed-impressions', 'ad-clicks'])
        assert.deepEqual([...found.keys()].toSorted(), ['ad-clicks', 'renamed-impressions'])
        const topic = found.get('renamed-impressions')
        assert.ok(topic !== undefined)
        const target = { topicId: topic.id, partition: 0, offset: 0 }
        const [fetched] = await cluster.fetch(topic.leaders[0] ?? -1, [target], LIMITS)
        return fetched?.bytes.length ?? 0
      })
      assert.ok(bytes > 1_000, mechanism)
    }
  })

  it('refuses another password, which no try can mend', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const reading = withCluster(mechanism, 'another', async (cluster) => cluster.topics(['ad-clicks']))
      await assert.rejects(reading, { code: 'KAFKA_REFUSED', retryable: false }, mechanism)
    }
  })
})
