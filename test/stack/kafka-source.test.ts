/**
 * `run` on the topics of a real Kafka: killed and started again, with aborted transactions, every compression, odd
 * records, a broker that dies, a partition that is added, and offsets that are gone. The tables are those of the
 * recount.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Admin, Producer } from '@platformatic/kafka'
import { STREAM_NAMES, type Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { verifyFolder, type VerifiedFolder } from '../../src/service/verify-folder.ts'
import { preparePlanTopics, TopicLines } from '../../src/sinks/kafka/topic-lines.ts'
import { topicPartitions, withAdmin } from '../../src/sinks/kafka/topics.ts'
import { Cluster, type FetchedPartition } from '../../src/sources/kafka/cluster.ts'
import { readState } from '../../src/stack/state-file.ts'
import { trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import { generateLog, type LogReport } from '../../src/traffic/writers/generate-log.ts'
import { eventually } from '../support/eventually.ts'
import { runProgram, type Ended } from '../support/run-program.ts'
import { makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

const HOSTILE: Partial<TrafficSettings> = {
  producer: 'python',
  rate: 20,
  clickRatio: 0.3,
  disorderMs: 4_000,
  duplicates: 0.05,
  orphans: 0.03,
  repeats: 0.05,
  late: 0.02,
  malformed: 0.02,
  hostileNames: 0.05,
  escapes: 0.05,
  shuffleKeys: true,
}

describe('a run on Kafka', { skip: stackMissing({ jars: ['kafka'] }) }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  let rigs: Rig[] = []
  before(async () => {
    postgres = await startTestPostgres()
    stack = await startTestStack(['kafka'])
  })
  after(async () => {
    await Promise.all(rigs.map(async (rig) => rig.close()))
    await stack.stop()
    await postgres.stop()
  })

  async function openRig(suffix: string): Promise<Rig> {
    const rig = new Rig(stack.brokers, await postgres.createDatabase(), suffix)
    rigs = [...rigs, rig]
    return rig
  }

  it('counts each record once, whatever it is killed in', async () => {
    const rig = await openRig('killed')
    const truth = await rig.generate({ ...HOSTILE, seed: 11, partitions: 3 }, 60_000)
    for (const share of [0.05, 0.4]) {
      const run = rig.start()
      await eventually('some is committed', async () => (await rig.committed()) > share * 60_000, 90_000)
      run.signal('SIGKILL')
      await run.ended
    }
    const run = rig.start()
    await rig.settled(60_000)
    assert.deepEqual(await rig.ledger(), ledgerOf(truth))
    await rig.assertVerified(60_000)
    await eventually('tools see it', async () => (await rig.groupOffsets()) === (await rig.positions()), 60_000)
    run.signal('SIGTERM')
    assert.equal((await run.ended).code, 0, run.stderr)
  })

  it('reads what is committed, in every compression, and makes nothing of what is no event', async () => {
    const rig = await openRig('odd')
    await rig.generate({ seed: 12, partitions: 1 }, 100)
    const topic = rig.plan.streams.impressions.topic
    const [at, id] = [1_767_225_600_000, 'odd']
    const value = (n: number): Buffer =>
      Buffer.from(JSON.stringify({ impression_id: `${id}-${n}`, event_timestamp: at + n, campaign_id: 'c' }, null, 1))
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [stack.brokers], idempotent: true })
    for (const [n, compression] of (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).entries()) {
      const messages = [
        { topic, partition: 0, value: value(n), headers: new Map([[Buffer.from('h'), Buffer.from('v')]]) },
      ]
      await producer.send({ messages, compression })
    }
    await producer.send({ messages: [{ topic, partition: 0, key: Buffer.from('tombstone') }] })
    await producer.close()
    const transactional = new Producer({
      clientId: 'test',
      bootstrapBrokers: [stack.brokers],
      idempotent: true,
      transactionalId: 'odd',
    })
    for (const [n, isKept] of [true, false, true].entries()) {
      const transaction = await transactional.beginTransaction()
      await transaction.send({ messages: [{ topic, partition: 0, value: value(10 + n) }] })
      if (isKept) await transaction.commit()
      else await transaction.abort()
    }
    await transactional.close()
    const run = rig.start()
    await rig.settled(108)
    const ledger = await rig.ledger()
    assert.equal(ledger['impressions malformed'], 1)
    assert.equal((ledger['impressions counted'] ?? 0) + (ledger['clicks counted'] ?? 0), 107)
    const counted = await runSql(rig.url, `select sum(impressions)::int from ctr_by_campaign where campaign_id = 'c'`)
    assert.deepEqual(counted, [['7']])
    await rig.assertVerified(108)
    run.signal('SIGTERM')
    await run.ended
  })

  it('K4: waits for a broker that died, and picks up a partition that was added', async () => {
    const rig = await openRig('away')
    await rig.generate({ seed: 13, partitions: 1 }, 500)
    const run = rig.start()
    await rig.settled(500)
    const cut = await rig.position('impressions')
    const kafka = readState(stack.settings.home)?.parts.find(({ name }) => name === 'kafka')?.process
    assert.ok(kafka !== undefined)
    process.kill(kafka.pid, 'SIGKILL')
    await eventually('it is told', () => /It is tried again/.test(run.stderr), 60_000)
    await eventually('the broker is back', async () => rig.canReach(), 240_000)
    await rig.addPartitions(2)
    await rig.generate({ seed: 14, partitions: 2, startMs: 1_767_229_200_000 }, 500)
    await rig.settled(1_000)
    assert.match(run.stderr, /has 2 partitions now/)
    const [before, after] = [await rig.leaderEpoch(0), await rig.leaderEpoch(cut)]
    assert.ok(after > before, 'control: another leader wrote what came later')
    const end = await rig.position('impressions')
    assert.equal(await rig.divergedAt(end, before), cut, 'the broker says where logs part')
    assert.equal(await rig.divergedAt(end, after), undefined)
    await rig.assertVerified(1_000)
    run.signal('SIGTERM')
    await run.ended
  })

  it('ends with the exact range where offsets are gone, and counts again when told to', async () => {
    const rig = await openRig('gap')
    await rig.generate({ seed: 15, partitions: 1 }, 300)
    const first = rig.start()
    await rig.settled(300)
    first.signal('SIGTERM')
    await first.ended
    const before = await rig.position('impressions')
    await rig.generate({ seed: 16, partitions: 1, startMs: 1_767_229_200_000 }, 300)
    await rig.deleteBefore(before + 50)
    const second = await rig.runToItsEnd()
    assert.equal(second.code, 66, second.stderr)
    assert.match(second.stderr, new RegExp(`KAFKA_GAP.*offsets ${before} to ${before + 49} \\(50 records at most\\)`))
    const third = rig.start(['--replace'])
    await eventually('the rest is counted', async () => (await rig.positions()) === (await rig.ends()), 60_000)
    third.signal('SIGTERM')
    await third.ended
  })

  it('does not take a topic that was made again for the one it read', async () => {
    const rig = await openRig('again')
    await rig.generate({ seed: 17, partitions: 1 }, 200)
    const first = rig.start()
    await rig.settled(200)
    await withAdmin(stack.brokers, (admin) => admin.deleteTopics({ topics: [rig.plan.streams.clicks.topic] }))
    await rig.generate({ seed: 18, partitions: 1 }, 5_000)
    assert.equal((await first.ended).code, 66, first.stderr)
    const second = await rig.runToItsEnd()
    assert.equal(second.code, 66, second.stderr)
    assert.match(second.stderr, /KAFKA_GAP.*removed and made again/)
  })
})

/** A pipeline on topics and a database of its own. */
class Rig {
  readonly plan: Plan
  readonly url: string
  readonly #brokers: string
  readonly #group: string
  readonly #dataDir = makeDataDir()
  readonly #definition: string
  #runs: ServiceProcess[] = []

