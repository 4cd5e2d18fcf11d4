/**
 * Where the two engines differ, and how: each line of the table in docs/parity.md, on the same topics, by `run` and by
 * Flink.
 *
 * All lines but the last are one input and one job of Flink, each in six hours of event time of its own.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Producer } from '@platformatic/kafka'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { jdbcAddress } from '../../src/flink/job/jdbc-address.ts'
import { cancelJob, startJob } from '../../src/flink/job/jobs.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from '../../src/flink/settings.ts'
import { STREAM_NAMES, type Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { ensureTopics } from '../../src/sinks/kafka/topics.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import {
  DIFFERENCES,
  DIFFERENCES_PARAMETERS,
  sentClick,
  sentImpression,
  type Classes,
  type SentRecord,
} from '../conformance/differences.ts'
import { replayPartitions } from '../support/engine-driver.ts'
import { eventually } from '../support/eventually.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { STACK_DEADLINE_MS, STACK_TEST, stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

const PARITY = join(import.meta.dirname, '..', '..', 'docs', 'parity.md')

/** The lines that are judged by more than the ledger at the times of their events. */
const TITLES = {
  february: '31 February',
  exponent: 'an id or name that is a JSON number with an exponent',
  malformed: 'malformed records in the ledger',
  future: '`future` events',
  partitions: 'one id in several partitions',
  silent: 'all partitions silent',
  late: 'late events',
  epoch: 'tables of one epoch',
  forgotten: 'an id not seen for 24 hours of processing time',
} as const

/** Where a line has its six hours. */
const placeMs = (place: number): number => Date.parse('2026-01-10T00:00:00Z') + place * 6 * HOUR_MS
const [NAMES_MS, MALFORMED_MS, LATE_MS, LAST_MS] = [0, 1, 2, 3].map((n) => placeMs(DIFFERENCES.length + n)) as [
  number,
  number,
  number,
  number,
]
/** What 31 February 2025 is to Flink. */
const THIRD_OF_MARCH_MS = Date.parse('2025-03-03T10:00:00Z')
/** Ids that come in two partitions, a minute apart. */
const TWICE = 200

