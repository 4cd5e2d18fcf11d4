/**
 * Events over HTTP into the topics of a real Kafka, and back through the source: what was acknowledged is in the
 * topics, byte for byte, also when the broker is killed under load, and the tables count it once.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { STREAM_NAMES, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import type { SampleAnswer } from '../../src/query/sample-answer.ts'
import { verifyFolder } from '../../src/service/verify-folder.ts'
import { preparePlanTopics } from '../../src/sinks/kafka/topic-lines.ts'
import { Cluster } from '../../src/sources/kafka/cluster.ts'
import { readPartition } from '../../src/sources/kafka/read-partition.ts'
import { readState } from '../../src/stack/state-file.ts'
import { eventually } from '../support/eventually.ts'
import { makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const SENDERS = 4
const BATCH = 50
const SOON_MS = 120_000

describe('events over HTTP into topics', { skip: stackMissing({ jars: ['kafka'] }) }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  const rigs: Rig[] = []
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
    rigs.push(rig)
    await rig.open()
    return rig
  }

  it('acknowledges what is in the topics byte for byte, whatever way it came, and counts it once', async () => {
    const rig = await openRig('ways')
    const at = new Date().toISOString()
    const impression = (id: string): string =>
      `{"impression_id":"${id}",  "campaign_id":"c ä","device_type":"mobile","event_timestamp":"${at}"}`
    const malformed = '{"impression_id":"i-3"'
    const body = `${impression('i-1')}\n\n${impression('i-2')}\n${malformed}\n`
    const posted = await rig.post('impressions', body)
    assert.equal(posted.status, 200)
    assert.deepEqual(await posted.json(), {
      accepted: 2,
      rejected: [{ index: 2, reason: 'not_json' }],
    })
    const click = `{"click_id":"k-1","impression_id":"i-1","event_timestamp":"${at}"}`
    assert.equal((await rig.post('clicks', `[${click}]`, { 'content-type': 'application/json' })).status, 200)
    const pixel = await fetch(`${rig.address}/v1/pixel.gif?impression_id=i-4&campaign_id=c&device_type=tv`)
    assert.equal(pixel.status, 200)
    assert.equal((await fetch(`${rig.address}/v1/click?impression_id=i-4`, { redirect: 'manual' })).status, 204)
    const impressions = await rig.linesIn('impressions')
    assert.equal(impressions.length, 4)
    for (const line of [impression('i-1'), impression('i-2'), malformed]) assert.ok(impressions.includes(line), line)
    assert.ok((await rig.linesIn('clicks')).includes(click))
    await rig.counts({ 'clicks counted': 2, 'impressions counted': 3, 'impressions malformed': 1 })
    const long = await rig.post('impressions', `${impression('i-5')}\n{"impression_id":"${'x'.repeat(1_045_000)}"}\n`)
    assert.equal(long.status, 413)
    assert.equal(((await long.json()) as { code: string }).code, 'event_too_large')
    assert.equal((await rig.linesIn('impressions')).length, 4)
    await rig.stop()
    assert.equal(await rig.differing(), 0)
  })

  it('keeps every acknowledged event when the broker is killed under load, and says so to those who send then', async () => {
    const rig = await openRig('killed')
    const { acknowledged, answers, stop } = startLoad(rig)
    await eventually('some are acknowledged', () => acknowledged.size > 20 * BATCH, SOON_MS)
    const broker = readState(stack.settings.home)?.parts.find(({ name }) => name === 'kafka')?.process
    assert.ok(broker !== undefined)
    process.kill(broker.pid, 'SIGKILL')
    await eventually('senders are sent away', () => (answers.get(503) ?? 0) > SENDERS, SOON_MS)
    const before = acknowledged.size
    await eventually('they are let in again', () => acknowledged.size > before + 20 * BATCH, SOON_MS)
    await stop()
    const inTopic = new Set(await rig.linesIn('impressions'))
    assert.deepEqual(missing(acknowledged, inTopic), [])
    assert.deepEqual(missing(new Set([...acknowledged, 'never sent']), inTopic), ['never sent'], 'control')
    const ids = new Set([...inTopic].map((line) => (JSON.parse(line) as { impression_id: string }).impression_id))
    await eventually('all are counted', async () => (await rig.ledger())['impressions counted'] === ids.size, SOON_MS)
    await rig.stop()
    assert.equal(await rig.differing(), 0)
  })

  it('shows events of a class out of the topics, and says where it does not', async () => {
    const rig = await openRig('samples')
    const line = (id: string, on: string): string =>
      JSON.stringify({ click_id: id, impression_id: on, event_timestamp: new Date().toISOString() })
    assert.equal((await rig.post('impressions', `${lineOf('i-1')}\n`)).status, 200)
    const again = line('k-1', 'i-1')
    for (const click of [again, again, line('k-2', 'nobody')])
      assert.equal((await rig.post('clicks', `${click}\n`)).status, 200)
    await rig.counts({ 'clicks counted': 1, 'clicks duplicate': 1, 'clicks pending': 1, 'impressions counted': 1 })
    for (const [eventClass, id] of [
      ['duplicate', 'k-1'],
      ['pending', 'k-2'],
    ]) {
      const found = await rig.samples(eventClass ?? '')
      assert.deepEqual([found.samples.map((sample) => sample.id), found.elsewhere], [[id], []])
      assert.match(found.samples[0]?.partition ?? '', /^kafka\/clicks-\d$/)
      assert.ok(found.topics.includes(found.samples[0]?.partition ?? ''))
    }
    await rig.stop()
  })
})

/** Senders that go on whatever they are told, and send again what was not acknowledged. */
function startLoad(rig: Rig): {
  readonly acknowledged: Set<string>
  readonly answers: Map<number, number>
  readonly stop: () => Promise<void>
} {
  const acknowledged = new Set<string>()
  const answers = new Map<number, number>()
  let isOver = false
  const send = async (sender: number): Promise<void> => {
    for (let batch = 0; !isOver; batch++) {
      const lines = Array.from({ length: BATCH }, (_, index) => lineOf(`${sender}-${batch}-${index}`))
      for (let status = 0; status !== 200 && !isOver;) {
        const response = await rig.post('impressions', lines.map((line) => `${line}\n`).join(''))
        status = response.status
        answers.set(status, (answers.get(status) ?? 0) + 1)
        if (status === 503) assert.equal(response.headers.get('retry-after'), '1')
        await response.arrayBuffer()
      }
      if (!isOver) for (const line of lines) acknowledged.add(line)
    }
  }
  const sending = Promise.all(Array.from({ length: SENDERS }, async (_, sender) => send(sender)))
  const stop = async (): Promise<void> => {
    isOver = true
    await sending
  }
  return { acknowledged, answers, stop }
}