  constructor(brokers: string, url: string, suffix: string) {
    const definition = {
      extends: 'ads',
      streams: { impressions: { topic: `impressions-${suffix}` }, clicks: { topic: `clicks-${suffix}` } },
      // What stops is settled soon: the watermark then follows the clock.
      parameters: { idleTimeout: '1s' },
      sources: { http: null, kafka: { kind: 'kafka', brokers, group: `lag-${suffix}` } },
    }
    this.plan = planOf(definition)
    this.url = url
    this.#brokers = brokers
    this.#group = `lag-${suffix}`
    this.#definition = join(this.#dataDir, 'definition.json')
    writeFileSync(this.#definition, JSON.stringify(definition))
  }

  async generate(changes: Partial<TrafficSettings>, events: number): Promise<LogReport> {
    const settings = trafficSettings(changes)
    await preparePlanTopics(this.plan, this.#brokers, settings.partitions, 1)
    const target = new TopicLines(this.plan, this.#brokers)
    try {
      return await generateLog({ plan: this.plan, settings, events, target })
    } finally {
      await target.close()
    }
  }

  start(options: readonly string[] = []): ServiceProcess {
    const run = new ServiceProcess(this.#dataDir, { databaseUrl: this.url, args: [this.#definition, ...options] })
    this.#runs = [...this.#runs, run]
    return run
  }

  /** A run that is expected to end by itself. */
  async runToItsEnd(): Promise<Ended> {
    const args = [MAIN, 'run', this.#definition, '--data-dir', this.#dataDir, '--database-url', this.url]
    return runProgram(process.execPath, [...args, '--port', '0', '--admin-port', '0', '--no-open'], {
      env: process.env,
    })
  }

  /** Events in the ledger of the tables. */
  async committed(): Promise<number> {
    return Object.values(await this.ledger()).reduce((sum, events) => sum + events, 0)
  }

  async settled(events: number): Promise<void> {
    const isSettled = async (): Promise<boolean> =>
      (await this.committed()) === events && (await this.ledger())['clicks pending'] === undefined
    await eventually(`${events} events are counted and settled`, isSettled, 120_000)
  }

  async ledger(): Promise<Readonly<Record<string, number>>> {
    const sums = `select stream || ' ' || class, sum(events)::int from ledger where events > 0 group by 1 order by 1`
    const rows = await runSql(this.url, sums).catch(() => [])
    return Object.fromEntries(rows.map(([key, events]) => [String(key), Number(events)]))
  }

  async assertVerified(events: number): Promise<void> {
    const options = { plan: this.plan, dataDir: this.#dataDir, url: this.url, onStep: () => undefined }
    const { recount, comparison }: VerifiedFolder = await verifyFolder(options)
    const read = STREAM_NAMES.reduce((sum, stream) => sum + recount.totals[stream].read, 0)
    assert.equal(read, events)
    assert.equal(comparison.differing, 0, JSON.stringify(comparison.differences))
  }

  async position(stream: 'impressions' | 'clicks'): Promise<number> {
    return (await this.#positions())[`kafka/${stream}-0`] ?? -1
  }

  async positions(): Promise<number> {
    return Object.values(await this.#positions()).reduce((sum, position) => sum + position, 0)
  }

  /** The sum of what the group shows. */
  async groupOffsets(): Promise<number> {
    return this.#admin(async (admin) => {
      const groups = await admin.listConsumerGroupOffsets({ groups: [this.#group] })
      const offsets = groups.flatMap(({ topics }) => topics).flatMap(({ partitions }) => partitions)
      return offsets.reduce((sum, { committedOffset }) => sum + Number(committedOffset), 0)
    })
  }

  async ends(): Promise<number> {
    return this.#admin(async (admin) => {
      const topics = STREAM_NAMES.map((stream) => ({
        name: this.plan.streams[stream].topic,
        partitions: [{ partitionIndex: 0, timestamp: -1n }],
      }))
      const listed = await admin.listOffsets({ topics })
      return listed.flatMap((topic) => topic.partitions).reduce((sum, { offset }) => sum + Number(offset), 0)
    })
  }

  /** Leader epoch of the record at an offset of impressions. */
  async leaderEpoch(offset: number): Promise<number> {
    const { bytes } = await this.#fetch(offset, -1)
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(12)
  }

  /** Up to where the broker's log agrees with one that has a record of this epoch before an offset. */
  async divergedAt(offset: number, leaderEpoch: number): Promise<number | undefined> {
    return (await this.#fetch(offset, leaderEpoch)).divergedAt
  }

  async canReach(): Promise<boolean> {
    return this.#admin(async (admin) => admin.listTopics()).then(
      () => true,
      () => false,
    )
  }

  async addPartitions(count: number): Promise<void> {
    await this.#admin(async (admin) => {
      const topics = STREAM_NAMES.map((stream) => ({
        name: this.plan.streams[stream].topic,
        count,
        assignments: [{ brokerIds: [1] }],
      }))
      await admin.createPartitions({ topics })
    })
    const names = STREAM_NAMES.map((stream) => this.plan.streams[stream].topic)
    const areTold = async (): Promise<boolean> =>
      [...(await topicPartitions(this.#brokers, names)).values()].every((partitions) => partitions === count)
    await eventually('the broker tells of them', areTold, 60_000)
  }

  async deleteBefore(offset: number): Promise<void> {
    const name = this.plan.streams.impressions.topic
    await this.#admin(async (admin) => {
      await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: BigInt(offset) }] }] })
    })
  }