describe('what differs between the engines', { ...STACK_TEST, skip: stackMissing() }, () => {
  let stack: TestStack
  let postgres: TestPostgres
  let producer: Producer
  let ours = ''
  let flink = ''
  let run: ServiceProcess | undefined
  let jobId = ''
  let sentCount = 0

  before(async () => {
    postgres = await startTestPostgres()
    stack = await startTestStack()
    ours = await postgres.createDatabase()
    flink = await postgres.createDatabase()
    producer = new Producer({ clientId: 'test', bootstrapBrokers: [stack.brokers], idempotent: true })
    const plan = planOf(definition(stack.brokers))
    await ensureTopics(stack.brokers, [
      { name: plan.streams.impressions.topic, partitions: 2 },
      { name: plan.streams.clicks.topic, partitions: 1 },
    ])
    await send(plan, firstInput())
    jobId = await submit(plan, flink, {})
    const dataDir = join(stack.settings.dataDir, 'run')
    mkdirSync(dataDir)
    const file = join(stack.settings.dataDir, 'definition.json')
    writeFileSync(file, JSON.stringify(definition(stack.brokers)))
    run = new ServiceProcess(dataDir, { databaseUrl: ours, args: [file] })
    await bothHaveAll()
  }, STACK_TEST)
  after(async () => {
    run?.signal('SIGKILL')
    await run?.ended
    await producer?.close()
    await stack?.stop()
    await postgres?.stop()
  })

  async function send({ streams }: Plan, records: readonly SentRecord[]): Promise<void> {
    for (const { stream, partition = 0, value } of records) {
      const place = { topic: streams[stream].topic, partition }
      const content = value === null ? { key: Buffer.from('tombstone') } : { value: Buffer.from(value) }
      await producer.send({ messages: [{ ...place, ...content }], acks: -1 })
    }
  }

  /** Sends to the topics that both engines read. */
  async function sendToBoth(...records: readonly SentRecord[]): Promise<void> {
    await send(planOf(definition(stack.brokers)), records)
    sentCount += records.length
  }

  async function submit(plan: Plan, url: string, changes: Partial<FlinkSettings>): Promise<string> {
    await withConnection({ url, applicationName: 'test' }, async (client) => migrate(client, plan))
    const settings = { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(url), brokers: stack.brokers, idleTimeoutMs: 5_000 }
    return startJob(stack, plan, { ...settings, ...changes }, { signal: AbortSignal.timeout(STACK_DEADLINE_MS) })
  }

  async function bothHaveAll(): Promise<void> {
    const expected = firstInput().length + sentCount
    for (const url of [ours, flink]) {
      const hasAll = async (): Promise<boolean> => (await eventsOf(url, 'true').catch(() => 0)) === expected
      await eventually(`all ${expected} events are in the ledger`, hasAll, STACK_DEADLINE_MS)
    }
  }

  for (const [place, { title, ...line }] of DIFFERENCES.entries())
    it(title, async () => {
      assert.deepEqual(await classesOf(ours, placeMs(place)), line.ours)
      assert.deepEqual(await classesOf(flink, placeMs(place)), line.flink)
    })

  it(TITLES.february, async () => {
    assert.deepEqual(await classesOf(ours, THIRD_OF_MARCH_MS), {})
    assert.deepEqual(await classesOf(flink, THIRD_OF_MARCH_MS), { 'impressions counted': 1 })
  })

  it(TITLES.exponent, async () => {
    assert.deepEqual(await campaignsOf(ours, NAMES_MS), ['-0', '-0.50e+3', '500'])
    assert.deepEqual(await campaignsOf(flink, NAMES_MS), ['-5.0E+2', '0', '500'])
  })

  it(TITLES.malformed, async () => {
    const minute = `${within(MALFORMED_MS)} and class = 'malformed'`
    assert.deepEqual([await eventsOf(ours, minute), await eventsOf(flink, minute)], [2, 0])
    const records = `class = 'malformed' and window_start > now() - interval '1 hour'`
    assert.equal(await eventsOf(flink, records), await eventsOf(flink, `class = 'malformed'`), 'when they were written')
  })

  it(TITLES.future, async () => {
    const both = async (name: string): Promise<readonly number[]> =>
      Promise.all([ours, flink].map(async (url) => eventsOf(url, `class = '${name}'`)))
    assert.deepEqual(await both('future'), [1, 0])
    // Beside it, and beside a tombstone and an empty object, what one engine refuses and the other does not.
    assert.deepEqual(await both('malformed'), [2 + 4, 2 + 2 + 1])
  })

  it(TITLES.partitions, async () => {
    for (const url of [ours, flink]) {
      const { 'impressions counted': counted, 'impressions duplicate': copies } = await classesOf(url, LAST_MS)
      assert.deepEqual([counted, copies], [TWICE, TWICE])
      const of = `from ledger where ${within(LAST_MS)} and stream = 'impressions' and class = 'counted' and events > 0`
      const inLedger = await runSql(url, `select window_start::text, sum(events)::int ${of} group by 1 order by 1`)
      const inTable = await runSql(
        url,
        `select window_start::text, sum(impressions)::int from ctr_by_campaign where ${within(LAST_MS)} group by 1 order by 1`,
      )
      assert.deepEqual(inLedger, inTable)
    }
  })

  it(TITLES.silent, STACK_TEST, async () => {
    await eventually('the last windows of ours are final', async () => isFinal(ours, LAST_MS), STACK_DEADLINE_MS)
    await eventually('those before the last are in Flink', async () => isFinal(flink, LATE_MS), STACK_DEADLINE_MS)
    assert.equal(await isFinal(flink, LAST_MS), false)
  })

  it(TITLES.late, STACK_TEST, async () => {
    await sendToBoth(sentClick(LATE_MS + 2, LATE_MS), sentImpression(LATE_MS + 3))
    await bothHaveAll()
    const inTime = { 'impressions counted': 1, 'clicks counted': 1 }
    assert.deepEqual(await classesOf(ours, LATE_MS), { ...inTime, 'impressions late': 1, 'clicks late': 1 })
    assert.deepEqual(await classesOf(flink, LATE_MS), { ...inTime, 'impressions counted': 2, 'clicks unattributed': 1 })
  })

  it('control: the next events close what silence did not', STACK_TEST, async () => {
    const nowMs = Date.now()
    await sendToBoth(sentImpression(nowMs), { ...sentImpression(nowMs + 1), partition: 1 }, sentClick(nowMs, nowMs))
    await eventually('the last windows are final', async () => isFinal(flink, LAST_MS), STACK_DEADLINE_MS)
  })

  it(TITLES.epoch, STACK_TEST, async () => {
    const difference = async (url: string): Promise<number> => {
      const counted = `select sum(events) from ledger where stream = 'impressions' and class = 'counted'`
      const rows = await runSql(url, `select (select sum(impressions) from ctr_by_campaign) - (${counted})`)
      return Number(rows[0]?.[0])
    }
    const isSeen = async (): Promise<boolean> => {
      await sendToBoth(sentImpression(Date.now()))
      assert.equal(await difference(ours), 0, 'in ours all tables change at once')
      return (await difference(flink)) !== 0
    }
    await eventually('Flink has written one table and not yet the other', isSeen, STACK_DEADLINE_MS)
    await eventually('it has written the other', async () => (await difference(flink)) === 0, STACK_DEADLINE_MS)
  })

  it(TITLES.forgotten, STACK_TEST, async () => {
    // A job takes all slots of the task manager.
    await cancelJob(stack, jobId)
    const plan = planOf(forgetting(stack.brokers))
    const url = await postgres.createDatabase()
    await ensureTopics(
      stack.brokers,
      STREAM_NAMES.map((stream) => ({ name: plan.streams[stream].topic, partitions: 1 })),
    )
    const atMs = Date.now() - HOUR_MS
    const id = (n: number): Readonly<Record<string, string>> => ({ impression_id: `"again-${n}"` })
    const originals = Array.from({ length: 500 }, (_, n) => sentImpression(atMs + n, id(n)))
    await send(plan, originals)
    await submit(plan, url, { stateTtlMs: 30_000 })
    const classOf = async (n: number): Promise<string | undefined> => {
      const at = new Date(atMs + 10_000 + n * 1_000).toISOString()
      const rows = await runSql(
        url,
        `select class from ledger where window_start = date_trunc('second', '${at}'::timestamptz)`,
      )
      return rows[0]?.[0] ?? undefined
    }
    await eventually(
      'all are counted',
      async () => (await eventsOf(url, 'true')) === originals.length,
      STACK_DEADLINE_MS,
    )
    const classes: (string | undefined)[] = []
    // Each is asked for once: what is asked for is not forgotten.
    for (let n = 0; classes.at(-1) !== 'counted' && n < originals.length; n++) {
      await send(plan, [sentImpression(atMs + 10_000 + n * 1_000, id(n))])
      await eventually('it is in the ledger', async () => (await classOf(n)) !== undefined, STACK_DEADLINE_MS)
      classes.push(await classOf(n))
    }
    assert.deepEqual([classes[0], classes.at(-1)], ['duplicate', 'counted'])
    const copies = classes.map((_, n) => sentImpression(atMs + 10_000 + n * 1_000, id(n)))
    const lines = [...originals, ...copies].map(({ value }) => Buffer.from(value ?? ''))
    const { result } = await replayPartitions(plan, [{ stream: 'impressions', lines }])
    assert.equal(result.ledger.impressions.duplicate, copies.length)
  })
})

