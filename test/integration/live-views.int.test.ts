/**
 * Hundreds of open pages (V1, V2, V4 of src/server/query/live-views.ts) over real connections: what they cost is a
 * matter of how many different views there are, and those are asked one at a time.
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import type { ViewAnswer } from '../../src/query/view-answer.ts'
import { beginStream } from '../../src/server/event-stream.ts'
import { LiveViews } from '../../src/server/query/live-views.ts'
import { eventually } from '../support/eventually.ts'
import { followEvents, open, type StreamEvent } from '../support/raw-http.ts'
import { afterwards } from '../support/afterwards.ts'

const PAGES = 500

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

function answerOf(epoch: number): ViewAnswer {
  return {
    asOf: { epoch, watermarkMs: 0, finalUpToMs: 0, provisionalShare: 0, answeredAtMs: epoch },
    range: { startMs: 0, endMs: 1 },
    comparison: null,
    grain: '1m',
    buckets: [0],
    totals: null,
    series: [],
    ranks: [],
  }
}

/** A server whose paths are the keys of views, over tables whose epoch a test moves on. */
async function startRig(fails: () => boolean = () => false): Promise<{
  readonly port: number
  readonly seen: { epoch: number; asked: number; atOnce: number; mostAtOnce: number }
}> {
  const seen = { epoch: 1, asked: 0, atOnce: 0, mostAtOnce: 0 }
  const views = new LiveViews({ epoch: async () => seen.epoch, pollMs: 20 })
  const ask = async (): Promise<ViewAnswer> => {
    seen.asked++
    seen.atOnce++
    seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce)
    await new Promise((resolve) => setTimeout(resolve, 2))
    seen.atOnce--
    if (fails()) throw new TidemarkError('DATABASE_UNAVAILABLE', 'It is away.', { retryable: true, fix: 'wait' })
    return answerOf(seen.epoch)
  }
  const server = createServer((request, response) => {
    const key = request.url ?? ''
    void views
      .prepare(key, ask)
      .then(() => {
        beginStream(request, response, {})
        return views.attach(key, response, [])
      })
      .catch((error: unknown) => response.writeHead(503).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve))
  closing.push(
    async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    () => views.close(),
  )
  return { port: (server.address() as AddressInfo).port, seen }
}

async function openPages(port: number, pathOf: (page: number) => string): Promise<(readonly StreamEvent[])[]> {
  const streams = await Promise.all(
    Array.from({ length: PAGES }, (_, page): Promise<IncomingMessage> => open(port, pathOf(page))),
  )
  closing.push(async () => {
    for (const stream of streams) stream.destroy()
  })
  return streams.map((stream) => followEvents(stream))
}

it(`V1: ${PAGES} pages of one view ask once for each epoch`, async () => {
  const { port, seen } = await startRig()
  const pages = await openPages(port, () => '/same')
  await eventually('all have an answer', () => pages.every((events) => events.length === 1))
  assert.equal(seen.asked, 1)
  for (const epoch of [2, 3]) {
    seen.epoch = epoch
    await eventually('all have a patch', () => pages.every((events) => events.length === epoch))
    assert.equal(seen.asked, epoch)
  }
  assert.ok(pages.every((events) => events.map(({ event }) => event).join() === 'answer,patch,patch'))
})

it(`V2: ${PAGES} different views are asked one at a time once they are open`, async () => {
  const { port, seen } = await startRig()
  const pages = await openPages(port, (page) => `/view-${page}`)
  await eventually('all have an answer', () => pages.every((events) => events.length === 1))
  assert.equal(seen.asked, PAGES)
  assert.ok(seen.mostAtOnce > 1, 'control: those who come in together wait for their own answer only')
  seen.mostAtOnce = 0
  seen.epoch = 2
  await eventually('all have a patch', () => pages.every((events) => events.length === 2), 60_000)
  assert.equal(seen.mostAtOnce, 1)
  assert.equal(seen.asked, 2 * PAGES)
})

it('V4: an error is told to those who look, and what follows mends it', async () => {
  let isAway = false
  const { port, seen } = await startRig(() => isAway)
  const events = followEvents(await open(port, '/view'))
  await eventually('an answer', () => events.length === 1)
  isAway = true
  seen.epoch = 2
  await eventually('an error', () => events.length === 2)
  assert.equal(events[1]?.event, 'failed')
  assert.deepEqual(events[1].data, { code: 'DATABASE_UNAVAILABLE', message: 'It is away.', fix: 'wait' })
  isAway = false
  await eventually('a patch', () => events.length === 3)
  assert.equal(events[2]?.event, 'patch')
})

it('V5: a view stays as long as someone waits for its first answer, however long that takes', async (context) => {
  let nowMs = 0
  const views = new LiveViews({ epoch: async () => 1, pollMs: 3_600_000, nowMs: () => nowMs })
  afterwards(context, () => views.close())
  const asked = Promise.withResolvers<ViewAnswer>()
  const prepared = views.prepare('/slow', () => asked.promise)
  nowMs = 120_000
  await views.look()
  assert.equal(views.viewCount, 1)
  asked.resolve(answerOf(1))
  await prepared
  await views.look()
  assert.equal(views.viewCount, 1, 'and until they had time to attach')
  nowMs = 240_000
  await views.look()
  assert.equal(views.viewCount, 0, 'control: one that nobody looks at goes')
})

it('V2, V5: while views take long, those whose turn is far off hear something', async (context) => {
  let nowMs = 0
  let takesMs = 0
  const seen = { epoch: 1 }
  const views = new LiveViews({ epoch: async () => seen.epoch, pollMs: 3_600_000, nowMs: () => nowMs })
  const ask = async (): Promise<ViewAnswer> => {
    nowMs += takesMs
    return answerOf(seen.epoch)
  }
  const server = createServer((request, response) => {
    const key = request.url ?? ''
    void views.prepare(key, ask).then(() => {
      beginStream(request, response, {})
      return views.attach(key, response, [])
    })
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const { port } = server.address() as AddressInfo
  afterwards(context, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const streams = [await open(port, '/slow-1'), await open(port, '/slow-2'), await open(port, '/last')]
  afterwards(context, () => streams.forEach((stream) => stream.destroy()))
  let heard = ''
  streams[2]?.on('data', (bytes: Buffer) => (heard += bytes.toString()))
  await eventually('an answer', () => heard.includes('event: answer'))
  assert.doesNotMatch(heard, /^:$/m, 'control')
  nowMs = 10_000
  takesMs = 11_000
  seen.epoch = 2
  const looking = views.look()
  await eventually('a beat before its turn', () => /^:$/m.test(heard) && !heard.includes('event: patch'))
  await views.close()
  await looking
})
