/**
 * Topics as a source, over a cluster of two brokers in memory: K3 of `kafka-source.ts`, F1 to F4 of `block-fetcher.ts`,
 * L1 of `open-partition.ts`.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { TidemarkError } from '../../../src/errors.ts'
import type { FetchedPartition, FetchTarget } from '../../../src/sources/kafka/cluster.ts'
import { KafkaFolder } from '../../../src/sources/kafka/kafka-folder.ts'
import { KafkaSource, type KafkaSourceOptions } from '../../../src/sources/kafka/kafka-source.ts'
import { Watermarks } from '../../../src/time/watermarks.ts'
import { eventually } from '../../support/eventually.ts'
import { makeBatch } from '../../support/kafka-batches.ts'
import { afterwards } from '../../support/afterwards.ts'

const TOPICS = { impressions: 'ad-impressions', clicks: 'ad-clicks' }

/** A source over partition 0 of both topics: impressions on broker 1, clicks on broker 2 unless told otherwise. */
function startSource(
  context: TestContext,
  fetch: (node: number, targets: readonly FetchTarget[]) => Promise<FetchedPartition[]>,
  clicksLeader = 2,
): {
  readonly source: KafkaSource
  readonly told: string[]
  readonly fatal: TidemarkError[]
} {
  const told: string[] = []
  const fatal: TidemarkError[] = []
  const path = mkdtempSync(join(tmpdir(), 'tidemark-kafka-source-'))
  afterwards(context, () => rmSync(path, { recursive: true, force: true }))
  const streams = ['impressions', 'clicks'] as const
  const cluster: KafkaSourceOptions['cluster'] = {
    topics: async () =>
      new Map(
        streams.map((name, at) => [
          TOPICS[name],
          { name: TOPICS[name], id: name, leaders: [at === 0 ? 1 : clicksLeader] },
        ]),
      ),
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
      leader: index === 0 ? 1 : clicksLeader,
    })),
    folder: new KafkaFolder(path),
    watermarks: new Watermarks(2, 0),
    addPartition: () => assert.fail('no partition comes'),
    futureCount: () => 0,
    clock: { nowMs: () => 0, steadyMs: () => 0 },
    pause: async () => turn(),
    log: (level, message) => told.push(`${level}: ${message}`),
  })
  source.start((error) => fatal.push(error as TidemarkError))
  afterwards(context, () => source.stop())
  return { source, told, fatal }
}

test('K3: a broker that is away is told once, however often another one answers', async (context) => {
  const asked = [0, 0, 0]
  let isAway = true
  const { source, told, fatal } = startSource(context, async (node) => {
    asked[node] = (asked[node] ?? 0) + 1
    await turn()
    if (node === 2 && isAway)
      throw new TidemarkError('KAFKA_UNAVAILABLE', 'Broker 2 is away.', { retryable: true, fix: 'wait' })
    return []
  })
  await eventually('both were asked often', () => Math.min(asked[1] ?? 0, asked[2] ?? 0) > 20)
  assert.deepEqual(told, ['warn: Source "kafka": Broker 2 is away. It is tried again.'])
  assert.equal(source.problem, 'Broker 2 is away.')
  isAway = false
  await eventually('it answers', () => source.problem === null)
  assert.deepEqual(told.slice(1), ['info: Source "kafka": Kafka answers again.'], 'control')
  assert.equal(fatal.length, 0)
})

/** A broker whose log of impressions has ten records in each batch, until it is cut back. */
class Log {
  readonly asked: FetchTarget[] = []
  /** Leader epoch of each batch. */
  epochs = [0, 0, 1]
  cutAt: number | undefined

  answer(targets: readonly FetchTarget[]): FetchedPartition[] {
    const target = targets.find(({ topicId }) => topicId === 'impressions')
    if (target === undefined) return []
    const { offset, leaderEpoch = -1 } = target
    this.asked.push(target)
    const end = 10 * this.epochs.length
    const head = { topicId: 'impressions', partition: 0, errorCode: 0, highWatermark: end, lastStableOffset: end }
    const answer = { ...head, logStartOffset: 0, aborted: [], bytes: new Uint8Array(0) }
    if (this.cutAt !== undefined && offset > this.cutAt && leaderEpoch !== -1 && leaderEpoch !== 9)
      return [{ ...answer, divergedAt: this.cutAt }]
    const epoch = this.epochs[offset / 10]
    if (epoch === undefined) return [answer]
    const records = Array.from({ length: 10 }, (_, index) => ({ value: `{"impression_id":"${offset + index}"}` }))
    return [{ ...answer, bytes: new Uint8Array(makeBatch(records, { base: offset, leaderEpoch: epoch })) }]
  }
}

test('of two partitions only the one that is asked for is read, where one is', async (context) => {
  const { source } = startSource(context, async (node, targets) => {
    await turn()
    return targets.map(({ topicId, offset }) => {
      const bytes =
        offset > 0 ? new Uint8Array(0) : new Uint8Array(makeBatch([{ value: `{"node":${node}}` }], { base: 0 }))
      const head = { topicId, partition: 0, errorCode: 0, highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 }
      return { ...head, aborted: [], bytes }
    })
  })
  const read: number[] = []
  const note = (partition: number): void => void read.push(partition)
  await eventually('both have something', () => source.unreadBytes(0) > 0 && source.unreadBytes(1) > 0)
  assert.equal(source.poll(note, 1), false, 'no more of it')
  assert.equal(source.poll(note, 1), false)
  assert.deepEqual(read, [1])
  source.poll(note)
  assert.deepEqual(read, [1, 0], 'control: the other is still there')
})

