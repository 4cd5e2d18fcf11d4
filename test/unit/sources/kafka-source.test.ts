/**
 * Topics as a source, over a cluster of two brokers in memory: K3 of `kafka-source.ts`.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TidemarkError } from '../../../src/errors.ts'
import type { FetchedPartition } from '../../../src/sources/kafka/cluster.ts'
import { KafkaFolder } from '../../../src/sources/kafka/kafka-folder.ts'
import { KafkaSource, type KafkaSourceOptions } from '../../../src/sources/kafka/kafka-source.ts'
import { Watermarks } from '../../../src/time/watermarks.ts'
import { eventually } from '../../support/eventually.ts'
import { afterwards } from '../../support/afterwards.ts'

const TOPICS = { impressions: 'ad-impressions', clicks: 'ad-clicks' }

/** A source over partition 0 of both topics: impressions on broker 1, clicks on broker 2. */
function startSource(
  context: TestContext,
  fetch: (node: number) => Promise<FetchedPartition[]>,
): {
  readonly source: KafkaSource
  readonly told: string[]
} {
  const told: string[] = []
  const path = mkdtempSync(join(tmpdir(), 'tidemark-kafka-source-'))
  afterwards(context, () => rmSync(path, { recursive: true, force: true }))
  const streams = ['impressions', 'clicks'] as const
  const cluster: KafkaSourceOptions['cluster'] = {
    topics: async () =>
      new Map(streams.map((name, at) => [TOPICS[name], { name: TOPICS[name], id: name, leaders: [at + 1] }])),
    offsets: async () => [0],
    fetch,
    close: async () => undefined,
  }
  const source = new KafkaSource({
    name: 'kafka',
    cluster,
    topics: TOPICS,
    partitions: streams.map((stream, index) => ({
      name: `kafka/${stream}-0`,
      stream,
      topic: TOPICS[stream],
      topicId: stream,
      number: 0,
      position: 0,
      index,
      leader: index + 1,
    })),
    folder: new KafkaFolder(path),
    watermarks: new Watermarks(2, 0),
    addPartition: () => assert.fail('no partition comes'),
    futureCount: () => 0,
    clock: { nowMs: () => 0, steadyMs: () => 0 },
    pause: async () => turn(),
    log: (level, message) => told.push(`${level}: ${message}`),
  })
  source.start((error) => assert.fail(String(error)))
  afterwards(context, () => source.stop())
  return { source, told }
}

test('K3: a broker that is away is told once, however often another one answers', async (context) => {
  const asked = [0, 0, 0]
  let isAway = true
  const { source, told } = startSource(context, async (node) => {
    asked[node] = (asked[node] ?? 0) + 1
    await turn()
    if (node === 2 && isAway) throw new TidemarkError('KAFKA_UNAVAILABLE', 'Broker 2 is away.', { retryable: true })
    return []
  })
  await eventually('both were asked often', () => Math.min(asked[1] ?? 0, asked[2] ?? 0) > 20)
  assert.deepEqual(told, ['warn: Source "kafka": Broker 2 is away. It is tried again.'])
  assert.equal(source.problem, 'Broker 2 is away.')
  isAway = false
  await eventually('it answers', () => source.problem === null)
  assert.deepEqual(told.slice(1), ['info: Source "kafka": Kafka answers again.'], 'control')
})
