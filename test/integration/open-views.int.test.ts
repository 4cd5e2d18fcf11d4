/**
 * `/api/v1/live…` over a real PostgreSQL (L1, L2 of `live-routes.ts`): views that stay open, alone and in the one
 * stream of a page.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { applyAnswerPatch, type AnswerPatch, type Json } from '../../src/query/answer-patch.ts'
import type { ViewAnswer } from '../../src/query/view-answer.ts'
import { eventually } from '../support/eventually.ts'
import { runSql } from '../support/postgres.ts'
import { followEvents, get, open } from '../support/raw-http.ts'
import { ask, ViewsRig } from '../support/views-rig.ts'

let rig: ViewsRig
before(async () => (rig = await ViewsRig.start()))
after(() => rig.stop())
afterEach(() => rig.closeServers())

describe('a view that stays open', () => {
  const path = `/api/v1/live?range=3h&grain=15m&totals=1&series=device_type`

  async function nextEpoch(database: string, epoch: number): Promise<void> {
    await runSql(
      database,
      `update ctr_by_campaign set impressions = impressions + 1 where window_start >= '2026-01-01T02:00Z'`,
    )
    await runSql(database, `update tidemark_meta set epoch = ${epoch}`)
  }

  it('V3 of live-views: begins whole, goes on with patches, resumes by id, and is evaluated once for all', async () => {
    const own = await rig.createDatabase()
    const server = await rig.serve({ url: own })
    const streams = await Promise.all(Array.from({ length: 5 }, () => open(server.port, path, {})))
    const events = streams.map((stream) => followEvents(stream))
    await eventually('answers', () => events.every((list) => list.length === 1))
    await nextEpoch(own, 8)
    await eventually('patches', () => events.every((list) => list.length === 2))
    for (const list of events) assert.deepEqual(list, events[0])
    const [first, second] = events[0] ?? []
    assert.equal(first?.event, 'answer')
    assert.equal(second?.event, 'patch')
    const patched = applyAnswerPatch(first?.data as Json, second?.data as AnswerPatch)
    const { body } = await ask(server, path.replace('live', 'view'))
    const now: ViewAnswer = body
    const { asOf, ...rest } = patched as unknown as ViewAnswer
    const { asOf: asOfNow, ...restNow } = now
    assert.deepEqual(rest, restNow)
    assert.equal(asOf.epoch, 8)
    assert.equal(asOfNow.epoch, 8)
    assert.ok(JSON.stringify(second?.data).length < JSON.stringify(first?.data).length / 2, 'a patch is smaller')
    streams[0]?.destroy()
    await nextEpoch(own, 9)
    await eventually('a patch', () => events[1]?.length === 3)
    const again = await open(server.port, `${path}&after=${encodeURIComponent(second?.id ?? '')}`)
    const resumed = followEvents(again)
    await eventually('a resumed stream', () => resumed.length > 0)
    assert.deepEqual(resumed[0], events[1]?.[2], 'the same patch as those who stayed got')
    const stranger = await open(server.port, `${path}&after=other.8`)
    const whole = followEvents(stranger)
    await eventually('a whole answer', () => whole.length > 0)
    assert.equal(whole[0]?.event, 'answer', 'control: an id of another process gives everything')
    for (const stream of [...streams, again, stranger]) stream.destroy()
  })

  it('L1: comes with what the pipeline tells in one stream of a page, and both resume by their ids', async () => {
    const own = await rig.createDatabase()
    const server = await rig.serve({ url: own })
    const ofPage = path.replace('live?', 'live/page?')
    const stream = await open(server.port, ofPage)
    const events = followEvents(stream)
    const lastOf = (list: typeof events, ...names: readonly string[]): (typeof events)[number] | undefined =>
      list.findLast(({ event }) => names.includes(event))
    await eventually('both halves', () => events.some(({ event }) => event === 'answer'))
    assert.equal(events[0]?.event, 'pipeline-snapshot')
    server.flush()
    await nextEpoch(own, 8)
    await eventually('a patch of each', () => ['pipeline-patch', 'patch'].every((name) => lastOf(events, name)))
    stream.destroy()
    await nextEpoch(own, 9)
    const ids = [lastOf(events, 'pipeline-patch')?.id, lastOf(events, 'patch')?.id]
    const again = await open(server.port, ofPage, { 'last-event-id': ids.join(',') })
    const resumed = followEvents(again)
    server.flush()
    await eventually('it goes on', () => ['pipeline-patch', 'patch'].every((name) => lastOf(resumed, name)))
    assert.equal(lastOf(resumed, 'pipeline-snapshot', 'answer'), undefined)
    const stranger = await open(server.port, ofPage, { 'last-event-id': 'other.1,another.2' })
    const whole = followEvents(stranger)
    await eventually('everything anew', () => ['pipeline-snapshot', 'answer'].every((name) => lastOf(whole, name)))
    again.destroy()
    stranger.destroy()
  })

  it('L2: what stands in the way of a view is told, and the stream of the page goes on', async () => {
    const away = await rig.serve({ url: 'postgresql://nobody@127.0.0.1:1/nowhere' })
    for (const [query, code] of [
      ['range=3h', 'DATABASE_UNAVAILABLE'],
      ['measure=roi', 'VIEW_INVALID'],
    ] as const) {
      const stream = await open(away.port, `/api/v1/live/page?${query}`)
      const events = followEvents(stream)
      await eventually('it is told', () => events.some(({ event }) => event === 'failed'))
      const failed = events.find(({ event }) => event === 'failed')?.data as { code: string } | undefined
      assert.equal(failed?.code, code)
      away.flush()
      await eventually('the pipeline goes on', () => events.some(({ event }) => event === 'pipeline-patch'))
      stream.destroy()
    }
  })

  it('says when PostgreSQL is away, before and during', async () => {
    const away = await rig.serve({ url: 'postgresql://nobody@127.0.0.1:1/nowhere' })
    const { status } = await get(away.port, path)
    assert.equal(status, 503)
  })
})
