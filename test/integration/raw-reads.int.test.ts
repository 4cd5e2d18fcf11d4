/**
 * Raw events behind the tables, and how long clicks take, from the journal of a service that runs (W1 to W3 of
 * src/service/raw/raw-reads.ts).
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { findRetained } from '../../src/checkpoint/journal/retained.ts'
import { withConnection } from '../../src/database/connection.ts'
import { readEpochRow, type EpochRow } from '../../src/database/epoch-row.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { ClickLagAnswer, DrillAnswer } from '../../src/query/raw-answer.ts'
import { reasonInWords, type SampleAnswer } from '../../src/query/sample-answer.ts'
import { journalFolder } from '../../src/service/data-folder.ts'
import { lagAnswer } from '../../src/service/raw/lag-answer.ts'
import { MAX_WAITING, RawReads } from '../../src/service/raw/raw-reads.ts'
import { readSamples } from '../../src/service/raw/read-samples.ts'
import { partitionsElsewhere } from '../../src/service/raw/scan-journal.ts'
import { topicTails } from '../../src/service/raw/topic-tails.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { adPlan } from '../support/engine-rig.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

it('drill: exactly the counted impressions of a cell with their clicks, filtered, paged and exported', async (context) => {
  const url = await postgres.createDatabase()
  const dataDir = newFolder(context)
  const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
  const minuteMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 2 * MINUTE_MS
  const at = (i: number): number => minuteMs + i * 500
  const impressions = Array.from({ length: 100 }, (_, i) =>
    impressionLine(`i${i}`, at(i), {
      campaign_id: i % 4 === 0 ? '=1+1' : 'c1',
      device_type: i % 2 === 0 ? 'mobile' : 'tv',
    }),
  )
  // Copies: with another campaign, and with another minute. The first arrival wins.
  const copies = [
    impressionLine('i0', at(0), { campaign_id: 'c1' }),
    impressionLine('i1', minuteMs + 70_000),
    impressionLine('other', minuteMs - 1),
  ]
  const clicks = Array.from({ length: 30 }, (_, i) => clickLine(`k${i}`, `i${i}`, at(i) + 2_000))
  await rig.send('impressions', ...impressions, ...copies)
  await rig.send('clicks', ...clicks, clickLine('again', 'i3', at(3) + 9_000), clickLine('early', 'i5', at(5) - 1_001))
  await eventually('all are in the tables', async () => {
    const [row] = await runSql(url, `select coalesce(sum(events), 0) from ledger`)
    return Number(row?.[0]) === 100 + 3 + 30 + 2
  })
  const { port } = rig.service.server
  const window = new Date(minuteMs).toISOString()
  const drill = async (search: string): Promise<DrillAnswer> =>
    (await (await fetch(`http://127.0.0.1:${port}/api/v1/drill?window=${window}&${search}`)).json()) as DrillAnswer

  const all = await drill('limit=1000')
  assert.equal(all.eventCount, 100)
  assert.deepEqual(
    all.events.map(({ id }) => id),
    impressions.map((_, i) => `i${i}`),
  )
  const [tables] = await runSql(
    url,
    `select sum(impressions), sum(clicks) from performance where window_start = '${window}'`,
  )
  const counted = all.events.flatMap((event) => event.clicks.filter((click) => click.class === 'counted'))
  assert.deepEqual(tables, [String(all.eventCount), String(counted.length)])
  const classesOf = (id: string): readonly string[] =>
    all.events.find((event) => event.id === id)?.clicks.map((click) => `${click.id} ${click.class}`) ?? []
  assert.deepEqual(classesOf('i3'), ['k3 counted', 'again repeat'])
  assert.deepEqual(classesOf('i5'), ['k5 counted', 'early out_of_window'])
  assert.equal(all.events[0]?.text, impressions[0])

  const page = await drill('f.device_type=tv&f.campaign_id=c1&limit=10&offset=5')
  assert.equal(page.eventCount, 50)
  assert.deepEqual(
    page.events.map(({ id }) => id),
    ['i11', 'i13', 'i15', 'i17', 'i19', 'i21', 'i23', 'i25', 'i27', 'i29'],
  )
  const csv = await fetch(`http://127.0.0.1:${port}/api/v1/drill?window=${window}&format=csv&limit=1`)
  assert.match(csv.headers.get('content-disposition') ?? '', /attachment; filename="events.csv"/)
  assert.match(await csv.text(), /,'=1\+1,/, 'a formula is text')
  const ndjson = await fetch(`http://127.0.0.1:${port}/api/v1/drill?window=${window}&format=ndjson&limit=7`)
  assert.equal((await ndjson.text()).trimEnd().split('\n').length, 7)

  const reads = new RawReads({ plan, url, dataDir })
  const span = { startMs: minuteMs, endMs: minuteMs + MINUTE_MS }
  const forced = await reads.drill({ range: span, filters: [], limit: 500, offset: 0 }, [
    { dimension: 'campaign_id', mode: 'include', members: ['=1+1'] },
  ])
  assert.equal(forced.eventCount, 25, 'what may be seen')
  assert.deepEqual(forced.elsewhere, [])
  assert.ok(forced.events.every(({ dimensions }) => dimensions['campaign_id'] === '=1+1'))
  const lag = (await (await fetch(`http://127.0.0.1:${port}/api/v1/click-lag?range=1h`)).json()) as ClickLagAnswer
  assert.equal(lag.attributionWindowMs, plan.parameters.attributionWindowMs)
  await rig.stop()
})

it('samples: events of each class that is not counted, with the reason, whole or from the newest part', async (context) => {
  const url = await postgres.createDatabase()
  const dataDir = newFolder(context)
  const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
  const nowMs = Date.now()
  const at = nowMs - 10 * MINUTE_MS
  await rig.send('impressions', ...['i0', 'i1', '=1+1'].map((id) => impressionLine(id, at)))
  await rig.send('impressions', impressionLine('i0', at + 5), impressionLine('ahead', nowMs + 20 * MINUTE_MS))
  await rig.send(
    'clicks',
    clickLine('k0', 'i0', at + 1_000),
    clickLine('k0', 'i1', at + 1_500),
    clickLine('second', '=1+1', at + 9_000),
    clickLine('first', '=1+1', at + 8_000),
    clickLine('early', 'i1', at - 5_000),
    clickLine('pending', '<b>nobody</b>', nowMs),
  )
  await rig.send('impressions', impressionLine('newest', nowMs))
  await eventually('the watermark is there', async () => (await rig.status()).watermarkMs === nowMs - 5_000)
  await rig.send('clicks', clickLine('late', 'i1', at - 60_000))
  await eventually('all are in the tables', async () => {
    const [row] = await runSql(url, `select coalesce(sum(events), 0) from ledger`)
    return Number(row?.[0]) === 6 + 7
  })
  const address = `http://127.0.0.1:${rig.service.server.port}/api/v1/samples`
  const samples = async (search: string): Promise<SampleAnswer> =>
    (await (await fetch(`${address}?${search}`)).json()) as SampleAnswer
  const told = async (eventClass: string): Promise<readonly string[]> => {
    const answer = await samples(`class=${eventClass}`)
    assert.equal(answer.looked.fromMs, null, 'all of it was looked at')
    return answer.samples.map(({ id, reason }) => `${id}: ${reasonInWords(reason, WORDS)}`)
  }
  assert.deepEqual(await told('late'), [
    `late: came ${11 * MINUTE_MS - 5_000} behind the watermark; 300000 are allowed`,
  ])
  assert.match((await told('future'))[0] ?? '', /^ahead: stamped \d+ ahead of the clock; 300000 are allowed$/)
  assert.deepEqual((await told('duplicate')).toSorted(), [
    `i0: an event with its id, of ${at}, came before it`,
    `k0: an event with its id, of ${at + 1_000}, came before it`,
  ])
  assert.deepEqual(await told('repeat'), [
    `second: click first of ${at + 8_000} on the same impression =1+1 is earlier`,
  ])
  assert.deepEqual(await told('out_of_window'), [`early: 5000 before impression i1 of ${at}; 1000 are allowed`])
  assert.deepEqual(await told('pending'), [
    `pending: impression <b>nobody</b> may come until the watermark is past ${nowMs + 1_000 + 10 * MINUTE_MS}`,
  ])
  assert.deepEqual(await told('orphan'), [])
  assert.equal((await samples('class=duplicate&stream=clicks')).samples.length, 1)
  const csv = await fetch(`${address}?class=repeat&format=csv`)
  assert.match(csv.headers.get('content-disposition') ?? '', /attachment; filename="repeat-events.csv"/)
  assert.match(await csv.text(), /clicks,repeat,second,.*is earlier/)
  const ndjson = await (await fetch(`${address}?class=late&format=ndjson`)).text()
  assert.match(ndjson, /"because":"came 655s behind the watermark; 5m are allowed"/)
  for (const search of ['', 'class=counted', 'class=malformed', 'class=late&limit=0', 'class=late&x=1'])
    assert.equal((await fetch(`${address}?${search}`)).status, 400, search)

  const row = await epochRow(url)
  const scan = {
    disk: nodeDisk,
    plan,
    partitions: findRetained(nodeDisk, journalFolder(dataDir)),
    positions: { ...row.positions, 'topic/ad-clicks/0': 17 },
    epoch: row.epoch,
    watermarkMs: row.watermarkMs,
    maxBytes: 400,
    topics: { tails: [], read: [] },
  }
  const query = { class: 'late', stream: undefined, limit: 10 } as const
  const part = await readSamples(scan, query)
  assert.deepEqual(
    part.samples.map(({ id }) => id),
    ['late'],
  )
  assert.ok(part.looked.bytes < part.looked.ofBytes && part.looked.fromMs !== null)
  assert.deepEqual(part.elsewhere, ['topic/ad-clicks/0'])
  const repeats = await readSamples(scan, { ...query, class: 'repeat' })
  assert.deepEqual([repeats.samples, (repeats.toldFromMs ?? 0) > nowMs], [[], true], 'what cannot be told is not')

  const names = ['ads/impressions-0']
  const topics = await topicTails({ plan, dataDir, positions: { ...row.positions, 'ads/impressions-0': 9 }, names })
  assert.deepEqual(topics.read, [])
  const whole = { ...scan, positions: row.positions, maxBytes: 1e9 }
  const beside = { ...whole, positions: { ...row.positions, 'ads/impressions-0': 9 }, topics }
  const pending = { ...query, class: 'pending' } as const
  const idsOf = ({ samples: found }: SampleAnswer): readonly string[] => found.map(({ id }) => id)
  assert.deepEqual(idsOf(await readSamples({ ...whole, topics }, pending)), [], 'its impression may be in a topic')
  assert.deepEqual(idsOf(await readSamples({ ...whole, topics }, query)), ['late'], 'what needs no impression is told')
  for (const sampled of ['orphan', 'pending'] as const) {
    const { samples: none, elsewhere, toldFromMs } = await readSamples(beside, { ...query, class: sampled })
    assert.deepEqual([none, elsewhere, toldFromMs], [[], names, null], 'the partition says why, not a time')
  }
  assert.deepEqual(idsOf(await readSamples(whole, pending)), ['pending'], 'control')
  await topics.close()
  await rig.stop()
})

const WORDS = { time: String, length: String }

async function epochRow(url: string): Promise<EpochRow> {
  return withConnection({ url, applicationName: 'test' }, async (client) => {
    const row = await readEpochRow(client, plan.name)
    assert.ok(row !== undefined)
    return row
  })
}

it('click lag: quantiles and losses of the lags, nothing for none', () => {
  const range = { startMs: 0, endMs: 1 }
  const lagsMs = [
    ...Array.from({ length: 96 }, (_, i) => i * 1_000),
    31 * MINUTE_MS,
    32 * MINUTE_MS,
    33 * MINUTE_MS,
    -500,
  ]
  const answer = lagAnswer(plan, { epoch: 1, range, elsewhere: [], oneIn: 1, lagsMs: [...lagsMs, Infinity] })
  assert.equal(answer.impressions, 101)
  assert.equal(answer.clicked, 100)
  assert.equal(answer.lostShare, 0.03)
  assert.equal(answer.windowForOnePercentMs, 32 * MINUTE_MS)
  assert.equal(answer.medianMs, 48_000)
  assert.equal(
    answer.buckets.reduce((sum, { clicks }) => sum + clicks, 0),
    100,
  )
  const none = lagAnswer(plan, { epoch: 1, range, elsewhere: [], oneIn: 1, lagsMs: [Infinity] })
  assert.deepEqual([none.lostShare, none.medianMs, none.windowForOnePercentMs], [null, null, null])
})

it('what was counted and is not in the journal is named: it is in topics', () => {
  const positions = { 'http/clicks': 9, 'ads/clicks-0': 7, 'ads/clicks-1': 0 }
  assert.deepEqual(partitionsElsewhere({ partitions: [{ name: 'http/clicks' }], positions }), ['ads/clicks-0'])
})

it('W3: more questions than may wait are refused at once; the others get their own answer', async () => {
  const reads = new RawReads({ plan: adPlan(), url: 'postgresql://nobody@127.0.0.1:1/none', dataDir: 'none' })
  const query = { range: { startMs: 0, endMs: 60_000 }, filters: [], limit: 1, offset: 0 }
  const codeOf = async (): Promise<string> =>
    reads.drill(query, []).then(
      () => 'none',
      (error: unknown) => (error instanceof TidemarkError ? error.code : String(error)),
    )
  const codes = await Promise.all(Array.from({ length: MAX_WAITING + 3 }, codeOf))
  const unavailable = Array.from({ length: MAX_WAITING + 1 }, () => 'DATABASE_UNAVAILABLE')
  assert.deepEqual(codes, [...unavailable, 'DATABASE_BUSY', 'DATABASE_BUSY'])
  assert.equal(await codeOf(), 'DATABASE_UNAVAILABLE', 'control: once they are gone, there is room')
})