it('docs/parity.md lists the lines that are shown here, and no others', () => {
  const table = readFileSync(PARITY, 'utf8').split('| --- | --- | --- |')[1] ?? ''
  const listed = [...table.matchAll(/^\| (.+?) \| .+ \| .+ \|$/gm)].map(([, title = '']) => title)
  const shown = [...DIFFERENCES.map(({ title }) => title), ...Object.values(TITLES)]
  assert.deepEqual(listed.toSorted(), shown.toSorted())
})

/** What is in the topics before either engine starts. */
function firstInput(): readonly SentRecord[] {
  const names = ['-0.50e+3', '-0', '500'].map((name, at) => sentImpression(NAMES_MS + at, { campaign_id: name }))
  return [
    sentImpression(0, { event_timestamp: '"2025-02-31T10:00:00Z"' }),
    sentImpression(Date.parse('2090-01-01T00:00:00Z')),
    ...DIFFERENCES.flatMap(({ sent }, place) => sent(placeMs(place))),
    ...names,
    sentImpression(MALFORMED_MS),
    { stream: 'impressions', value: null },
    { stream: 'impressions', value: '{}' },
    sentImpression(LATE_MS),
    sentClick(LATE_MS + 1, LATE_MS),
    ...Array.from({ length: TWICE }, (_, n) => inBothPartitions(n)).flat(),
    sentClick(LAST_MS, LAST_MS - 1),
  ]
}

