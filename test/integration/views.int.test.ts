/**
 * `/api/v1/…` over a real PostgreSQL (R1, R2 of `view-routes.ts`, B3 of `reader-pool.ts`): answers, refusals, and what
 * a restricted asker gets.
 */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import type { ViewAnswer } from '../../src/query/view-answer.ts'
import type { ViewFilter } from '../../src/query/view-query.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import { eventually } from '../support/eventually.ts'
import { runSql } from '../support/postgres.ts'
import { followEvents, open } from '../support/raw-http.ts'
import { ask, ViewsRig } from '../support/views-rig.ts'

let rig: ViewsRig
before(async () => (rig = await ViewsRig.start()))
after(() => rig.stop())
afterEach(() => rig.closeServers())

const VIEW = 'range=3h&grain=15m&vs=previous&totals=1&series=device_type&rank=campaign_id'

describe('a view over HTTP', () => {
  it('is the same by URL and by JSON, and says how far it is', async () => {
    const server = await rig.serve()
    const { status, body } = await ask(server, `/api/v1/view?${VIEW}`)
    assert.equal(status, 200)
    const answer: ViewAnswer = body
    const posted = await ask(server, '/api/v1/view', {
      range: { kind: 'last', lengthMs: 3 * HOUR_MS },
      grain: '15m',
      comparison: { kind: 'previous' },
      totals: true,
      series: [{ split: 'device_type' }],
      ranks: [{ dimension: 'campaign_id' }],
    })
    const { asOf } = answer
    const other: ViewAnswer = posted.body
    assert.deepEqual(
      { ...other, asOf: { ...other.asOf, answeredAtMs: 0 } },
      { ...answer, asOf: { ...answer.asOf, answeredAtMs: 0 } },
    )
    assert.equal(asOf.epoch, 7)
    assert.equal(asOf.finalUpToMs, rig.span.finalUpToMs)
    assert.equal(asOf.watermarkMs, rig.watermarkMs)
    assert.ok(asOf.provisionalShare > 0.2 && asOf.provisionalShare < 0.5, String(asOf.provisionalShare))
    assert.equal(answer.buckets.length, 12)
    assert.equal(answer.series[0]?.members.length, 6)
  })

  it('says what psql would run, and that gives the same numbers', async () => {
    const server = await rig.serve()
    const { body } = await ask(
      server,
      `/api/v1/view?range=3h&series=browser;top=3&f.device_type=o'b,back%5C%5Cslash&sql=1`,
    )
    const { sql, series }: ViewAnswer = body
    const byBrowser = sql?.find(({ part }) => part === 'series by browser')
    const rows = await runSql(rig.url, byBrowser?.text ?? '')
    const clicks = rows.reduce((sum, row) => sum + Number(row[4]), 0)
    const shown = (series[0]?.rows ?? []).slice(0, 3).flat()
    assert.equal(
      clicks,
      shown.reduce((sum, amounts) => sum + (amounts?.clicks ?? 0), 0),
    )
    assert.ok(clicks > 0)
  })

  it('A4 of answer-view: finds the members of a chart once where a leaderboard begins with them', async () => {
    const server = await rig.serve()
    const found = async (parts: string): Promise<{ readonly statements: number; readonly answer: ViewAnswer }> => {
      const { body } = await ask(server, `/api/v1/view?range=3h&vs=previous&${parts}&sql=1`)
      const answer: ViewAnswer = body
      const statements = (answer.sql ?? []).filter(({ part }) => part === 'rank of campaign_id').length
      return { statements, answer }
    }
    const shared = await found('series=campaign_id;by=ctr;top=3&rank=campaign_id;by=ctr;limit=20')
    assert.equal(shared.statements, 1)
    const alone = await found('series=campaign_id;by=ctr;top=3')
    assert.deepEqual(shared.answer.series, alone.answer.series)
    assert.deepEqual(
      shared.answer.series[0]?.members.slice(0, 3),
      shared.answer.ranks[0]?.members.slice(0, 3).map(({ name }) => name),
    )
    for (const other of [
      'by=clicks;limit=20',
      'by=ctr;dir=asc;limit=20',
      'by=ctr;of=change;limit=20',
      'by=ctr;limit=2',
      'by=ctr;limit=20;offset=1',
      'by=ctr;limit=20;search=a',
    ]) {
      const { statements, answer } = await found(`series=campaign_id;by=ctr;top=3&rank=campaign_id;${other}`)
      assert.equal(statements, 2, `control: ${other}`)
      assert.deepEqual(answer.series, alone.answer.series, other)
    }
  })

  it('R2: is refused with what was given and what is allowed', async () => {
    const server = await rig.serve()
    for (const [path, status, code, allowed] of [
      ['/api/v1/view?grain=2m', 400, 'VIEW_INVALID', 'auto'],
      ['/api/v1/view?axis=click&series=browser', 400, 'VIEW_UNANSWERABLE', 'campaign_id × device_type'],
      ['/api/v1/view?from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&grain=1m', 400, 'VIEW_INVALID', '1d'],
      ['/api/v1/live?measure=roi', 400, 'VIEW_INVALID', 'ctr'],
      ['/api/v1/ledger?grain=x', 400, 'VIEW_INVALID', '1m'],
      ['/api/v1/dead-letters?limit=0', 400, 'VIEW_INVALID', '1 to 500'],
    ] as const) {
      const answer = await ask(server, path)
      const body: { code: string; allowed: string[]; message: string; fix: string } = answer.body
      assert.equal(answer.status, status, path)
      assert.equal(body.code, code)
      assert.ok(body.allowed.includes(allowed), `${path}: ${body.allowed.join(', ')}`)
      assert.ok(body.message.length > 10 && body.fix.length > 5)
    }
  })

  it('R2: waits for PostgreSQL with 503, and gives up a slow answer with 504', async () => {
    const away = await rig.serve({ url: 'postgresql://nobody:secret@127.0.0.1:1/nowhere' })
    const answer = await ask(away, '/api/v1/view?range=1h')
    const body: { code: string; message: string } = answer.body
    assert.equal(answer.status, 503)
    assert.equal(body.code, 'DATABASE_UNAVAILABLE')
    assert.doesNotMatch(body.message, /secret/)
    const locked = await rig.serve({ timeoutMs: 100 })
    const { withConnection } = await import('../../src/database/connection.ts')
    await withConnection({ url: rig.url, applicationName: 'tidemark test' }, async (client) => {
      await client.query('begin; lock table performance in access exclusive mode')
      const slow = await ask(locked, '/api/v1/view?rank=browser')
      assert.equal(slow.status, 504)
      assert.equal((slow.body as { code: string }).code, 'VIEW_TIMEOUT')
    })
    assert.equal((await ask(locked, '/api/v1/view?rank=browser')).status, 200, 'and goes on')
  })

  it('is what the document describes', async () => {
    const server = await rig.serve()
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<
        string,
        Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
      >
    }
    assert.deepEqual((await new Validator().validate({ ...document })).errors, undefined)
    const schema = document.paths['/api/v1/view']?.['get']?.responses['200']?.content['application/json']?.schema ?? {}
    const isValid = new Ajv({ strict: false }).compile(schema)
    const { body } = await ask(server, `/api/v1/view?${VIEW}&sql=1`)
    assert.ok(isValid(body), JSON.stringify(isValid.errors))
    assert.ok(!isValid({ ...(body as object), buckets: 'none' }), 'control')
  })
})

