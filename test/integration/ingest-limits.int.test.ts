/**
 * Each limit of the ingest with its answer; what is refused leaves nothing behind, in memory or in the journal.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { IngestLimits } from '../../src/server/ingest/limits.ts'
import { eventually } from '../support/eventually.ts'
import { impressionLine } from '../support/event-lines.ts'
import { rawClient, startIngest, type IngestRig, type Posted } from '../support/ingest-rig.ts'

const EVENT = impressionLine('i1', 1_767_225_600_000)
const rigs: IngestRig[] = []
afterEach(async () => {
  for (const { intake } of rigs) intake.sync()
  await Promise.all(rigs.splice(0).map((rig) => rig.close()))
})
const start = async (limits: Partial<IngestLimits> = {}, more = {}): Promise<IngestRig> => {
  const rig = await startIngest({ limits, ...more })
  rigs.push(rig)
  return rig
}

async function refused(rig: IngestRig, posting: Promise<Posted>, status: number, code: string): Promise<Posted> {
  const answer = await posting
  assert.deepEqual([answer.status, (answer.body as { code: string }).code], [status, code])
  assert.ok((answer.body as { message: string }).message.endsWith('.'))
  assert.deepEqual(rig.intake.appended, [])
  await eventually('nothing is held', () => rig.ingest.bytesInFlight === 0)
  return answer
}

describe('sizes', () => {
  it('a body, by its length or while it comes', async () => {
    const rig = await start({ maxBodyBytes: 1_000 })
    const body = `[${EVENT}${' '.repeat(1_000)}]`
    await refused(rig, rig.post('/v1/impressions', body), 413, 'body_too_large')
    const client = await rawClient(rig.server.port)
    client.socket.write('POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n')
    client.socket.write(`transfer-encoding: chunked\r\n\r\n400\r\n${' '.repeat(0x400)}\r\n`)
    await eventually('it is told before its end', () => client.text().startsWith('HTTP/1.1 413'))
    client.socket.destroy()
    assert.equal((await rig.post('/v1/impressions', EVENT)).status, 200, 'control: a smaller one is taken')
  })

  it('a body of exactly the limit is taken', async () => {
    const rig = await start({ maxBodyBytes: EVENT.length, maxEventsPerRequest: 1 })
    assert.equal((await rig.post('/v1/impressions', EVENT)).status, 200)
  })

  for (const [encoding, compress] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)
    it(`I1 of inflate: bombs: ${encoding}, by size and by ratio, also in many small frames`, async () => {
      const headers = { 'content-encoding': encoding }
      const small = await start({ maxInflatedBytes: 100_000 })
      const body = compress(Buffer.alloc(100_000, `${EVENT}\n`))
      await refused(small, small.post('/v1/impressions', body, headers), 413, 'inflated_too_large')
      const rig = await start({ maxInflatedBytes: 1 << 30 })
      const bomb = compress(Buffer.alloc(200_000_000))
      await refused(rig, rig.post('/v1/impressions', bomb, headers), 413, 'inflated_too_large')
      const frame = compress(Buffer.alloc(1_000_000))
      const frames = Buffer.concat(Array.from({ length: 200 }, () => frame))
      await refused(rig, rig.post('/v1/impressions', frames, headers), 413, 'inflated_too_large')
      assert.equal((await rig.post('/v1/impressions', compress(Buffer.from(EVENT)), headers)).status, 200)
    })

  it('I2 of inflate: what is compressed has to be whole', async () => {
    const rig = await start()
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(EVENT)],
      ['zstd', zstdCompressSync(EVENT)],
    ] as const)
      for (const body of [
        bytes.subarray(0, -3),
        Buffer.concat([bytes, Buffer.from('more')]),
        Buffer.from(EVENT),
        Buffer.alloc(0),
      ])
        await refused(rig, rig.post('/v1/impressions', body, { 'content-encoding': encoding }), 400, 'bad_encoding')
  })

  it('N2 of http-ingest: events in a request', async () => {
    const rig = await start({ maxEventsPerRequest: 3 })
    const lines = `${EVENT}\n`.repeat(4)
    await refused(rig, rig.post('/v1/impressions', lines), 413, 'too_many_events')
    await refused(
      rig,
      rig.post('/v1/impressions', `[${[EVENT, EVENT, EVENT, EVENT].join(',')}]`),
      413,
      'too_many_events',
    )
    assert.equal((await rig.post('/v1/impressions', `${EVENT}\n`.repeat(3))).status, 200)
  })
})

describe('forms', () => {
  it('media types, encodings, methods, paths, arrays that do not end', async () => {
    const rig = await start()
    const post = (headers: Record<string, string>, body = EVENT): Promise<Posted> =>
      rig.post('/v1/impressions', body, headers)
    for (const type of ['application/x-www-form-urlencoded', 'text/html', 'application/json; charset=utf-16', ''])
      await refused(rig, post({ 'content-type': type }), 415, 'media_type')
    for (const encoding of ['br', 'gzip, gzip', 'deflate'])
      await refused(rig, post({ 'content-encoding': encoding }), 415, 'content_encoding')
    for (const body of [`[${EVENT}`, `[${EVENT},]`, `[${EVENT}] x`])
      await refused(rig, post({}, body), 422, 'broken_array')
    await refused(rig, rig.post('/v1/views', EVENT), 404, 'not_found')
    await refused(rig, rig.post('/v1/impressions', EVENT, { host: 'evil.example' }), 421, 'wrong_host').catch(
      () => undefined,
    )
    assert.equal((await fetch(`${rig.server.url}/v1/impressions`)).status, 405)
  })

  it('a foreign page cannot send without a key (O1 of browser-origin)', async () => {
    const rig = await start()
    const { port } = rig.server
    const post = (headers: Record<string, string>): Promise<Posted> =>
      rig.post('/v1/impressions', EVENT, { 'content-type': 'text/plain', ...headers })
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `http://localhost.evil.example:${port}` },
      { origin: 'http://127.0.0.1:1' },
    ])
      await refused(rig, post(headers), 403, 'cross_origin')
    assert.equal((await post({ origin: `http://127.0.0.1:${port}` })).status, 200, 'control: this very page may')
  })
})

describe('rates and room', () => {
  it('R1 of rate-limiter: events of an address, with the time to wait', async () => {
    let nowMs = 0
    const rig = await start({ maxEventsPerSecondPerAddress: 10, burstSeconds: 1 }, { monotonicMs: () => nowMs })
    assert.equal((await rig.post('/v1/impressions', `${EVENT}\n`.repeat(30))).status, 200)
    const waiting = await rig.post('/v1/impressions', EVENT)
    assert.deepEqual([waiting.status, waiting.headers.get('retry-after')], [429, '3'])
    nowMs = 2_100
    assert.equal((await rig.post('/v1/impressions', EVENT)).status, 200)
  })

  it('N3 of http-ingest, and B1 and B2 of byte-budget: bytes in flight: over them 503, and everything is given back', async () => {
    const rig = await start({ maxBytesInFlight: 20_000 })
    const { intake, ingest } = rig
    intake.isHeld = true
    const big = `[${EVENT}${' '.repeat(10_000)}]`
    const first = rig.post('/v1/impressions', big)
    await eventually('the first is held', () => intake.waiting === 1)
    const second = await rig.post('/v1/impressions', big)
    assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '1'])
    assert.ok(ingest.bytesInFlight <= 20_000)
    intake.sync()
    assert.equal((await first).status, 200)
    intake.isHeld = false
    await eventually('nothing is held', () => ingest.bytesInFlight === 0)
    assert.equal((await rig.post('/v1/impressions', big)).status, 200)
  })

  it('bodies that together are too much are taken one after another', async () => {
    const maxBytesInFlight = 16_000_000
    const rig = await start({ maxBytesInFlight })
    const clients = await Promise.all(Array.from({ length: 90 }, () => rawClient(rig.server.port)))
    const head = 'POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
    const body = `[${EVENT}${' '.repeat(400_000)}]`
    for (const { socket } of clients)
      socket.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 50_000)}`)
    await eventually('all have begun', () => rig.ingest.bytesInFlight > 90 * 50_000)
    let mostBytes = 0
    for (const { socket } of clients) socket.write(body.slice(50_000))
    await eventually('all are answered', () => {
      mostBytes = Math.max(mostBytes, rig.ingest.bytesInFlight)
      return clients.every(({ text }) => text().includes('accepted') || text().includes('error'))
    })
    assert.deepEqual(new Set(clients.map(({ text }) => text().slice(0, 15))), new Set(['HTTP/1.1 200 OK']))
    assert.ok(mostBytes <= maxBytesInFlight, `${mostBytes} bytes were in flight`)
    assert.ok(90 * body.length > 2 * maxBytesInFlight, 'control: together they are more')
    for (const { socket } of clients) socket.destroy()
    await eventually('nothing is held', () => rig.ingest.bytesInFlight === 0)
  })

  it('a body that waits for its turn waits for nobody who sends nothing', async () => {
    const rig = await start({ maxBytesInFlight: 8_000_000 })
    const head = 'POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
    const idlers = await Promise.all(Array.from({ length: 40 }, () => rawClient(rig.server.port)))
    for (const { socket } of idlers) socket.write(`${head}content-length: 500000\r\n\r\n[${' '.repeat(60_000)}`)
    await eventually('they hold much', () => rig.ingest.bytesInFlight > 2_000_000)
    assert.equal((await rig.post('/v1/impressions', `[${EVENT}${' '.repeat(400_000)}]`)).status, 200)
    for (const { socket } of idlers) socket.destroy()
    await eventually('nothing is held', () => rig.ingest.bytesInFlight === 0)
  })

  it('B2 of byte-budget: a client that leaves gives back what it held, and what came whole is kept', async () => {
    const rig = await start()
    const client = await rawClient(rig.server.port)
    client.socket.write('POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n')
    client.socket.write('content-length: 9000\r\n\r\n[{"a":')
    await eventually('it is held', () => rig.ingest.bytesInFlight > 0)
    client.socket.destroy()
    await eventually('nothing is held', () => rig.ingest.bytesInFlight === 0)
    assert.deepEqual(rig.intake.appended, [])
  })

  it('C1 of http-server: connections in all and of one address', async () => {
    for (const [limits, status] of [
      [{ maxConnections: 2 }, 503],
      [{ maxConnectionsPerLoopbackAddress: 2 }, 429],
    ] as const) {
      const { server } = await start(limits)
      const clients = [await rawClient(server.port), await rawClient(server.port)]
      const third = await rawClient(server.port)
      await eventually('it is turned away', () => third.isClosed())
      assert.match(third.text(), new RegExp(`^HTTP/1.1 ${status} [^]*"code":"too_many_connections"`))
      clients[0]?.socket.destroy()
      await eventually('a place is free', async () =>
        fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }).then(
          (response) => response.status === 200,
          () => false,
        ),
      )
      for (const { socket } of clients) socket.destroy()
    }
  })

  it('goes on answering requests under way when it closes, and takes no new ones', async () => {
    const rig = await startIngest()
    rig.intake.isHeld = true
    const posting = rig.post('/v1/impressions', EVENT)
    await eventually('it is held', () => rig.intake.waiting === 1)
    const closing = rig.close()
    const late = await rig.post('/v1/impressions', EVENT)
    assert.equal(late.status, 503)
    rig.intake.sync()
    assert.equal((await posting).status, 200)
    await closing
  })
})

describe('what never becomes a request', () => {
  const begin = 'POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\n'
  for (const [what, limits, sent, status, code] of [
    [
      'headers over their limit',
      { maxHeaderBytes: 1_000 },
      `${begin}x: ${'y'.repeat(2_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['headers that take too long', { headersTimeoutMs: 200 }, begin, 408, 'request_timeout'],
    ['bytes that are no HTTP', {}, 'hello\r\n\r\n', 400, 'bad_request'],
  ] as const)
    it(`${what}: ${status} ${code}`, async () => {
      const rig = await start(limits)
      const client = await rawClient(rig.server.port)
      client.socket.write(sent)
      await eventually('it is told', () => client.text().includes('}'))
      const [head = '', body = ''] = client.text().split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.equal((JSON.parse(body) as { code: string }).code, code)
      assert.equal((await rig.post('/v1/impressions', EVENT)).status, 200, 'control: others go on')
    })
})