/** One id in two partitions, of another campaign and in another minute in each. */
function inBothPartitions(n: number): readonly SentRecord[] {
  return [0, 1].map((partition) => ({
    ...sentImpression(LAST_MS + partition * 60_000 + n, {
      impression_id: `"twice-${n}"`,
      campaign_id: `"c${partition}"`,
    }),
    partition,
  }))
}

/** The ledger of a line's six hours, without malformed records. */
async function classesOf(url: string, fromMs: number): Promise<Classes> {
  const rows = await runSql(
    url,
    `select stream || ' ' || class, sum(events)::int from ledger
     where ${within(fromMs)} and events > 0 and class <> 'malformed' group by 1`,
  )
  return Object.fromEntries(rows.map(([name, events]) => [String(name), Number(events)]))
}

async function eventsOf(url: string, condition: string): Promise<number> {
  const rows = await runSql(url, `select coalesce(sum(events), 0)::int from ledger where ${condition}`)
  return Number(rows[0]?.[0])
}

async function campaignsOf(url: string, fromMs: number): Promise<readonly string[]> {
  const rows = await runSql(url, `select campaign_id from ctr_by_campaign where ${within(fromMs)}`)
  return rows.map(([name]) => String(name)).toSorted()
}

async function isFinal(url: string, fromMs: number): Promise<boolean> {
  const rows = await runSql(url, `select count(*)::int from ctr_by_campaign where ${within(fromMs)} and not is_final`)
  return rows[0]?.[0] === '0'
}

function within(fromMs: number): string {
  const at = (ms: number): string => `'${new Date(ms).toISOString()}'`
  return `window_start >= ${at(fromMs)} and window_start < ${at(fromMs + 5 * HOUR_MS)}`
}

/** Two tables and the ledger: every step of the job, at half the time to plan it. */
function definition(brokers: string): object {
  return {
    extends: 'ads',
    name: 'differences',
    parameters: DIFFERENCES_PARAMETERS,
    tables: { engagement_by_device: null, performance: null },
    sources: { http: null, kafka: { kind: 'kafka', brokers } },
  }
}

/** One table, with windows of a second. */
function forgetting(brokers: string): object {
  return {
    ...definition(brokers),
    name: 'forgetting',
    parameters: { windowSize: '1s' },
    streams: { impressions: { topic: 'forgotten-impressions' }, clicks: { topic: 'forgotten-clicks' } },
    tables: { engagement_by_device: null, performance: null, clicks_by_minute: null },
  }
}
