/**
 * Early cells change no answer (E1 of `early-tables.ts`, T3 of `table-state.ts`): any view is the same without them and
 * with them, with much changed since they were built, beside coarse cells or alone; nor does taking exclusions apart
 * (V1 of `view-source.ts`, F2 of `cells-sql.ts`).
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { CoarseBuilder } from '../../src/database/coarse/coarse-builder.ts'
import { EarlyBuilder, KEPT_FINAL_MS } from '../../src/database/coarse/early-builder.ts'
import { keepEarly } from '../../src/database/coarse/early-schema.ts'
import { inTransaction, withConnection } from '../../src/database/connection.ts'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { checkView } from '../../src/query/check-view.ts'
import { type EarlySet, earlySets } from '../../src/query/early-tables.ts'
import type { ViewQuery, ViewRequest } from '../../src/query/view-query.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { checkAsyncProperty } from '../support/check-property.ts'
import { makeFacts, MEMBERS, writeFacts } from '../support/fact-tables.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import type { Facts } from '../support/view-recount.ts'
import { viewRequests } from '../support/view-requests.ts'

const FILE = 'test/property/early-cells.property.test.ts'
const OWNER = 'owner'
const AXIS_AMOUNTS = { impression: ['impressions', 'clicks', 'spend'], click: ['clicks'] }

/** Four dimensions in one table, three of them by the minute of the click. */
const wide = planOf({
  extends: 'ads',
  dimensions: { country: { label: 'Country' } },
  tables: {
    wide: {
      dimensions: ['campaign_id', 'device_type', 'browser', 'country'],
      measures: ['impressions', 'clicks', 'spend'],
    },
    clicks_wide: { minuteOf: 'click', dimensions: ['campaign_id', 'device_type', 'country'], measures: ['clicks'] },
  },
})
const PLANS: readonly (readonly [name: string, plan: Plan, runs: number])[] = [
  ['ads', freezePlan(adPipeline), 60],
  ['wide', wide, 60],
]

/**
 * Three hours and a half, no border of it that of five minutes; the last of them is not final, and half an hour not
 * passed by the watermark.
 */
function spanOf(plan: Plan): { fromMs: number; toMs: number; finalUpToMs: number } {
  const fromMs = Date.UTC(2026, 2, 30, 0, 3)
  const finalUpToMs = fromMs + KEPT_FINAL_MS + 38 * MINUTE_MS
  return { fromMs, finalUpToMs, toMs: finalUpToMs + finalAfterMs(plan.parameters) + 30 * MINUTE_MS }
}

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

const measuresOf = ({ source, changes }: EarlySet): readonly string[] =>
  AXIS_AMOUNTS[changes.axis].filter((name) => source.table.measures.includes(name))

/** Builds early cells of other amounts than the facts', and makes changes of the difference. */
async function buildEarly(url: string, plan: Plan): Promise<void> {
  await runSql(url, `update tidemark_meta set owner = '${OWNER}'`)
  await withConnection({ url, applicationName: 'tidemark test' }, (client) =>
    inTransaction(client, () => keepEarly(client, plan, OWNER, OWNER)),
  )
  for (const set of earlySets(plan)) {
    const { name, dimensions } = set.source.table
    await runSql(url, `create table truth_${name} as select * from ${name}`)
    // Clicks that came late to impressions of before: what changed then is not an impression.
    await runSql(url, `update ${name} set clicks = clicks + 1 where hashtext(${dimensions[0]}) % 3 = 1`)
    const sums = measuresOf(set).map((measure) => `${measure} = ${measure} + 3`)
    await runSql(url, `update ${name} set ${sums.join(', ')} where hashtext(${dimensions[0]}) % 3 = 0`)
    await runSql(url, `delete from ${name} where hashtext(${dimensions[1]}) % 4 = 0`)
    await runSql(
      url,
      `update ${name} set ${dimensions[1]} = 'gone' where hashtext(${dimensions.at(-1)}) % 5 = 0 and
                          window_start in (select window_start from ${name} group by 1 having count(*) = 1)`,
    )
  }
  const builder = new EarlyBuilder({ url, plan, nowMs: () => 0 })
  assert.ok((await builder.build()) > 100)
  await builder.close()
  for (const set of earlySets(plan)) {
    const { name, dimensions, columns } = set.source.table
    const keys = ['window_start', ...dimensions].join(', ')
    const measures = measuresOf(set)
    const differences = measures.map((measure) => `coalesce(n.${measure}, 0) - coalesce(o.${measure}, 0)`)
    await runSql(
      url,
      `insert into ${set.changes.name} (${keys}, ${measures.join(', ')})
       select ${keys}, ${differences.join(', ')} from ${name} o full join truth_${name} n using (${keys})
        where window_start < (select built_until from tidemark_early where name = '${name}')`,
    )
    const names = columns.map((column) => column.name).join(', ')
    await runSql(url, `delete from ${name}`)
    await runSql(url, `insert into ${name} (${names}) select ${names} from truth_${name}`)
    await runSql(url, `drop table truth_${name}`)
  }
}

