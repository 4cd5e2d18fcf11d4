/**
 * The connection to a broker: B1 to B3 of `broker-connection.ts`, with brokers that cut their answers anywhere, hang
 * up, and speak something else.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createAPI, Writer } from '@platformatic/kafka'
import fc from 'fast-check'
import { BlockPool } from '../../../src/sources/kafka/block-pool.ts'
import { BrokerConnection } from '../../../src/sources/kafka/broker-connection.ts'
import { Cluster } from '../../../src/sources/kafka/cluster.ts'
import { afterwards } from '../../support/afterwards.ts'
import { checkAsyncProperty } from '../../support/check-property.ts'
import { eventually } from '../../support/eventually.ts'

/** Asks for so many bytes of one value, and gives what came. */
const ECHO = createAPI<[length: number, value: number], Buffer>(
  99,
  0,
  (length: number, value: number) => Writer.create().appendInt32(length).appendInt32(value),
  (_correlationId, _apiKey, _apiVersion, reader) => Buffer.from(reader.buffer.slice(reader.position)),
  true,
  false,
)
const CLIENT_ID = 'me'

async function listen(context: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  afterwards(context, async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** Calls back with each request's correlation id and body. */
function onRequests(socket: Socket, take: (correlationId: number, body: Buffer) => void): void {
  let waiting = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk])
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readInt32BE(0)) {
      const frame = waiting.subarray(4, 4 + waiting.readInt32BE(0))
      waiting = waiting.subarray(4 + frame.length)
      take(frame.readInt32BE(4), frame.subarray(10 + CLIENT_ID.length + 1))
    }
  })
}

function answerOf(correlationId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + body.length, 0)
  head.writeInt32BE(correlationId, 4)
  return Buffer.concat([head, body])
}

const echo = (socket: Socket, pieceBytes = Infinity): void =>
  onRequests(socket, (correlationId, body) => {
    const answer = answerOf(correlationId, Buffer.alloc(body.readInt32BE(0), body.readInt32BE(4)))
    for (let at = 0; at < answer.length; at += pieceBytes) socket.write(answer.subarray(at, at + pieceBytes))
  })

async function opened(context: TestContext, port: number): Promise<BrokerConnection> {
  const options = { clientId: CLIENT_ID, host: '127.0.0.1', port, connectTimeoutMs: 5_000, requestTimeoutMs: 5_000 }
  const connection = new BrokerConnection(options)
  await connection.open()
  afterwards(context, async () => connection.close())
  return connection
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  )
}