  async close(): Promise<void> {
    for (const run of this.#runs) run.signal('SIGKILL')
    await Promise.all(this.#runs.map(async (run) => run.ended))
    rmSync(this.#dataDir, { recursive: true, force: true })
  }

  async #fetch(offset: number, leaderEpoch: number): Promise<FetchedPartition> {
    const cluster = new Cluster({ brokers: this.#brokers })
    const { topic: name } = this.plan.streams.impressions
    try {
      const topic = (await cluster.topics([name])).get(name)
      const target = { topicId: topic?.id ?? '', partition: 0, offset, leaderEpoch }
      const limits = { maxWaitMs: 1_000, bytes: 1 << 20, partitionBytes: 1 << 20 }
      const [fetched] = await cluster.fetch(topic?.leaders[0] ?? -1, [target], limits)
      assert.ok(fetched !== undefined)
      return fetched
    } finally {
      await cluster.close()
    }
  }

  async #positions(): Promise<Readonly<Record<string, number>>> {
    const rows = await runSql(this.url, 'select positions from tidemark_meta').catch(() => [])
    return JSON.parse(rows[0]?.[0] ?? '{}') as Readonly<Record<string, number>>
  }

  async #admin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [this.#brokers], retries: 1, timeout: 5_000 })
    try {
      return await work(admin)
    } finally {
      await admin.close()
    }
  }
}

/** The ledger that the traffic meant, as the tables have it. */
function ledgerOf({ ledger }: LogReport): Readonly<Record<string, number>> {
  const entries = STREAM_NAMES.flatMap((stream) =>
    Object.entries(ledger[stream]).map(([name, events]) => [`${stream} ${name}`, events] as const),
  )
  return Object.fromEntries(entries.filter(([, events]) => events > 0).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
