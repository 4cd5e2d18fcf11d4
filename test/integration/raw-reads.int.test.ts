/**
 * Raw events behind the tables, and how long clicks take, from the journal of a service that runs (W1 to W3 of
 * src/service/raw/raw-reads.ts).
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import type { ClickLagAnswer, DrillAnswer } from '../../src/query/raw-answer.ts'
import { lagAnswer } from '../../src/service/raw/lag-answer.ts'
import { MOST_WAITING, RawReads } from '../../src/service/raw/raw-reads.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { adPlan } from '../support/engine-rig.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()
const MINUTE_MS = 60_000

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
  assert.ok(forced.events.every(({ dimensions }) => dimensions['campaign_id'] === '=1+1'))
  const lag = (await (await fetch(`http://127.0.0.1:${port}/api/v1/click-lag?range=1h`)).json()) as ClickLagAnswer
  assert.equal(lag.attributionWindowMs, plan.parameters.attributionWindowMs)
  await rig.stop()
})

it('click lag: quantiles and losses of the lags, nothing for none', () => {
  const range = { startMs: 0, endMs: 1 }
  const lagsMs = [
    ...Array.from({ length: 96 }, (_, i) => i * 1_000),
    31 * MINUTE_MS,
    32 * MINUTE_MS,
    33 * MINUTE_MS,
    -500,
  ]
  const answer = lagAnswer(plan, { epoch: 1, range, oneIn: 1, lagsMs: [...lagsMs, Infinity] })
  assert.equal(answer.impressions, 101)
  assert.equal(answer.clicked, 100)
  assert.equal(answer.lostShare, 0.03)
  assert.equal(answer.windowForOnePercentMs, 32 * MINUTE_MS)
  assert.equal(answer.medianMs, 48_000)
  assert.equal(
    answer.buckets.reduce((sum, { clicks }) => sum + clicks, 0),
    100,
  )
  const none = lagAnswer(plan, { epoch: 1, range, oneIn: 1, lagsMs: [Infinity] })
  assert.deepEqual([none.lostShare, none.medianMs, none.windowForOnePercentMs], [null, null, null])
})

it('W3: more questions than may wait are refused at once; the others get their own answer', async () => {
  const reads = new RawReads({ plan: adPlan(), url: 'postgresql://nobody@127.0.0.1:1/none', dataDir: 'none' })
  const query = { range: { startMs: 0, endMs: 60_000 }, filters: [], limit: 1, offset: 0 }
  const codeOf = async (): Promise<string> =>
    reads.drill(query, []).then(
      () => 'none',
      (error: unknown) => (error instanceof TidemarkError ? error.code : String(error)),
    )
  const codes = await Promise.all(Array.from({ length: MOST_WAITING + 3 }, codeOf))
  const unavailable = Array.from({ length: MOST_WAITING + 1 }, () => 'DATABASE_UNAVAILABLE')
  assert.deepEqual(codes, [...unavailable, 'DATABASE_BUSY', 'DATABASE_BUSY'])
  assert.equal(await codeOf(), 'DATABASE_UNAVAILABLE', 'control: once they are gone, there is room')
})
