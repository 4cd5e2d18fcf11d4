/**
 * Clients that mean harm, or know no better: whatever they send, the process lives, memory stays bounded, nothing of a
 * refused request is taken, and a good client gets its answers meanwhile.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { IngestLimits } from '../../src/server/ingest/limits.ts'
import { eventually } from '../support/eventually.ts'
import { impressionLine } from '../support/event-lines.ts'
import { rawClient, startIngest, type IngestRig, type RawClient } from '../support/ingest-rig.ts'

const EVENT = impressionLine('i1', 1_767_225_600_000)
const HEAD = 'POST /v1/impressions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
const GOOD = `${HEAD}content-length: ${EVENT.length}\r\n\r\n${EVENT}`
let rig: IngestRig
const clients: RawClient[] = []
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  rig.intake.sync()
  await rig.close()
})

async function start(limits: Partial<IngestLimits> = {}): Promise<void> {
  rig = await startIngest({ limits })
}

async function client(): Promise<RawClient> {
  const made = await rawClient(rig.server.port)
  clients.push(made)
  return made
}

/** Sends bytes on a connection of their own; gives what comes back until it is closed or enough. */
async function exchange(
  bytes: string | Uint8Array,
  isEnough: (text: string) => boolean = () => false,
): Promise<string> {
  const made = await client()
  made.socket.write(bytes)
  await eventually('an answer or an end', () => made.isClosed() || isEnough(made.text()))
  return made.text()
}

const goodIsTaken = async (): Promise<void> => {
  const before = rig.intake.appended.length
  assert.equal((await rig.post('/v1/impressions', EVENT)).status, 200)
  assert.equal(rig.intake.appended.length, before + 1)
}

