/**
 * Coarse and narrow cells change no answer (C1 of `coarse-tables.ts`, N1 of `narrow-tables.ts`, D1 and D2 of
 * `span-pieces.ts`, T3 of `table-state.ts`): any view is the same without them, with some of them, and with all of
 * them.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { CoarseBuilder } from '../../src/database/coarse/coarse-builder.ts'
import { withConnection } from '../../src/database/connection.ts'
import { keepNarrow } from '../../src/database/narrow-schema.ts'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { checkView } from '../../src/query/check-view.ts'
import { narrowTables } from '../../src/query/narrow-tables.ts'
import { piecesOf } from '../../src/query/span-pieces.ts'
import type { ViewQuery } from '../../src/query/view-query.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { checkAsyncProperty, checkProperty } from '../support/check-property.ts'
import { makeFacts, MEMBERS, writeFacts } from '../support/fact-tables.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import type { Facts } from '../support/view-recount.ts'
import { viewRequests } from '../support/view-requests.ts'

const FILE = 'test/property/coarse-cells.property.test.ts'

/** Around the night in which clocks change in Berlin and in Beirut; the end of what is final is no whole period. */
const SPAN = {
  fromMs: Date.UTC(2026, 2, 28, 12, 3),
  toMs: Date.UTC(2026, 2, 30, 4),
  finalUpToMs: Date.UTC(2026, 2, 30, 2, 17),
}