function lineOf(id: string): string {
  const event = { impression_id: id, campaign_id: 'c', device_type: 'tv', event_timestamp: new Date().toISOString() }
  return JSON.stringify(event)
}

function missing(wanted: ReadonlySet<string>, present: ReadonlySet<string>): readonly string[] {
  return [...wanted].filter((line) => !present.has(line))
}

/** A pipeline that takes events over HTTP into topics of its own. */
class Rig {
  readonly plan: Plan
  address = ''
  readonly #brokers: string
  readonly #url: string
  readonly #dataDir = makeDataDir()
  readonly #definition: string
  #run: ServiceProcess | undefined

  constructor(brokers: string, url: string, suffix: string) {
    const definition = {
      extends: 'ads',
      streams: { impressions: { topic: `impressions-${suffix}` }, clicks: { topic: `clicks-${suffix}` } },
      parameters: { idleTimeout: '1s' },
      sources: { http: { kind: 'http', into: 'kafka' }, kafka: { kind: 'kafka', brokers } },
    }
    this.plan = planOf(definition)
    this.#brokers = brokers
    this.#url = url
    this.#definition = join(this.#dataDir, 'definition.json')
    writeFileSync(this.#definition, JSON.stringify(definition))
  }

  async open(): Promise<void> {
    await preparePlanTopics(this.plan, this.#brokers, 3, 3)
    this.#run = new ServiceProcess(this.#dataDir, { databaseUrl: this.#url, args: [this.#definition] })
    const url = await this.#run.url
    assert.ok(url !== undefined, this.#run.stderr)
    this.address = url
  }

  async post(stream: StreamName, body: string, headers: Readonly<Record<string, string>> = NDJSON): Promise<Response> {
    return fetch(`${this.address}/v1/${stream}`, { method: 'POST', body, headers })
  }

  /** Every record's value, from all partitions. */
  async linesIn(stream: StreamName): Promise<readonly string[]> {
    const cluster = new Cluster({ brokers: this.#brokers })
    try {
      const { topic: name } = this.plan.streams[stream]
      const topic = (await cluster.topics([name])).get(name)
      assert.ok(topic !== undefined)
      const lines: string[] = []
      for (const [number, to] of (await cluster.offsets(topic, 'latest')).entries())
        for await (const read of readPartition(cluster, { topic, number, from: 0, to, stamps: [] }))
          lines.push(...read.lines.map((line) => Buffer.from(line).toString()))
      return lines
    } finally {
      await cluster.close()
    }
  }

  async ledger(): Promise<Readonly<Record<string, number>>> {
    const sums = `select stream || ' ' || class, sum(events)::int from ledger where events > 0 group by 1 order by 1`
    const rows = await runSql(this.#url, sums).catch(() => [])
    return Object.fromEntries(rows.map(([key, events]) => [String(key), Number(events)]))
  }

  async counts(expected: Readonly<Record<string, number>>): Promise<void> {
    const isSo = async (): Promise<boolean> => JSON.stringify(await this.ledger()) === JSON.stringify(expected)
    await eventually(`the tables have ${JSON.stringify(expected)}`, isSo, SOON_MS)
  }

  async samples(eventClass: string): Promise<SampleAnswer> {
    const response = await fetch(`${this.address}/api/v1/samples?class=${eventClass}`)
    assert.equal(response.status, 200)
    return (await response.json()) as SampleAnswer
  }

  /** Cells in which tables and recount differ. */
  async differing(): Promise<number> {
    const options = { plan: this.plan, dataDir: this.#dataDir, url: this.#url, onStep: (): void => undefined }
    const { recount, comparison } = await verifyFolder(options)
    assert.ok(STREAM_NAMES.some((stream) => recount.totals[stream].read > 0))
    return comparison.differing
  }

  async stop(): Promise<void> {
    this.#run?.signal('SIGTERM')
    assert.equal((await this.#run?.ended)?.code, 0, this.#run?.stderr)
  }

  async close(): Promise<void> {
    this.#run?.signal('SIGKILL')
    await this.#run?.ended
    rmSync(this.#dataDir, { recursive: true, force: true })
  }
}