describe('the connection to a broker', () => {
  it('B1: gives every request its own answer, of any length, wherever it is cut', async (context) => {
    let pieceBytes = 1
    const port = await listen(
      context,
      createServer((socket) => echo(socket, pieceBytes)),
    )
    const request = fc.record({ length: fc.oneof(fc.nat(64), fc.nat(300_000)), value: fc.nat(255) })
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(request, { maxLength: 8 }), fc.integer({ min: 1, max: 99_999 }), async (asked, cut) => {
        pieceBytes = asked.some(({ length }) => length > 1_000) ? Math.max(cut, 1_000) : cut
        const connection = await opened(context, port)
        const answers = await Promise.all(
          asked.map(async ({ length, value }) => ECHO.async(connection.api, length, value)),
        )
        for (const [index, { length, value }] of asked.entries())
          assert.ok(answers[index]?.equals(Buffer.alloc(length, value)), `${length} bytes of ${value}`)
        await connection.close()
      }),
      25,
      'test/unit/sources/broker-connection.test.ts',
    )
  })

  it('B1: uses one buffer again: bytes that are kept beyond the parser are those of a later answer', async (context) => {
    const kept: Buffer[] = []
    const KEEP = createAPI<[length: number, value: number], null>(
      99,
      0,
      (length: number, value: number) => Writer.create().appendInt32(length).appendInt32(value),
      (_correlationId, _apiKey, _apiVersion, reader) => {
        kept.push(reader.buffer.slice(reader.position))
        return null
      },
      true,
      false,
    )
    const connection = await opened(context, await listen(context, createServer(echo)))
    for (const value of [1, 2]) await KEEP.async(connection.api, 5, value)
    assert.deepEqual(
      kept.map((bytes) => bytes[0]),
      [2, 2],
    )
  })

  it('B2: ends what waits when the broker hangs up, and what is asked later', async (context) => {
    const port = await listen(
      context,
      createServer((socket) => onRequests(socket, () => socket.destroy())),
    )
    const connection = await opened(context, port)
    const asked = [1, 2].map(async (value) => ECHO.async(connection.api, 9, value))
    for (const one of asked) await assert.rejects(one, /Connection closed|ECONNRESET/)
    await eventually('it is closed', () => !connection.isConnected)
    await assert.rejects(ECHO.async(connection.api, 9, 3), /Connection closed/)
  })

  it('B2: believes no answer that nobody asked for, and no length that none has', async (context) => {
    for (const [reply, message] of [
      [(id: number) => answerOf(id + 1, Buffer.alloc(3)), /answers what was not asked/],
      [() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak as Kafka does/],
      [() => Buffer.from([0, 0, 0, 1, 0]), /does not speak as Kafka does/],
    ] as const) {
      const port = await listen(
        context,
        createServer((socket) => onRequests(socket, (id) => void socket.write(reply(id)))),
      )
      const connection = await opened(context, port)
      await assert.rejects(ECHO.async(connection.api, 9, 1), message)
    }
  })

  it('B2: says of a broker that answers with an alert of TLS that it speaks TLS only', async (context) => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 0x46])
    const port = await listen(
      context,
      createServer((socket) => onRequests(socket, () => void socket.end(alert))),
    )
    const cluster = new Cluster({ brokers: `127.0.0.1:${port}` })
    await assert.rejects(cluster.topics(['one']), { code: 'KAFKA_REFUSED', message: /speaks TLS only/ })
    await cluster.close()
  })

  it('B3: trusts a broker only by its authority and its name', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-broker-tls-'))
    afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2', '-nodes']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', keyFile, '-out', certFile]
    execFileSync('openssl', ['req', '-x509', ...key, ...subject], { stdio: 'ignore' })
    const [cert, privateKey] = [readFileSync(certFile), readFileSync(keyFile)]
    let asked = 0
    const server = createTlsServer({ cert, key: privateKey }, (socket) => {
      onRequests(socket, () => {
        asked++
        socket.destroy()
      })
    })
    const port = await listen(context, server)
    const reading = async (access: object): Promise<string> => {
      const cluster = new Cluster({ brokers: `localhost:${port}`, ...access })
      const code = await codeOf(cluster.topics(['one']))
      await cluster.close()
      return code
    }
    assert.equal(await reading({ tls: {} }), 'KAFKA_REFUSED', 'an authority that nobody knows')
    assert.equal(asked, 0)
    assert.equal(await reading({ tls: { ca: cert } }), 'KAFKA_UNAVAILABLE', 'it was asked, and hung up')
    assert.equal(asked, 1)
    const elsewhere = new Cluster({ brokers: `127.0.0.1:${port}`, tls: { ca: cert } })
    assert.equal(await codeOf(elsewhere.topics(['one'])), 'KAFKA_REFUSED', 'a certificate for another name')
    await elsewhere.close()
    assert.equal(asked, 1)
  })
})

describe('the bytes of blocks', () => {
  it('P1: are never given to two, and come back to be used again', () => {
    const pool = new BlockPool()
    const [one, other] = [pool.take(100_000), pool.take(100_000)]
    assert.notEqual(one.buffer, other.buffer)
    assert.equal(one.length, 100_000)
    pool.giveBack(one)
    const again = pool.take(70_000)
    assert.equal(again.buffer, one.buffer)
    assert.equal(again.length, 70_000)
    assert.notEqual(pool.take(100_000).buffer, one.buffer)
  })

  it('P2: are kept up to a bound', () => {
    const pool = new BlockPool()
    const blocks = Array.from({ length: 100 }, () => pool.take(1 << 20))
    for (const block of blocks) pool.giveBack(block)
    assert.equal(pool.keptBytes, 32 << 20)
    pool.giveBack(pool.take(1_000))
    assert.equal(pool.keptBytes, 32 << 20)
  })
})
