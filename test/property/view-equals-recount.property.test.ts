/**
 * Any view, of any part, filter, range, grain, zone and comparison, equals a recount of the same rows in plain code, on
 * a real PostgreSQL; and one that no table can answer is refused.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { checkView } from '../../src/query/check-view.ts'
import { coveringTable } from '../../src/query/coverage.ts'
import type { ViewFilter, ViewQuery } from '../../src/query/view-query.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import { checkAsyncProperty } from '../support/check-property.ts'
import { makeFacts, MEMBERS, writeFacts } from '../support/fact-tables.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { recountView, type Facts } from '../support/view-recount.ts'
import { viewRequests } from '../support/view-requests.ts'

const FILE = 'test/property/view-equals-recount.property.test.ts'

/** Around the night in which clocks change in Berlin and in Beirut. */
const SPAN = {
  fromMs: Date.UTC(2026, 2, 28, 12),
  toMs: Date.UTC(2026, 2, 31),
  finalUpToMs: Date.UTC(2026, 2, 30, 21, 25),
}

const example = (name: string): Plan =>
  planOf(JSON.parse(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')))

/** Nothing is counted in it. */
const spendOnly = planOf({
  extends: 'ads',
  measures: { impressions: null, clicks: null, ctr: null },
  tables: {
    ctr_by_campaign: { measures: ['spend'] },
    engagement_by_device: { measures: ['spend'] },
    performance: { measures: ['spend'] },
    clicks_by_minute: null,
  },
})

const PLANS: readonly (readonly [name: string, plan: Plan, runs: number])[] = [
  ['ads', freezePlan(adPipeline), 80],
  ['by-country', example('by-country/definition.json'), 30],
  ['minimal', example('minimal.json'), 60],
  ['spend alone', spendOnly, 20],
]

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

function isAnswerable(plan: Plan, query: ViewQuery, forced: readonly ViewFilter[]): boolean {
  const filtered = [...query.filters, ...forced].map(({ dimension }) => dimension)
  const parts = [
    [query.axis, filtered],
    ...query.series.map(({ axis, split }) => [axis, split === null ? filtered : [...filtered, split]] as const),
    ...query.ranks.map(({ dimension, ignoreOwnFilter }) => {
      const others = query.filters.filter((filter) => !ignoreOwnFilter || filter.dimension !== dimension)
      return [query.axis, [...others, ...forced].map((filter) => filter.dimension).concat(dimension)] as const
    }),
  ] as const
  return parts.every(([axis, dimensions]) => coveringTable(plan, axis, dimensions) !== undefined)
}

/** Answers with a leaderboard that leaves out what still fills. */
let leftOut = 0

async function compare(
  reader: ViewReader,
  facts: Facts,
  query: ViewQuery,
  forced: readonly ViewFilter[],
): Promise<'equal' | 'refused'> {
  try {
    const answer = await reader.answer(query, { forced })
    assert.ok(isAnswerable(facts.plan, query, forced), 'answered what no table has')
    const { totals, series, ranks } = answer
    if (ranks.some(({ members }) => members.some(({ complete }) => complete !== undefined))) leftOut++
    assert.deepEqual({ totals, series, ranks }, recountView(facts, query, answer, forced))
    return 'equal'
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'VIEW_UNANSWERABLE') throw error
    assert.ok(!isAnswerable(facts.plan, query, forced), 'refused what a table has')
    return 'refused'
  }
}

for (const [name, plan, runs] of PLANS) {
  describe(`views of ${name}`, () => {
    it('equal a recount, whatever is asked (S1 to S3 of view-sql, A2 of answer-view)', async () => {
      const url = await postgres.createDatabase()
      const facts = makeFacts(plan, SPAN, 1_500, runs)
      await writeFacts(url, facts, SPAN.finalUpToMs + finalAfterMs(plan.parameters))
      const reader = new ViewReader({ plan, url, nowMs: () => SPAN.toMs, statementTimeoutMs: 60_000 })
      const member = fc.constantFrom(...MEMBERS, 'nobody')
      const forced = fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        {
          weight: 1,
          arbitrary: fc.tuple(
            fc.record({
              dimension: fc.constantFrom(...plan.dimensions.map((dimension) => dimension.name)),
              mode: fc.constant('include' as const),
              members: fc.uniqueArray(member, { minLength: 1, maxLength: 4 }),
            }),
          ),
        },
      )
      const outcomes = { equal: 0, refused: 0 }
      const requests = viewRequests(plan, { members: member, fromMs: SPAN.fromMs, toMs: SPAN.toMs })
      try {
        const property = fc.asyncProperty(requests, forced, async (request, always) => {
          outcomes[await compare(reader, facts, checkView(plan, fitGrain(request)), always)]++
        })
        await checkAsyncProperty(property, runs, FILE)
      } finally {
        await reader.close()
      }
      assert.ok(outcomes.equal > runs / 8, `only ${outcomes.equal} of ${runs} were answered`)
    })
  })
}

/** The finest grains are for short ranges. */
function fitGrain<T extends { readonly range?: unknown; readonly grain?: unknown }>(request: T): T {
  const range = request.range as { lengthMs?: number; startMs?: number; endMs?: number }
  const lengthMs = range.lengthMs ?? (range.endMs ?? 0) - (range.startMs ?? 0)
  return request.grain === '1m' && lengthMs > 40 * HOUR_MS ? { ...request, grain: '5m' } : request
}

describe('control', () => {
  it('some leaderboards left out what still fills', () => assert.ok(leftOut > 0))

  it('one row more, less or another, or a day that begins by another clock, is noticed', async () => {
    const plan = freezePlan(adPipeline)
    const url = await postgres.createDatabase()
    const facts = makeFacts(plan, SPAN, 300, 1)
    await writeFacts(url, facts, SPAN.finalUpToMs + finalAfterMs(plan.parameters))
    const reader = new ViewReader({ plan, url, nowMs: () => SPAN.toMs })
    const query = checkView(plan, {
      range: { kind: 'fixed', startMs: SPAN.fromMs, endMs: SPAN.toMs },
      grain: '1d',
      zone: 'Europe/Berlin',
      totals: true,
      ranks: [{ dimension: 'browser' }],
    })
    try {
      assert.equal(await compare(reader, facts, query, []), 'equal')
      const { impression, click } = facts.rows
      const [first, ...others] = impression
      assert.ok(first !== undefined)
      for (const rows of [
        others,
        [...impression, first],
        [{ ...first, impressions: first.impressions + 1 }, ...others],
      ])
        await assert.rejects(compare(reader, { ...facts, rows: { impression: rows, click } }, query, []))
      const answer = await reader.answer(query)
      const winter = answer.buckets.map((startMs) => startMs + HOUR_MS)
      const { totals } = recountView(facts, query, { ...answer, buckets: winter }, [])
      assert.notDeepEqual(answer.totals, totals)
    } finally {
      await reader.close()
    }
  })
})