async function openReaders(facts: Facts): Promise<{ plain: ViewReader; early: ViewReader[]; urls: string[] }> {
  const { plan } = facts
  const { finalUpToMs, toMs } = spanOf(plan)
  const urls: string[] = []
  for (const parts of [[], ['early'], ['early', 'coarse']]) {
    const url = await postgres.createDatabase()
    await writeFacts(url, facts, finalUpToMs + finalAfterMs(plan.parameters))
    if (parts.includes('early')) await buildEarly(url, plan)
    if (parts.includes('coarse')) {
      const builder = new CoarseBuilder({ url, plan, nowMs: () => 0 })
      await builder.build()
      await builder.close()
    }
    urls.push(url)
  }
  const [plain, ...early] = urls.map((url) => new ViewReader({ plan, url, nowMs: () => toMs }))
  assert.ok(plain !== undefined)
  return { plain, early, urls }
}

/** The answer without what says how it was found, or why there is none; and how it was found. */
async function answerOf(
  reader: ViewReader,
  query: ViewQuery,
): Promise<{ answer: unknown; isEarly: boolean; isDifference: boolean }> {
  try {
    const { sql = [], ...answer } = await reader.answer(query, { withSql: true })
    const has = (part: string): boolean => sql.some(({ text }) => text.includes(part))
    return { answer, isEarly: has('tidemark_early_'), isDifference: has('-"clicks" as') }
  } catch (error) {
    if (!(error instanceof TidemarkError) || !error.code.startsWith('VIEW_')) throw error
    return { answer: error.code, isEarly: false, isDifference: false }
  }
}

async function earlyAnswer(reader: ViewReader, query: ViewQuery): Promise<{ answer: unknown; isEarly: boolean }> {
  const { answer, isEarly } = await answerOf(reader, query)
  return { answer, isEarly }
}

/** Requests that exclude members of two dimensions, and ask for all of what is left. */
function excluding(
  plan: Plan,
  requests: fc.Arbitrary<ViewRequest>,
  members: fc.Arbitrary<string>,
): fc.Arbitrary<ViewRequest> {
  const dimensions = fc.shuffledSubarray(
    plan.dimensions.map(({ name }) => name),
    { minLength: 2, maxLength: 2 },
  )
  return fc
    .tuple(
      requests,
      dimensions,
      fc.array(fc.uniqueArray(members, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 2 }),
    )
    .map(([request, names, excluded]) => ({
      ...request,
      totals: true,
      filters: names.map((dimension, i) => ({ dimension, mode: 'exclude' as const, members: excluded[i] ?? [] })),
    }))
}

for (const [name, plan, runs] of PLANS) {
  describe(`early cells of ${name}`, () => {
    it('change no answer', async () => {
      const { fromMs, toMs } = spanOf(plan)
      const { plain, early } = await openReaders(makeFacts(plan, spanOf(plan), 1_500, runs))
      const members = fc.constantFrom(...MEMBERS, 'nobody', 'gone')
      let [read, differences] = [0, 0]
      try {
        const requests = viewRequests(plan, { members, fromMs, toMs })
        const either = fc.oneof(requests, excluding(plan, requests, members))
        const property = fc.asyncProperty(either, async (request) => {
          const query = checkView(plan, request)
          const { answer: expected } = await answerOf(plain, query)
          for (const reader of early) {
            const { answer, isEarly, isDifference } = await answerOf(reader, query)
            if (isEarly) read++
            if (isDifference) differences++
            assert.deepEqual(answer, expected)
          }
        })
        await checkAsyncProperty(property, runs, FILE)
      } finally {
        for (const reader of [plain, ...early]) await reader.close()
      }
      assert.ok(read > runs / 8, `only ${read} of ${2 * runs} answers read early cells`)
      assert.ok(differences > runs / 20, `only ${differences} of ${2 * runs} answers were differences of cells`)
    })
  })
}

describe('clicks that came late', () => {
  it('F3: count in the sums of their period, at every grain', async () => {
    const plan = freezePlan(adPipeline)
    const { fromMs, toMs } = spanOf(plan)
    const { plain, early } = await openReaders(makeFacts(plan, spanOf(plan), 500, 1))
    try {
      for (const grain of ['1m', '5m', '1h', '1d']) {
        const query = checkView(plan, {
          range: { kind: 'fixed', startMs: fromMs, endMs: toMs },
          grain,
          filters: [{ dimension: 'browser', mode: 'include', members: ['a'] }],
          series: [{ split: null }, { split: 'device_type' }],
        })
        const { answer: expected } = await answerOf(plain, query)
        for (const reader of early)
          assert.deepEqual(await earlyAnswer(reader, query), { answer: expected, isEarly: true })
      }
    } finally {
      for (const one of [plain, ...early]) await one.close()
    }
  })
})

