/**
 * The page over a database that nobody of ours writes to, as a Flink job leaves it: no epoch row, windows that are closed.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs } from '../../src/pipeline/plan.ts'
import type { ViewAnswer } from '../../src/query/view-answer.ts'
import { serveDatabasePage } from '../../src/service/database-page.ts'
import { eventually } from '../support/eventually.ts'
import { makeFacts, writeFacts } from '../support/fact-tables.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)
const SPAN = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 0, 1, 3), finalUpToMs: Date.UTC(2026, 0, 1, 2) }

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

it('shows what the tables hold and how far they are, reads only, and ends when it is told to', async () => {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 3_000, 3))
  const stop = new AbortController()
  let address = ''
  const served = serveDatabasePage({
    plan,
    url,
    dataDir: 'not used on loopback',
    host: '127.0.0.1',
    port: 0,
    signal: stop.signal,
    onFirstAdmin: () => assert.fail('on loopback nobody logs in'),
    onReady: (ready) => (address = ready),
    onTrouble: (message) => assert.fail(message),
  })
  await eventually('it is there', () => address !== '')
  const json = async (path: string): Promise<unknown> => (await fetch(`${address}${path}`)).json()
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
  stop.abort()
  await served
  await assert.rejects(fetch(address))
})