const example = (name: string): Plan =>
  planOf(JSON.parse(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')))

const PLANS: readonly (readonly [name: string, plan: Plan, runs: number])[] = [
  ['ads', freezePlan(adPipeline), 60],
  ['by-country', example('by-country/definition.json'), 50],
]

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

async function build(url: string, plan: Plan): Promise<number> {
  const builder = new CoarseBuilder({ url, plan, nowMs: () => 0 })
  try {
    return await builder.build()
  } finally {
    await builder.close()
  }
}

const setWatermark = (url: string, plan: Plan, finalUpToMs: number): Promise<unknown> =>
  runSql(
    url,
    `update tidemark_meta set watermark = '${new Date(finalUpToMs + finalAfterMs(plan.parameters)).toISOString()}'`,
  )

/** Fills the narrow tables from the wide ones, and says that they are kept from a window on. */
async function narrow(url: string, plan: Plan, fromMs: number): Promise<void> {
  await withConnection({ url, applicationName: 'tidemark test' }, (client) => keepNarrow(client, plan))
  const from = `timestamptz '${new Date(fromMs).toISOString()}'`
  for (const { name, source, dimensions, measures } of narrowTables(plan)) {
    const columns = [...dimensions, 'window_start', 'window_end']
    await runSql(
      url,
      `insert into ${name} (${[...columns, ...measures].join(', ')}, is_final, updated_at)
       select ${[...columns, ...measures.map((measure) => `sum(${measure})`)].join(', ')}, bool_and(is_final), now()
         from ${source} where window_start >= ${from} group by ${columns.join(', ')}`,
    )
  }
  await runSql(url, `update tidemark_windows set kept_from = ${from}`)
}

/** Readers of the same facts: without coarse and narrow cells, and with some and all of what there can be. */
async function openReaders(facts: Facts): Promise<{ plain: ViewReader; coarse: ViewReader[]; urls: string[] }> {
  const { plan } = facts
  const urls: string[] = []
  for (const builtUpToMs of [undefined, SPAN.finalUpToMs - 15 * 60 * MINUTE_MS, SPAN.finalUpToMs]) {
    const url = await postgres.createDatabase()
    await writeFacts(url, facts, SPAN.finalUpToMs + finalAfterMs(plan.parameters))
    if (builtUpToMs !== undefined) {
      await setWatermark(url, plan, builtUpToMs)
      assert.ok((await build(url, plan)) > 2)
      await setWatermark(url, plan, SPAN.finalUpToMs)
      await narrow(url, plan, builtUpToMs - 7 * MINUTE_MS)
    }
    urls.push(url)
  }
  const [plain, ...coarse] = urls.map((url) => new ViewReader({ plan, url, nowMs: () => SPAN.toMs }))
  assert.ok(plain !== undefined)
  return { plain, coarse, urls }
}

/** The answer without what says how it was found, or why there is none. */
async function answerOf(reader: ViewReader, query: ViewQuery): Promise<unknown> {
  try {
    return await reader.answer(query)
  } catch (error) {
    if (error instanceof TidemarkError && error.code.startsWith('VIEW_')) return error.code
    throw error
  }
}

for (const [name, plan, runs] of PLANS) {
  describe(`coarse cells of ${name}`, () => {
    it('change no answer, however many there are', async () => {
      const facts = makeFacts(plan, SPAN, 1_500, runs)
      const { plain, coarse } = await openReaders(facts)
      const members = fc.constantFrom(...MEMBERS, 'nobody')
      const requests = viewRequests(plan, { members, fromMs: SPAN.fromMs, toMs: SPAN.toMs })
      let answered = 0
      try {
        const property = fc.asyncProperty(requests, async (request) => {
          const query = checkView(plan, request)
          const expected = await answerOf(plain, query)
          if (typeof expected !== 'string') answered++
          for (const reader of coarse) assert.deepEqual(await answerOf(reader, query), expected)
        })
        await checkAsyncProperty(property, runs, FILE)
      } finally {
        for (const reader of [plain, ...coarse]) await reader.close()
      }
      assert.ok(answered > runs / 8, `only ${answered} of ${runs} were answered`)
    })
  })
}

describe('control', () => {
  it('one coarse cell more or another is noticed, and read only as far as the state says', async () => {
    const plan = freezePlan(adPipeline)
    const { plain, coarse, urls } = await openReaders(makeFacts(plan, SPAN, 300, 1))
    const query = checkView(plan, {
      range: { kind: 'fixed', startMs: SPAN.fromMs, endMs: SPAN.toMs },
      grain: '1h',
      totals: true,
      ranks: [{ dimension: 'browser' }],
    })
    const [url = '', reader] = [urls.at(-1), coarse.at(-1)]
    assert.ok(reader !== undefined)
    try {
      const expected = await answerOf(plain, query)
      assert.deepEqual(await answerOf(reader, query), expected)
      for (const table of ['tidemark_cells_1h_performance_by_browser', 'tidemark_cells_1h_ctr_by_campaign_in_all']) {
        const change = (by: number): Promise<unknown> =>
          runSql(
            url,
            `update ${table} set clicks = clicks + ${by} where window_start = (select max(window_start) from ${table})`,
          )
        await change(1)
        assert.notDeepEqual(await answerOf(reader, query), expected, table)
        await change(-1)
        assert.deepEqual(await answerOf(reader, query), expected)
      }
      const table = 'tidemark_windows_performance_by_browser'
      await runSql(url, `update ${table} set clicks = clicks + 1`)
      assert.notDeepEqual(await answerOf(reader, query), expected, table)
      await runSql(url, 'delete from tidemark_windows')
      assert.deepEqual(await answerOf(reader, query), expected, 'void cells are not read')
      await runSql(url, 'update tidemark_cells_5m_performance_by_browser set clicks = 0')
      await runSql(url, 'update tidemark_cells_1h_performance_by_browser set clicks = 0')
      await runSql(url, 'update tidemark_cells set complete_until = null')
      assert.deepEqual(await answerOf(reader, query), expected, 'void cells are not read')
    } finally {
      for (const one of [plain, ...coarse]) await one.close()
    }
  })
})

describe('a span in pieces', () => {
  it('D1, D2: covers the span once, and cells lie in it, complete, with no border inside', () => {
    const time = fc.integer({ min: 0, max: 600 })
    const spans = fc
      .tuple(time, fc.integer({ min: 1, max: 300 }))
      .map(([startMs, length]) => ({ startMs, endMs: startMs + length }))
    const coarse = fc.tuple(time, time).map(([short, long]) => [
      { lengthMs: 5, completeMs: short - (short % 5) },
      { lengthMs: 60, completeMs: long - (long % 60) },
    ])
    const property = fc.property(spans, coarse, fc.array(time, { maxLength: 5 }), (span, sources, borders) => {
      const pieces = piecesOf(span, sources, borders)
      let atMs = span.startMs
      for (const { span: piece, coarse: source } of pieces) {
        assert.equal(piece.startMs, atMs)
        assert.ok(piece.endMs > piece.startMs)
        atMs = piece.endMs
        if (source === undefined) continue
        assert.equal(piece.startMs % source.lengthMs, 0)
        assert.equal(piece.endMs % source.lengthMs, 0)
        assert.ok(piece.endMs <= source.completeMs)
        for (const border of borders)
          if (border > piece.startMs && border < piece.endMs) assert.equal(border % source.lengthMs, 0)
      }
      assert.equal(atMs, span.endMs)
    })
    checkProperty(property, 500, FILE)
  })
})
