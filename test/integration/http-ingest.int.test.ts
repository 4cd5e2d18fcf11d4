/**
 * Events over real connections, up to the intake: what is taken, what is answered, and when.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { TidemarkError, type ErrorCode } from '../../src/errors.ts'
import { afterwards } from '../support/afterwards.ts'
import { eventually } from '../support/eventually.ts'
import { rawClient, startIngest, type IngestRig } from '../support/ingest-rig.ts'

const rigs: IngestRig[] = []
const start = async (...options: Parameters<typeof startIngest>): Promise<IngestRig> => {
  const rig = await startIngest(...options)
  rigs.push(rig)
  return rig
}
afterEach(async () => {
  for (const { intake } of rigs) intake.sync()
  await Promise.all(rigs.splice(0).map((rig) => rig.close()))
})

const impression = (id: string): string =>
  JSON.stringify({ impression_id: id, event_timestamp: 1_767_225_600_000, campaign_id: 'c1', device_type: 'tv' })
const click = (id: string): string =>
  JSON.stringify({ click_id: id, impression_id: 'i1', event_timestamp: 1_767_225_600_500 })
const NDJSON = { 'content-type': 'application/x-ndjson' }

describe('bodies', () => {
  it('one event, an array, lines; each stream by its path', async () => {
    const { post, intake } = await start()
    const pretty = JSON.stringify(JSON.parse(impression('i1')), null, 2)
    for (const [body, headers] of [
      [impression('i1'), {}],
      [pretty, {}],
      [`[${impression('i2')},\n ${impression('i3')}]`, {}],
      [`${impression('i4')}\n${impression('i5')}\n`, NDJSON],
      [`${impression('i6')}\r\n\r\n${impression('i7')}`, {}],
      [`\ufeff${impression('i8')}`, { 'content-type': 'text/plain; charset=UTF-8' }],
    ] as const)
      assert.equal((await post('/v1/impressions', body, headers)).status, 200, body)
    assert.deepEqual((await post('/v1/clicks', click('k1'))).body, { accepted: 1, rejected: [] })
    const ids = intake
      .records('impressions')
      .map((line) => (JSON.parse(line) as { impression_id: string }).impression_id)
    assert.deepEqual(ids, ['i1', 'i1', 'i2', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8'])
    assert.deepEqual(intake.records('clicks'), [click('k1')])
    assert.ok(intake.appended.every(({ text }) => text.endsWith('\n')))
  })

  it('compressed, in one frame or several', async () => {
    const { post, intake } = await start()
    const [one, two] = [Buffer.from(`${impression('i1')}\n`), Buffer.from(`${impression('i2')}\n`)]
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const body = Buffer.concat([compress(one), compress(two)])
      const { status, body: answer } = await post('/v1/impressions', body, { ...NDJSON, 'content-encoding': encoding })
      assert.deepEqual([status, answer], [200, { accepted: 2, rejected: [] }], encoding)
    }
    assert.equal(intake.records('impressions').length, 4)
  })

  it('nothing at all is no event', async () => {
    const { post, intake } = await start()
    for (const body of ['', '[]', ' [ \n ] ', '\n\n'])
      assert.deepEqual((await post('/v1/impressions', body)).body, { accepted: 0, rejected: [] })
    assert.deepEqual(intake.appended, [])
  })
})

describe('answers', () => {
  it('name malformed events by index, reason and field, and journal them too', async () => {
    const { post, intake } = await start()
    const { status, body } = await post('/v1/impressions', `[${impression('i1')},{"campaign_id":"c"},7,{bad}]`)
    assert.equal(status, 200)
    assert.deepEqual(body, {
      accepted: 1,
      rejected: [
        { index: 1, reason: 'missing_field', field: 'impression_id' },
        { index: 2, reason: 'not_an_object' },
        { index: 3, reason: 'not_json' },
      ],
    })
    assert.equal(intake.records('impressions').length, 4)
    assert.equal(intake.appended[0]?.recordCount, 4)
  })

  it('N1: come only once everything is durable', async () => {
    const { post, intake } = await start()
    intake.isHeld = true
    let isAnswered = false
    const posting = post('/v1/impressions', impression('i1')).finally(() => (isAnswered = true))
    await eventually('the append waits', () => intake.waiting === 1)
    // Another request comes and goes: an answer that did not wait would be here by then.
    await post('/v1/nothing', '')
    assert.equal(isAnswered, false)
    intake.sync()
    assert.equal((await posting).status, 200)
  })

  it('N4: are the same when a delivery is repeated', async () => {
    const { post, intake } = await start()
    for (let i = 0; i < 2; i++)
      assert.deepEqual((await post('/v1/impressions', impression('i1'))).body, { accepted: 1, rejected: [] })
    assert.equal(intake.records('impressions').length, 2)
  })

  it('say to come back while the intake is closed or fails for now', async () => {
    const { post, intake } = await start()
    intake.isOpen = false
    const closed = await post('/v1/impressions', impression('i1'))
    intake.isOpen = true
    intake.failure = new TidemarkError('OUTPUT_UNWRITABLE', 'full', { retryable: true, fix: 'wait' })
    const failed = await post('/v1/impressions', impression('i1'))
    for (const { status, headers, body } of [closed, failed]) {
      assert.equal(status, 503)
      assert.equal(headers.get('retry-after'), '1')
      assert.equal((body as { code: string }).code, 'not_ready')
    }
    intake.failure = new TidemarkError('OUTPUT_UNWRITABLE', 'broken', { fix: 'wait' })
    assert.equal((await post('/v1/impressions', impression('i1'))).status, 500)
  })

  it('say what fills the memory and what its operator can do, before a body is read and after', async () => {
    const { post, intake } = await start()
    const details = { retryable: true, fix: 'give it more with --memory' }
    const full = new TidemarkError('MEMORY_FULL', 'It fills the memory there is (4 GB of 4 GB).', details)
    intake.isOpen = false
    intake.closedBy = full
    const closed = await post('/v1/impressions', impression('i1'))
    intake.isOpen = true
    intake.failure = full
    const failed = await post('/v1/impressions', impression('i1'))
    for (const { status, headers, body } of [closed, failed]) {
      assert.equal(status, 503)
      assert.equal(headers.get('retry-after'), '5')
      assert.deepEqual(body, {
        code: 'memory_full',
        message:
          'It fills the memory there is (4 GB of 4 GB). Nothing was taken; send it again later. ' +
          'Its operator can do more: give it more with --memory.',
      })
    }
    assert.equal(intake.appended.length, 0)
  })

  it('N5: hold requests that come together on one connection together', async (context) => {
    const { server, intake } = await start()
    intake.isOpen = false
    intake.closedBy = new TidemarkError('MEMORY_FULL', 'It is full.', { retryable: true, fix: 'wait' })
    const warnings: string[] = []
    const onWarning = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', onWarning)
    afterwards(context, () => process.off('warning', onWarning))
    const { socket, text } = await rawClient(server.port)
    const body = impression('i1')
    const head = `POST /v1/impressions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    socket.write(`${head}\r\n\r\n${body}`.repeat(20))
    await eventually('all are answered', () => text().split('HTTP/1.1 503').length === 21)
    assert.deepEqual(warnings, [])
    socket.destroy()
  })

  it('N5: say so only after a while: who comes again at once holds up nothing else', async () => {
    const { post, intake } = await start()
    intake.isOpen = false
    intake.closedBy = new TidemarkError('MEMORY_FULL', 'It is full.', { retryable: true, fix: 'wait' })
    const told: string[] = []
    const waiting = post('/v1/impressions', impression('i1')).then(({ status }) => told.push(`full ${status}`))
    const large = Array.from({ length: 5_000 }, (_, i) => impression(`i${i}`)).join('\n')
    const largeToo = post('/v1/impressions', large, NDJSON).then(({ status }) => told.push(`full ${status}`))
    // What did not wait would be here by then.
    for (let i = 0; i < 10; i++) told.push(`other ${(await post('/v1/nothing', '')).status}`)
    await Promise.all([waiting, largeToo])
    assert.deepEqual(told, [...Array.from({ length: 10 }, () => 'other 404'), 'full 503', 'full 503'])
  })

  it('N5: so do a full disk and brokers that are away; what passes in a moment is told at once', async () => {
    const { post, intake } = await start()
    const told: string[] = []
    const send = async (name: string): Promise<unknown> =>
      post('/v1/impressions', impression('i1')).then(({ status }) => told.push(`${name} ${status}`))
    const because = (code: ErrorCode): TidemarkError =>
      new TidemarkError(code, 'Not now.', { retryable: true, fix: 'wait' })
    intake.failure = because('DISK_FULL')
    const full = send('full')
    await eventually('it is refused', () => intake.refused === 1)
    intake.failure = because('JOURNAL_BUSY')
    await send('busy')
    intake.isOpen = false
    await send('closed')
    intake.closedBy = because('KAFKA_UNAVAILABLE')
    const away = send('away')
    assert.deepEqual(told, ['busy 503', 'closed 503'])
    await Promise.all([full, away])
    assert.deepEqual(told, ['busy 503', 'closed 503', 'full 503', 'away 503'])
  })

  it('N5: who waits to be told takes no room from others', async () => {
    const { post, intake, ingest } = await start()
    intake.failure = new TidemarkError('MEMORY_FULL', 'It is full.', { retryable: true, fix: 'wait' })
    let isTold = false
    const waiting = post('/v1/impressions', impression('x'.repeat(100_000))).finally(() => (isTold = true))
    await eventually('it is refused, and nothing is kept', () => intake.refused === 1 && ingest.bytesInFlight === 0)
    assert.equal(isTold, false)
    assert.equal((await waiting).status, 503)
  })

  it('say of an event that is longer than can be kept that it is', async () => {
    const { post, intake } = await start()
    intake.failure = new TidemarkError('INPUT_BAD_DATA', 'An event is longer than its topic takes.', {
      fix: 'shorten it',
    })
    const { status, headers, body } = await post('/v1/impressions', impression('i1'))
    assert.equal(status, 413)
    assert.equal(headers.get('retry-after'), null)
    assert.equal((body as { code: string }).code, 'event_too_large')
  })
})

describe('the page beside it', () => {
  it('is served on the same port, and the ingest carries its headers', async () => {
    const { server, post } = await start()
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
    const { headers } = await post('/v1/impressions', impression('i1'))
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
  })
})