describe('all but some, of three dimensions', () => {
  it('V1, F4: is a difference of cells, with the members and the finality of the rows themselves; control: of any of them', async () => {
    const plan = freezePlan(adPipeline)
    const { fromMs, toMs } = spanOf(plan)
    const { plain, early, urls } = await openReaders(makeFacts(plan, spanOf(plan), 300, 3))
    const [url = '', reader] = [urls[2], early[1]]
    assert.ok(reader !== undefined)
    const filters = [
      { dimension: 'device_type', mode: 'exclude', members: MEMBERS.slice(0, 7) },
      { dimension: 'browser', mode: 'exclude', members: MEMBERS.slice(3) },
    ] as const
    const view = (grain: string, more: object): ViewQuery =>
      checkView(plan, {
        range: { kind: 'fixed', startMs: fromMs, endMs: toMs },
        comparison: { kind: 'previous' },
        grain,
        filters,
        totals: true,
        ...more,
      })
    const views = [
      ...['1m', '15m', '1h'].map((grain) =>
        view(grain, {
          series: [{ split: 'campaign_id' }],
          ranks: [{ dimension: 'campaign_id', limit: 5 }, { dimension: 'browser' }],
        }),
      ),
      // A row by all three dimensions that are excluded is in three terms of two, and counts twice too often in them.
      view('5m', {
        filters: [...filters, { dimension: 'campaign_id', mode: 'exclude', members: MEMBERS.slice(2, 5) }],
      }),
      view('15m', { series: [{ split: 'campaign_id', orderBy: { by: 'spend', of: 'value', direction: 'asc' } }] }),
    ]
    try {
      const expected: unknown[] = []
      for (const query of views) {
        const { answer, isDifference } = await answerOf(plain, query)
        assert.ok(!isDifference)
        expected.push(answer)
        assert.deepEqual(await answerOf(reader, query), { answer, isEarly: true, isDifference: true })
      }
      for (const table of [
        'performance',
        'tidemark_early_performance_by_campaign_id_device_type',
        'tidemark_cells_5m_performance_by_campaign_id_browser',
        'tidemark_changes_performance',
      ]) {
        const change = (by: number): Promise<unknown> => runSql(url, `update ${table} set clicks = clicks + ${by}`)
        await change(1)
        const found = await Promise.all(views.map((query) => answerOf(reader, query)))
        assert.notDeepEqual(
          found.map(({ answer }) => answer),
          expected,
          table,
        )
        await change(-1)
      }
    } finally {
      for (const one of [plain, ...early]) await one.close()
    }
  })
})

describe('control', () => {
  it('one early cell or one change more is noticed, and read only where the state says so', async () => {
    const plan = freezePlan(adPipeline)
    const span = spanOf(plan)
    const { plain, early, urls } = await openReaders(makeFacts(plan, span, 500, 1))
    const query = checkView(plan, {
      range: { kind: 'fixed', startMs: span.fromMs, endMs: span.toMs },
      filters: [{ dimension: 'device_type', mode: 'exclude', members: ['a', 'gone'] }],
      ranks: [{ dimension: 'browser' }],
    })
    const [url = '', reader] = [urls[1], early[0]]
    assert.ok(reader !== undefined)
    try {
      const { answer: expected } = await answerOf(plain, query)
      assert.deepEqual(await earlyAnswer(reader, query), { answer: expected, isEarly: true })
      for (const table of [
        'tidemark_early_performance_by_device_type_browser',
        'tidemark_early_5m_performance_by_device_type_browser',
        'tidemark_changes_performance',
      ]) {
        const change = (by: number): Promise<unknown> => runSql(url, `update ${table} set clicks = clicks + ${by}`)
        await change(1)
        assert.notDeepEqual((await answerOf(reader, query)).answer, expected, table)
        await change(-1)
        assert.deepEqual((await answerOf(reader, query)).answer, expected)
      }
      await runSql(url, `update tidemark_changes_performance set clicks = clicks + 1`)
      await runSql(url, 'update tidemark_early set kept_from = null, built_until = null')
      assert.deepEqual(
        await earlyAnswer(reader, query),
        { answer: expected, isEarly: false },
        'void cells are not read',
      )
    } finally {
      for (const one of [plain, ...early]) await one.close()
    }
  })
})
