/**
 * The page's server over real connections.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { describeUrl } from '../../src/database/database-error.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { PipelineStatus } from '../../src/runtime/status.ts'
import { DEFAULT_PORT } from '../../src/server/listen.ts'
import { LiveView } from '../../src/server/live-view.ts'
import type { PatchMessage, SnapshotMessage } from '../../src/server/page-data.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { startServer, type RunningServer, type ServerOptions } from '../../src/server/start-server.ts'
import { eventually } from '../support/eventually.ts'
import { adPlan, pageChanges } from '../support/page-changes.ts'
import { healthyStatus, partition } from '../support/pipeline-status.ts'
import { get, open, readEvents } from '../support/raw-http.ts'

let assetsDir = ''
const servers: RunningServer[] = []

before(() => {
  assetsDir = mkdtempSync(join(tmpdir(), 'tidemark-assets-'))
  mkdirSync(join(assetsDir, 'assets'))
  writeFileSync(join(assetsDir, 'index.html'), '<!doctype html><title>Tidemark</title>')
  writeFileSync(join(assetsDir, 'assets', 'index-1a2b.js'), 'export {}')
})
after(() => rmSync(assetsDir, { recursive: true }))
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function start(changed: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const liveView = new LiveView(adPlan)
  // Patches come when a test asks for them.
  const options = { liveView, status: () => healthyStatus(), port: 0, assetsDir, patchIntervalMs: 3_600_000 }
  const server = await startServer({ ...options, ...changed })
  servers.push(server)
  return server
}

describe('what the server answers', () => {
  it('Q1 of protection: the page and its files, under a strict policy, and nothing else', async () => {
    const { port } = await start()
    const index = await get(port, '/')
    assert.equal(index.status, 200)
    assert.equal(index.headers['cache-control'], 'no-cache')
    assert.match(String(index.headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
    assert.doesNotMatch(String(index.headers['content-security-policy']), /unsafe/)
    assert.equal(index.headers['x-content-type-options'], 'nosniff')
    assert.equal(index.headers['referrer-policy'], 'no-referrer')
    const script = await get(port, '/assets/index-1a2b.js')
    assert.match(String(script.headers['cache-control']), /immutable/)
    for (const path of ['/nothing', '/..%2f..%2fpackage.json', '/assets/', '/api/nothing'])
      assert.ok([403, 404].includes((await get(port, path)).status), path)
  })

  it('R1 of error-answer: no address of a database, whatever fails', async () => {
    const url = 'postgresql://hidden_user:hidden_word@127.0.0.1:1/hidden_name'
    const reader = new ViewReader({ plan: adPlan, url })
    const message = `Could not write epoch 7: nothing accepts connections there (${describeUrl(url)}).`
    const { database } = healthyStatus()
    const status = (): PipelineStatus => healthyStatus({ database: { ...database, state: 'down', message } })
    const { port } = await start({ status, views: { plan: adPlan, reader } })
    const told = [await get(port, '/api/v1/view'), await get(port, '/api/v1/freshness'), await get(port, '/api/page')]
    await reader.close()
    for (const { body } of told) assert.doesNotMatch(body, /hidden|postgres(?:ql)?:/)
    assert.deepEqual(JSON.parse(told[0]?.body ?? ''), {
      code: 'DATABASE_UNAVAILABLE',
      message: 'Could not connect to PostgreSQL: nothing accepts connections there.',
      fix: 'start the server, or give another one with --database-url',
    })
    assert.match(told[1]?.body ?? '', /nothing accepts connections there\."/)
    assert.match(message, /hidden_user/, 'control: it was there to be told')
  })

  it('everything at once as JSON that is never kept', async () => {
    const liveView = new LiveView(adPlan)
    liveView.apply(pageChanges([{ minute: 0, campaign: '<b>', impressions: 3 }]))
    const { port } = await start({ liveView })
    const { headers, body } = await get(port, '/api/page')
    assert.equal(headers['cache-control'], 'no-store')
    assert.match(String(headers['content-type']), /^application\/json/)
    const message = JSON.parse(body) as SnapshotMessage
    assert.deepEqual(message.data.totals.last, [3, 0, 0])
    assert.equal(message.page.charts[0]?.title, 'CTR per campaign')
  })

  it('whether it lives, and what it waits for', async () => {
    let status: PipelineStatus | null = null
    const { port } = await start({ status: () => status })
    assert.equal((await get(port, '/healthz')).status, 200)
    const ready = async (): Promise<readonly [number, unknown]> => {
      const { status: code, body } = await get(port, '/readyz')
      return [code, (JSON.parse(body) as { waitingFor: unknown }).waitingFor]
    }
    assert.deepEqual(await ready(), [503, ['the pipeline']])
    const database = { ...healthyStatus().database, state: 'starting' } as const
    status = healthyStatus({ database, partitions: [partition({ state: 'waiting' })] })
    assert.deepEqual(await ready(), [503, ['PostgreSQL']])
    const intake = { ...healthyStatus().intake, state: 'full' } as const
    status = healthyStatus({ intake })
    assert.deepEqual(await ready(), [503, ['room for the journal']])
    status = healthyStatus({ partitions: [partition({ state: 'waiting' })] })
    assert.deepEqual(await ready(), [200, []], 'who waits for events must be sent some')
  })

  it('says how to build the page where it is not built', async () => {
    const { port } = await start({ assetsDir: join(assetsDir, 'none') })
    const { status, body } = await get(port, '/')
    assert.equal(status, 503)
    assert.match(body, /vite build dashboard/)
  })

  it('Q2 of protection: only to names of this machine while bound to loopback', async () => {
    const { port } = await start()
    const statusOf = async (host: string): Promise<number> => (await get(port, '/api/page', { host })).status
    for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', `[::1]:${port}`, 'LOCALHOST'])
      assert.equal(await statusOf(host), 200, host)
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '[::2]',
    ])
      assert.equal(await statusOf(host), 421, host)
    const open = await start({ host: '0.0.0.0' })
    assert.equal((await get(open.port, '/api/page', { host: 'dashboard.internal' })).status, 200)
  })
})

describe('the live stream', () => {
  it('F1 of live-feed: starts with a snapshot, goes on with patches, and resumes where a reader left', async () => {
    const liveView = new LiveView(adPlan)
    const server = await start({ liveView })
    const reading = readEvents(await open(server.port, '/api/live'), 2)
    liveView.apply(pageChanges([{ minute: 0, campaign: 'a', impressions: 1 }]))
    server.flush()
    const [snapshot, patch] = await reading
    assert.deepEqual([snapshot?.event, patch?.event], ['snapshot', 'patch'])
    const { data } = (patch?.data ?? {}) as { data?: { totals: { last: unknown } } }
    assert.deepEqual(data?.totals.last, [1, 0, 0])

    liveView.apply(pageChanges([{ minute: 0, campaign: 'a', impressions: 2 }]))
    server.flush()
    const [missed] = await readEvents(await open(server.port, '/api/live', { 'last-event-id': patch?.id ?? '' }), 1)
    assert.equal(missed?.event, 'patch')
    const [byQuery] = await readEvents(await open(server.port, `/api/live?after=${snapshot?.id}`), 1)
    assert.deepEqual(byQuery, patch)
  })

  it('F2 and F3 of live-feed: gives a snapshot to whoever comes from elsewhere or missed too much', async () => {
    const server = await start()
    const [first] = await readEvents(await open(server.port, '/api/live'), 1)
    for (let i = 0; i < 70; i++) server.flush()
    for (const id of [
      first?.id ?? '',
      'other.3',
      'nonsense',
      `${first?.id.split('.')[0]}.999`,
      `${first?.id.split('.')[0]}.1e1`,
    ]) {
      const [event] = await readEvents(await open(server.port, '/api/live', { 'last-event-id': id }), 1)
      assert.equal(event?.event, 'snapshot', id)
    }
  })

  it('answers at once to a place to resume after that makes no sense', async () => {
    const { port } = await start()
    assert.equal((await get(port, '/api/live?after=a.1&after=b.1')).status, 400)
    assert.equal((await get(port, `/api/live?after=${'1'.repeat(65)}`)).status, 400)
    const [event] = await readEvents(await open(port, '/api/live?after=&other=1&other=2'), 1)
    assert.equal(event?.event, 'snapshot')
  })

  it('X3 of event-stream: says something every interval, even when nothing changes', async () => {
    const server = await start({ patchIntervalMs: 20 })
    const events = await readEvents(await open(server.port, '/api/live'), 4)
    const [, ...patches] = events.map(({ data }) => data as PatchMessage)
    assert.ok(patches.every(({ data, status }) => data === undefined && status?.epoch === 8_412))
  })

  it('X2 of event-stream: refuses one reader too many, and takes the next when one leaves', async () => {
    const { port } = await start({ maxConnections: 1 })
    const first = await open(port, '/api/live')
    assert.equal((await get(port, '/api/live')).status, 503)
    first.destroy()
    await eventually('a place is free', async () => {
      const next = await open(port, '/api/live')
      next.destroy()
      return next.statusCode === 200
    })
  })

  it('X1 of event-stream: drops a reader that does not read, and nobody else', async () => {
    const liveView = new LiveView(adPlan)
    const server = await start({ liveView, maxBufferedBytes: 2_000_000, maxConnections: 2 })
    const slow = await open(server.port, '/api/live')
    slow.on('error', () => undefined).pause()
    const quick = await open(server.port, '/api/live')
    let heardBytes = 0
    quick.on('data', (chunk: Buffer) => (heardBytes += chunk.length))
    let impressions = 0
    const sayMuch = (): void => {
      const names = Array.from({ length: 10 }, (_, i) => `${'x'.repeat(500)}${i}`)
      impressions++
      liveView.apply(pageChanges(names.map((campaign) => ({ minute: 0, campaign, impressions }))))
      server.flush()
    }
    await eventually('the slow reader gives its place away', async () => {
      for (let i = 0; i < 30; i++) sayMuch()
      const next = await open(server.port, '/api/live')
      next.destroy()
      return next.statusCode === 200
    })
    const before = heardBytes
    sayMuch()
    await eventually('the other still hears', () => heardBytes > before)
    quick.destroy()
    slow.destroy()
  })

  it('ends its streams when it closes', async () => {
    const server = await start()
    const response = await open(server.port, '/api/live')
    let isEnded = false
    response
      .resume()
      .on('close', () => (isEnded = true))
      .on('error', () => undefined)
    await server.close()
    await eventually('the stream ends', () => isEnded)
  })
})

describe('where the server listens', () => {
  const takePort = async (port: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve(server))
    })

  it('on the next free port where the default is taken', async () => {
    const holder = await takePort(DEFAULT_PORT).catch(() => undefined)
    const liveView = new LiveView(adPlan)
    const server = await startServer({ liveView, status: () => null, assetsDir })
    servers.push(server)
    assert.ok(server.port > DEFAULT_PORT && server.port < DEFAULT_PORT + 20, String(server.port))
    assert.equal(server.url, `http://localhost:${server.port}`)
    holder?.close()
  })

  it('H1 of start-server: nowhere else than where it was told, and says who is there', async () => {
    const holder = await takePort(0)
    const address = holder.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await assert.rejects(start({ port }), (error) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'PORT_UNAVAILABLE')
      assert.match(error.message, new RegExp(`port ${port} of 127.0.0.1: it is taken by`))
      if (process.platform === 'linux') assert.match(error.message, new RegExp(`pid ${process.pid}`))
      return true
    })
    holder.close()
  })

  it('and says what is wrong with an address this machine does not have', async () => {
    await assert.rejects(start({ host: '192.0.2.1' }), { code: 'PORT_UNAVAILABLE' })
  })
})
