/**
 * The operator's port by its invariants, and its metrics by theirs (`metrics.ts`, M1 and M2).
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startAdminServer } from '../../src/server/admin-server.ts'
import type { PipelineStatus } from '../../src/runtime/status.ts'
import { healthyStatus, partition, streamLedger } from '../support/pipeline-status.ts'
import { get } from '../support/raw-http.ts'
import { afterwards } from '../support/afterwards.ts'

async function serve(context: TestContext, status: () => PipelineStatus | null): Promise<number> {
  const server = await startAdminServer(status, 0)
  afterwards(context, () => server.close())
  return server.port
}

/** Values by name and labels, as the text format has them. */
function valuesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

describe('the operator’s port', () => {
  it('A2: is healthy at once, and ready when nothing is waited for', async (context) => {
    let status: PipelineStatus | null = null
    const port = await serve(context, () => status)
    assert.equal((await get(port, '/healthz')).status, 200)
    const early = await get(port, '/readyz')
    assert.equal(early.status, 503)
    assert.deepEqual(JSON.parse(early.body), { ready: false, waitingFor: ['the pipeline'] })
    status = healthyStatus()
    assert.equal((await get(port, '/readyz')).status, 200)
  })

  it('A2: is not ready while no events are taken, and says why; PostgreSQL that went away does not count', async (context) => {
    let status = healthyStatus()
    const port = await serve(context, () => status)
    const ready = async (): Promise<unknown> => JSON.parse((await get(port, '/readyz')).body)
    const { intake, database } = status
    status = healthyStatus({ database: { ...database, state: 'down', message: 'It is away.' } })
    assert.deepEqual(await ready(), { ready: true, waitingFor: [] })
    status = healthyStatus({ intake: { ...intake, state: 'full', message: 'The disk is full.' } })
    assert.deepEqual(await ready(), { ready: false, waitingFor: ['room for the journal: The disk is full.'] })
    status = healthyStatus({ intake: { ...intake, state: 'memory_full', message: 'It is full.' } })
    assert.deepEqual(await ready(), { ready: false, waitingFor: ['memory: It is full.'] })
    status = healthyStatus({ intake: { ...intake, state: 'closed' } })
    assert.equal((await get(port, '/readyz')).status, 503)
    status = healthyStatus({ partitions: [partition({ state: 'waiting', eventsRead: 0 })] })
    assert.deepEqual(await ready(), { ready: true, waitingFor: [] }, 'a sender may wait for us to be ready')
  })

  it('A2: while it starts it says what for', async (context) => {
    const server = await startAdminServer(
      () => null,
      0,
      () => 'the checkpoint',
    )
    afterwards(context, () => server.close())
    assert.deepEqual(JSON.parse((await get(server.port, '/readyz')).body), {
      ready: false,
      waitingFor: ['the checkpoint'],
    })
  })

  it('M1: metrics are the status of the moment', async (context) => {
    let status = healthyStatus({ epoch: 7 })
    const port = await serve(context, () => status)
    const before = valuesOf((await get(port, '/metrics')).body)
    assert.equal(before.get('tidemark_epoch'), 7)
    assert.equal(before.get('tidemark_memory_limit_bytes'), 4e9)
    assert.equal(before.get('tidemark_memory_full'), 0)
    assert.equal(before.get('tidemark_events{stream="clicks",class="repeat"}'), 3)
    assert.equal(before.get('tidemark_ledger_difference_events{stream="impressions"}'), 0)
    status = healthyStatus({ epoch: 8, ledger: { ...status.ledger, clicks: streamLedger({ repeat: 4 }, 2) } })
    const after = valuesOf((await get(port, '/metrics')).body)
    assert.equal(after.get('tidemark_epoch'), 8)
    assert.equal(after.get('tidemark_events_read_total{stream="clicks"}'), 6)
    assert.equal(after.get('tidemark_ledger_difference_events{stream="clicks"}'), 2)
  })

  it('M1: a partition that is gone has no metrics any more, one without a watermark no lag', async (context) => {
    let partitions = [partition({ name: 'http/clicks', unreadBytes: 5 }), partition({ name: 'old' })]
    const port = await serve(context, () => healthyStatus({ partitions }))
    const unread = (name: string): string => `tidemark_partition_unread_bytes{stream="impressions",partition="${name}"}`
    const lag = (name: string): string => `tidemark_partition_lag_seconds{stream="impressions",partition="${name}"}`
    const before = valuesOf((await get(port, '/metrics')).body)
    assert.deepEqual([before.get(unread('http/clicks')), before.has(unread('old'))], [5, true])
    assert.ok(before.has(lag('old')))
    partitions = [partition({ name: 'http/clicks', watermarkMs: null, behindMs: null })]
    const after = valuesOf((await get(port, '/metrics')).body)
    assert.deepEqual([after.has(unread('http/clicks')), after.has(unread('old'))], [true, false])
    assert.ok(!after.has(lag('http/clicks')))
  })

  it('has the metrics of the process: event loop, collector, memory', async (context) => {
    const port = await serve(context, () => null)
    const { body } = await get(port, '/metrics')
    for (const name of ['nodejs_eventloop_lag_seconds', 'nodejs_gc_duration_seconds', 'process_resident_memory_bytes'])
      assert.match(body, new RegExp(`^# TYPE ${name} `, 'm'))
    assert.ok(!valuesOf(body).has('tidemark_epoch'), 'before the pipeline runs it has no values')
  })

  it('answers to names of this machine only, and to nothing else', async (context) => {
    const port = await serve(context, () => null)
    const foreign = await get(port, '/metrics', { host: 'evil.example' })
    assert.equal(foreign.status, 421)
    assert.equal((await get(port, '/anything')).status, 404)
  })
})
