/**
 * The page over a database that nobody of ours writes to, as a Flink job leaves it: no epoch row, windows that are
 * closed.
 */
import assert from 'node:assert/strict'
import { after, before, it, type TestContext } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type LedgerClass, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import type { LedgerAnswer } from '../../src/query/ledger-view.ts'
import type { ViewAnswer } from '../../src/query/view-answer.ts'
import { addToLedger, servePage } from '../support/database-page.ts'
import { eventually } from '../support/eventually.ts'
import { makeFacts, writeFacts } from '../support/fact-tables.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)
const SPAN = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 0, 1, 3), finalUpToMs: Date.UTC(2026, 0, 1, 2) }

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

it('shows what the tables hold and how far they are, reads only, and ends when it is told to', async (context) => {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 3_000, 3))
  const { address, json, stop } = await servePage(context, plan, url)
  const { asOf, totals } = (await json('/api/v1/view?range=3h&totals=1')) as ViewAnswer
  assert.equal(asOf.epoch, null)
  assert.equal(asOf.finalUpToMs, SPAN.finalUpToMs)
  assert.equal(asOf.watermarkMs, SPAN.finalUpToMs + finalAfterMs(plan.parameters))
  assert.ok((totals?.value.impressions ?? 0) > 1_000)
  const freshness = (await json('/api/v1/freshness')) as { source: string; finalUpToMs: number }
  assert.deepEqual([freshness.source, freshness.finalUpToMs], ['tables', SPAN.finalUpToMs])
  const drill = await fetch(`${address}/api/v1/drill?window=2026-01-01T00:00:00Z`)
  assert.equal(drill.status, 503)
  assert.match(((await drill.json()) as { message: string }).message, /kept where the pipeline runs/)
  await stop()
  await assert.rejects(fetch(address))
})

async function refusal(context: TestContext, url: string, asked: Plan): Promise<TidemarkError> {
  const error: unknown = await servePage(context, asked, url).then(
    async ({ stop }) => stop(),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TidemarkError, 'it is served')
  return error
}

it('says at the start that the tables are not there, or are of another definition', async (context) => {
  const empty = await refusal(context, await postgres.createDatabase(), plan)
  assert.equal(empty.code, 'DATABASE_SCHEMA_MISMATCH')
  assert.match(empty.message, /^There are no tables of pipeline "ads" in postgresql:/)

  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 300, 3))
  const other = freezePlan({
    ...adPipeline,
    dimensions: { ...adPipeline.dimensions, country: {} },
    measures: { ...adPipeline.measures, ecpm: { ratio: ['spend', 'impressions'] } },
    tables: {
      ...adPipeline.tables,
      ctr_by_campaign: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks', 'spend', 'ecpm'] },
      by_country: { dimensions: ['country'], measures: ['impressions', 'clicks', 'spend'] },
    },
  })
  const { code, message } = await refusal(context, url, other)
  assert.equal(code, 'DATABASE_SCHEMA_MISMATCH')
  assert.match(message, /another definition: column "ecpm" of "ctr_by_campaign", table "by_country" not there/)
})

it('says in what the definition differs that the tables were written by', async (context) => {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 300, 3), SPAN.finalUpToMs)
  const parameters = { ...adPipeline.parameters, attributionWindow: '10m' }
  const troubles: string[] = []
  const { stop } = await servePage(context, freezePlan({ ...adPipeline, parameters }), url, (message) =>
    troubles.push(message),
  )
  await stop()
  assert.match(
    troubles.join('\n'),
    /^The tables were written by another .*: parameter attributionWindow was 30m and is 10m\.$/,
  )
})

it('N2 of tables-watch: says what the ledger holds, of a Flink job too, how fast it grows, and when it cannot be read', async (context) => {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 300, 3))
  const firstMs = Date.UTC(2026, 0, 1, 0, 7)
  const add = (stream: StreamName, eventClass: LedgerClass, events: number): Promise<void> =>
    addToLedger(url, { stream, minuteMs: firstMs, eventClass, events })
  await add('impressions', 'counted', 900)
  await add('impressions', 'duplicate', 10)
  await add('clicks', 'counted', 70)
  const { json, status, stop } = await servePage(context, plan, url)
  const first = await status()
  assert.deepEqual(
    [first.source, first.epoch, first.startedAtMs, first.finalUpToMs, first.partitions, first.database.state],
    ['tables', null, firstMs, SPAN.finalUpToMs, [], 'up'],
  )
  const { impressions, clicks } = first.ledger
  assert.deepEqual([impressions.read, impressions.classes.duplicate, impressions.difference], [910, 10, null])
  assert.deepEqual(
    [clicks.read, clicks.classes.counted, clicks.unattributed],
    [70, 70, 0],
    'a class of nothing has no row',
  )
  assert.equal('unattributed' in impressions, false, 'control')
  await add('clicks', 'unattributed', 4)
  const { streams } = (await json('/api/v1/ledger?from=2026-01-01T00:00:00Z&to=2026-01-01T03:00:00Z')) as LedgerAnswer
  assert.equal(streams.find(({ stream }) => stream === 'clicks')?.events, 74)

  await add('impressions', 'malformed', 50)
  await eventually('it is seen, and how fast', async () => {
    const { ledger, eventsPerSecond } = await status()
    return ledger.impressions.classes.malformed === 50 && ledger.clicks.unattributed === 4 && (eventsPerSecond ?? 0) > 0
  })
  await add('clicks', 'orphan', 1)
  await eventually('by its classes it is no Flink job', async () => !('unattributed' in (await status()).ledger.clicks))
  await runSql(url, 'alter table ledger rename to hidden')
  await eventually('it says that it cannot be read', async () => (await status()).database.state === 'down')
  assert.equal((await status()).ledger.impressions.read, 960, 'what was read last stays')
  await runSql(url, 'alter table hidden rename to ledger')
  await eventually('it is read again', async () => (await status()).database.state === 'up')
  await stop()
})

it('says at the start that the ledger cannot be read, and serves what can', async (context) => {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 300, 3))
  await runSql(
    url,
    `create role ledgerless login password 'x'; grant usage on schema public to ledgerless;
    grant select on all tables in schema public to ledgerless; revoke all on ledger from ledgerless, public`,
  )
  const reader = new URL(url)
  reader.username = 'ledgerless'
  reader.password = 'x'
  const troubles: string[] = []
  const { json, stop } = await servePage(context, plan, reader.href, (message) => troubles.push(message))
  const { totals } = (await json('/api/v1/view?range=3h&totals=1')) as ViewAnswer
  await stop()
  assert.match(troubles.join('\n'), /permission denied for table ledger/)
  assert.ok((totals?.value.impressions ?? 0) > 100)
})