describe('what is no HTTP, or ambiguous', () => {
  for (const [what, bytes] of [
    ['noise', '\u0000\u0001\u0002\r\n\r\n'],
    ['a length twice', `${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['a length and chunks', `${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a negative length', `${HEAD}content-length: -1\r\n\r\n`],
    ['a length in words', `${HEAD}content-length: many\r\n\r\n`],
    ['a length with a sign', `${HEAD}content-length: +2\r\n\r\n{}`],
    ['chunks that are none', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`],
    ['a chunk longer than it says', `${HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{}}}\r\n`],
    ['an encoding after chunks', `${HEAD}transfer-encoding: chunked, gzip\r\n\r\n`],
    ['a header over two lines', `${HEAD}x-a: b\r\n c\r\ncontent-length: 2\r\n\r\n{}`],
    ['a header without a name', `${HEAD}: b\r\n\r\n`],
    ['no host', 'POST /v1/impressions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'],
    ['headers without end', `${HEAD}x: ${'y'.repeat(40_000)}\r\n\r\n`],
    ['very many headers', `${HEAD}${Array.from({ length: 3_000 }, (_, i) => `x${i}: y\r\n`).join('')}\r\n`],
    ['a method of its own', `EVENT /v1/impressions HTTP/1.1\r\nhost: localhost\r\n\r\n`],
  ] as const)
    it(what, async () => {
      await start()
      const text = await exchange(bytes)
      assert.match(text, /^HTTP\/1\.1 4\d\d /)
      assert.deepEqual(rig.intake.appended, [])
      await goodIsTaken()
    })

  it('headers given twice decide nothing twice', async () => {
    await start()
    const twice = `${HEAD}content-encoding: gzip\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}`
    assert.match(await exchange(twice, (text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 415 /)
    assert.deepEqual(rig.intake.appended, [])
  })

  it('a body longer than it says is never taken twice, nor what follows it', async () => {
    await start()
    // Whether the first part was answered before the rest was seen to be nothing is the network's business.
    const text = await exchange(`${HEAD}content-length: ${EVENT.length}\r\n\r\n${EVENT}${EVENT}`)
    assert.match(text, /HTTP\/1\.1 400 /)
    assert.ok(rig.intake.records('impressions').length <= 1)
    await goodIsTaken()
  })
})

describe('requests in a row without waiting', () => {
  it('are each answered, in order', async () => {
    await start()
    const bad = `${HEAD}content-length: 1\r\n\r\n[`
    const text = await exchange(
      (GOOD + bad).repeat(50),
      (text) => text.match(/"rejected":\[\]/g)?.length === 50 && /"code":"broken_array"[^]*\}$/.test(text.slice(-200)),
    )
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    assert.deepEqual(
      statuses,
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? '200' : '422')),
    )
    assert.equal(rig.intake.records('impressions').length, 50)
  })

  it('stop being taken when they wait for the disk in too large a number', async () => {
    await start({ maxBytesInFlight: 100_000 })
    rig.intake.isHeld = true
    const made = await client()
    made.socket.write(GOOD.repeat(2_000))
    await eventually('some wait', () => rig.intake.waiting > 10)
    assert.ok(rig.ingest.bytesInFlight <= 100_000)
    rig.intake.isHeld = false
    rig.intake.sync()
    await eventually('all are answered', () => (made.text().match(/HTTP\/1\.1 \d+/g)?.length ?? 0) === 2_000)
    const taken = made.text().match(/HTTP\/1\.1 200/g)?.length ?? 0
    assert.equal(rig.intake.records('impressions').length, taken)
    assert.ok(taken < 2_000, 'control: some were told to come back')
  })
})

describe('slow clients', () => {
  it('headers that never end, and bodies that trickle, end by a deadline', async () => {
    await start({ headersTimeoutMs: 300, requestTimeoutMs: 600 })
    const [headers, body] = [await client(), await client()]
    headers.socket.write('POST /v1/impressions HTTP/1.1\r\nhost: loc')
    body.socket.write(`${HEAD}content-length: 1000000\r\n\r\n[`)
    const trickle = setInterval(() => {
      headers.socket.write('a')
      body.socket.write(' ')
    }, 20)
    await eventually('both are ended', () => headers.isClosed() && body.isClosed()).finally(() =>
      clearInterval(trickle),
    )
    assert.match(headers.text(), /^HTTP\/1\.1 408 /)
    assert.match(body.text(), /^HTTP\/1\.1 408 /)
    await eventually('nothing is held', () => rig.ingest.bytesInFlight === 0)
    assert.deepEqual(rig.intake.appended, [])
  })

  it('2,000 that trickle do not keep a good client from its answers', async () => {
    await start({ requestTimeoutMs: 120_000 })
    const slow = await Promise.all(Array.from({ length: 2_000 }, () => client()))
    for (const { socket } of slow) socket.write(`${HEAD}content-length: 10000000\r\n\r\n[`)
    let turn = 0
    const trickle = setInterval(() => {
      for (let i = 0; i < 200; i++) slow[turn++ % slow.length]?.socket.write(`${EVENT},`)
    }, 20)
    try {
      await eventually('they are all being received', () => rig.ingest.bytesInFlight > 2_000 * 2_048)
      for (let i = 0; i < 50; i++) await goodIsTaken()
      assert.ok(
        slow.every((one) => !one.isClosed()),
        'control: they were there all the time',
      )
    } finally {
      clearInterval(trickle)
    }
    for (const { socket } of slow) socket.destroy()
    await eventually('all is given back', () => rig.ingest.bytesInFlight === 0)
  })

  it('bombs and floods beside a good client change nothing for it', async () => {
    await start()
    const bomb = gzipSync(Buffer.alloc(300_000_000))
    const bombs = Array.from({ length: 12 }, () => rig.post('/v1/impressions', bomb, { 'content-encoding': 'gzip' }))
    for (let i = 0; i < 20; i++) await goodIsTaken()
    for (const { status } of await Promise.all(bombs)) assert.equal(status, 413)
    assert.ok(rig.intake.records('impressions').length === 20)
  })
})