describe('who may see a part only', () => {
  const forced: readonly ViewFilter[] = [{ dimension: 'campaign_id', mode: 'include', members: ['a', 'B'] }]

  it('R1: gets that part, whatever is asked for (A3 of answer-view)', async () => {
    const server = await rig.serve({ forced })
    for (const path of [
      '/api/v1/view?range=3h&totals=1&series=campaign_id&rank=campaign_id',
      `/api/v1/view?range=3h&totals=1&series=campaign_id;members=a,ab-1,_&rank=campaign_id;own=0&f.campaign_id=ab-1,a`,
      '/api/v1/view?range=3h&totals=1&series=device_type&rank=campaign_id&f.campaign_id!=a',
    ]) {
      const { body } = await ask(server, path)
      const answer: ViewAnswer = body
      const names = answer.ranks.flatMap(({ members }) => members.map(({ name }) => name))
      assert.ok(names.length > 0 && names.every((name) => ['a', 'B'].includes(name)), `${path}: ${names.join()}`)
      const most = rig.facts.rows.impression
        .filter(({ dimensions }) => ['a', 'B'].includes(dimensions['campaign_id'] ?? ''))
        .reduce((sum, { impressions }) => sum + impressions, 0)
      assert.ok((answer.totals?.value.impressions ?? Infinity) <= most)
      assert.ok(answer.ranks.every(({ whole }) => whole.impressions <= most))
    }
    const { body } = await ask(await rig.serve(), '/api/v1/view?range=3h&rank=campaign_id;limit=50')
    const all: ViewAnswer = body
    assert.ok((all.ranks[0]?.members.length ?? 0) > 2, 'control: others get all')
  })

  it('R1: is refused what cannot be told apart, and never told how much comes in', async () => {
    const server = await rig.serve({ forced, isRunning: true })
    for (const path of ['/api/v1/ledger', '/api/v1/dead-letters']) assert.equal((await ask(server, path)).status, 403)
    const volume = /eventsRead|unreadBytes|readBytes|Bytes":[1-9]|waitingCells":[1-9]/
    const freshness = JSON.stringify((await ask(server, '/api/v1/freshness')).body)
    assert.doesNotMatch(freshness, volume)
    const open = JSON.stringify((await ask(await rig.serve({ isRunning: true }), '/api/v1/freshness')).body)
    for (const told of ['eventsRead', 'journalBytes":[1-9]']) assert.match(open, new RegExp(told), 'control')
  })

  it('shares no stream with anyone who sees more', async () => {
    const server = await rig.serve({ forced })
    const stream = await open(server.port, '/api/v1/live?range=3h&rank=campaign_id;limit=50')
    const events = followEvents(stream)
    await eventually('an answer', () => events.length > 0)
    const answer = events[0]?.data as ViewAnswer
    assert.deepEqual(answer.ranks[0]?.members.map(({ name }) => name).toSorted(), ['B', 'a'])
    stream.destroy()
  })
})