test('L1: what was offered and is cut back is a gap with its exact range', async (context) => {
  const log = new Log()
  const { source, fatal } = startSource(context, async (_node, targets) => {
    await turn()
    return log.answer(targets)
  })
  let lines = 0
  const count = (_partition: number, bytes: Uint8Array, start: number, end: number): void =>
    void (lines += bytes.subarray(start, end).filter((byte) => byte === 10).length)
  await eventually('all is read', () => {
    source.poll(count)
    return lines === 30
  })
  await eventually('it asks for more, with the epoch of what it read last', () => log.asked.at(-1)?.offset === 30)
  assert.deepEqual([...new Set(log.asked.map(({ leaderEpoch }) => leaderEpoch))], [-1, 0, 1])
  assert.equal(fatal.length, 0, 'control')
  log.cutAt = 17
  log.epochs = [0, 9, 9, 9, 9]
  await eventually('the run ends', () => fatal.length > 0)
  assert.equal(fatal[0]?.code, 'KAFKA_GAP')
  assert.match(fatal[0]?.message ?? '', /ad-impressions-0: offsets 17 to 29 \(13 records at most\).*cut back/)
})

test('L1: what was not offered yet is read anew', async (context) => {
  const log = new Log()
  const { source, fatal } = startSource(context, async (_node, targets) => {
    await turn()
    return log.answer(targets)
  })
  await eventually('all is fetched', () => log.asked.at(-1)?.offset === 30)
  log.cutAt = 10
  log.epochs = [0, 9, 9]
  await eventually(
    'it is asked for again',
    () => log.asked.at(-1)?.offset === 30 && log.asked.at(-1)?.leaderEpoch === 9,
  )
  const firsts: (number | undefined)[] = []
  source.poll((_partition, _bytes, _start, _end, _arrivalMs, _floorMs, first) => firsts.push(first))
  assert.deepEqual(firsts, [0, 10, 20])
  assert.deepEqual(source.positions()['kafka/impressions-0'], 30)
  assert.equal(fatal.length, 0)
})

/**
 * A topic of impressions in batches of one record of 700,000 bytes, which never ends, and one of clicks without any.
 */
class LongLog {
  readonly asked: (readonly FetchTarget[])[] = []

  answer(targets: readonly FetchTarget[]): FetchedPartition[] {
    this.asked.push(targets)
    return targets.map(({ topicId, offset }) => {
      const isLong = topicId === 'impressions'
      const end = isLong ? 1_000 : 0
      const value = `{"impression_id":"${'x'.repeat(700_000)}"}`
      const bytes = isLong ? new Uint8Array(makeBatch([{ value }], { base: offset })) : new Uint8Array(0)
      const head = { topicId, partition: 0, errorCode: 0, highWatermark: end, lastStableOffset: end }
      return { ...head, logStartOffset: 0, aborted: [], bytes }
    })
  }
}

test('F1, F3: asks ahead while blocks wait, up to a bound, and goes on when one was taken out', async (context) => {
  const log = new LongLog()
  const { source } = startSource(context, async (node, targets) => {
    await turn()
    return node === 1 ? log.answer(targets) : []
  })
  const offsets = (): readonly number[] => log.asked.map(([target]) => target?.offset ?? -1)
  await eventually('it has asked ahead', () => offsets().length === 3)
  for (let turns = 0; turns < 50; turns++) await turn()
  assert.deepEqual(offsets(), [0, 1, 2], 'three times 700,000 bytes are more than 2 MiB')
  assert.equal(source.unreadBytes(0) > 2 << 20, true)
  source.poll(() => undefined)
  await eventually('it asks for what comes next', () => offsets().at(-1) === 4)
})

test('F2: what has nothing more is not asked alone while blocks wait: that request would be kept by the broker', async (context) => {
  const log = new LongLog()
  const { source } = startSource(
    context,
    async (_node, targets) => {
      await turn()
      return log.answer(targets)
    },
    1,
  )
  await eventually('much was read', () => {
    source.poll(() => undefined)
    return (source.positions()['kafka/impressions-0'] ?? 0) > 100
  })
  const alone = log.asked.filter((targets) => targets.every(({ topicId }) => topicId === 'clicks'))
  assert.equal(alone.length, 0)
  assert.ok(
    log.asked.some((targets) => targets.length === 2),
    'control: it is asked beside the others',
  )
})

for (const clicksLeader of [1, 2])
  test(`F4: not polled, what has nothing is ${clicksLeader === 1 ? 'on its way while nobody asks for it' : 'known to be asked for, a control'}`, async (context) => {
    const log = new LongLog()
    const { source } = startSource(
      context,
      async (_node, targets) => {
        await turn()
        return log.answer(targets)
      },
      clicksLeader,
    )
    await eventually('the queue is full', () => source.unreadBytes(0) > 2 << 20)
    for (let turns = 0; turns < 50; turns++) await turn()
    if (clicksLeader === 1) assert.equal(source.isOnItsWay(1), true)
    else await eventually('it is known to have nothing', () => !source.isOnItsWay(1))
  })