describe('what else is asked for', () => {
  it('the plan says which dimensions go together', async () => {
    const { body } = await ask(await rig.serve(), '/api/v1/plan')
    const {
      answerable,
      measures,
      plan: sent,
    }: { answerable: unknown; measures: { name: string }[]; plan: { sources: [] } } = body
    assert.deepEqual(answerable, [
      { axis: 'impression', dimensions: ['campaign_id'] },
      { axis: 'impression', dimensions: ['device_type'] },
      { axis: 'impression', dimensions: ['campaign_id', 'device_type', 'browser'] },
      { axis: 'click', dimensions: ['campaign_id', 'device_type'] },
    ])
    assert.equal(measures.length, 6)
    assert.deepEqual(sent.sources, [])
  })

  it('the ledger adds up by class and bucket', async () => {
    await runSql(
      rig.url,
      `insert into ledger (stream, window_start, class, events, updated_at) values
       ('clicks', '2026-01-01T00:00Z', 'counted', 5, now()), ('clicks', '2026-01-01T00:20Z', 'counted', 7, now()),
       ('clicks', '2026-01-01T02:59Z', 'orphan', 1, now())`,
    )
    const { body } = await ask(await rig.serve(), '/api/v1/ledger?range=3h&grain=1h')
    const {
      streams,
    }: { streams: { stream: string; events: number; classes: { class: string; byBucket: number[] }[] }[] } = body
    const clicks = streams.find(({ stream }) => stream === 'clicks')
    assert.equal(clicks?.events, 13)
    assert.deepEqual(clicks.classes[0]?.byBucket, [12, 0, 0])
    assert.equal(clicks.classes.length, 9)
  })

  it('dead letters of a database that has none are none', async () => {
    assert.deepEqual((await ask(await rig.serve(), '/api/v1/dead-letters')).body, {
      letters: [],
      counts: [],
      before: null,
    })
  })

  it('freshness of the tables alone, where no engine runs here', async () => {
    const { body } = await ask(await rig.serve(), '/api/v1/freshness')
    const { source, epoch, partitions }: { source: string; epoch: number; partitions: unknown[] } = body
    assert.deepEqual([source, epoch, partitions], ['tables', 7, []])
  })
})
