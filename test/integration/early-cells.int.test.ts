/**
 * Early cells of epochs on a real PostgreSQL (E1, E2 of `early-tables.ts`, G1–G4 of `early-builder.ts`, Y1–Y4 of
 * `early-schema.ts`, L1–L3 of `change-log.ts`): with the changes kept since, they are the sums of the wide cells in
 * every epoch.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { EarlyBuilder, MAX_CHANGES } from '../../src/database/coarse/early-builder.ts'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { planHash } from '../../src/pipeline/plan-hash.ts'
import { finalAfterMs } from '../../src/pipeline/plan.ts'
import { earlySets } from '../../src/query/early-tables.ts'
import type { EpochStore } from '../../src/sinks/postgres/epoch-store.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { type CellInput, cellChanges, epoch, START_MS } from '../support/change-sets.ts'
import { checkAsyncProperty } from '../support/check-property.ts'
import { claimedStore, liveEpoch, PLAN } from '../support/live-epochs.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const FILE = 'test/integration/early-cells.int.test.ts'
const sets = earlySets(PLAN)
const kept = { withNarrow: true, withEarly: true }

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

async function build(url: string, signal?: AbortSignal): Promise<number> {
  const builder = new EarlyBuilder({ url, plan: PLAN, nowMs: () => 0 })
  try {
    return await builder.build(signal)
  } finally {
    await builder.close()
  }
}

/** A signal that lets so many steps pass. */
function stopsAfter(steps: number): AbortSignal {
  let left = steps
  return {
    get aborted() {
      return left-- <= 0
    },
  } as AbortSignal
}

/**
 * Cells that are not the sums of the wide ones in the windows that have early cells, and how many windows those are.
 */
async function differing(url: string): Promise<{ wrong: number; windows: number }> {
  const sums = { wrong: 0, windows: 0 }
  for (const { source, cells, sums: periods, changes } of sets) {
    const wide = source.table.name
    const [state] = await runSql(
      url,
      `select kept_from, built_until, (extract(epoch from built_until - kept_from) / 60)::int from tidemark_early
        where name = '${wide}' and kept_from is not null`,
    )
    if (state === undefined) continue
    sums.windows += Number(state[2])
    const amounts = changes.axis === 'click' ? ['clicks'] : ['impressions', 'clicks', 'spend']
    for (const { name, dimensions, lengthMs } of [...cells, ...periods]) {
      const period = `date_bin('${lengthMs} milliseconds', window_start, 'epoch')`
      const where = `where ${period} >= '${state[0]}' and ${period} <= timestamptz '${state[1]}' - interval '${lengthMs} milliseconds'`
      const columns = `${['window_start', ...dimensions].join(', ')}, ${amounts.join(', ')}`
      const summed = (from: string): string =>
        `select ${[period, ...dimensions].join(', ')}, ${amounts.map((amount) => `sum(${amount})`).join(', ')}
           from ${from} ${where} group by ${[period, ...dimensions].join(', ')}`
      const early = `(select ${columns} from ${name} union all select ${columns} from ${changes.name}) as cells`
      const [row] = await runSql(
        url,
        `with early as (${summed(early)} having sum(${amounts[0]}) <> 0), wide as (${summed(wide)})
         select (select count(*) from (table early except table wide) a) + (select count(*) from (table wide except table early) b)`,
      )
      sums.wrong += Number(row?.[0])
    }
  }
  return sums
}

/** The whole value of a wide cell; none means that it is no more. */
type Cell = readonly [minute: number, campaign: string, device: string, browser: string, amount: number]

function wideEpoch(number: number, watermarkMinute: number, cells: readonly Cell[]): ReturnType<typeof epoch> {
  const watermarkMs = START_MS + watermarkMinute * MINUTE_MS + 1
  const inputs = (dimensionCount: number): CellInput[] => {
    const unique = new Map(cells.map((cell) => [cell.slice(0, 1 + dimensionCount).join(), cell]))
    return [...unique.values()].map(([minute, campaign, device, browser, amount]) => ({
      minute,
      dimensions: [campaign, device, browser].slice(0, dimensionCount),
      impressions: amount,
      clicks: dimensionCount === 3 ? amount >> 1 : amount,
      micros: BigInt(amount) * 1_000_001n,
      removed: amount === 0,
      isFinal: START_MS + (minute + 1) * MINUTE_MS + finalAfterMs(PLAN.parameters) <= watermarkMs,
    }))
  }
  const changes = [cellChanges('performance', inputs(3)), cellChanges('clicks_by_minute', inputs(2))]
  return { ...epoch(number, changes), watermarkMs }
}

describe('early cells', () => {
  it('E1: and their changes are the sums of wide cells, whatever epochs bring and whenever they are built', async () => {
    const member = fc.constantFrom('a', 'b', "o'c")
    const cell = fc.tuple(fc.integer({ min: 0, max: 220 }), member, member, member, fc.integer({ min: 0, max: 9 }))
    const round = fc.record({
      cells: fc.array(cell, { minLength: 1, maxLength: 40 }),
      stepMinutes: fc.integer({ min: 0, max: 40 }),
      steps: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(1_000)),
      claims: fc.boolean(),
    })
    let windows = 0
    let withChanges = 0
    const property = fc.asyncProperty(fc.array(round, { minLength: 3, maxLength: 7 }), async (rounds) => {
      const url = await postgres.createDatabase()
      let store: EpochStore = await claimedStore(url, kept)
      let minute = 5
      try {
        for (const [index, { cells, stepMinutes, steps, claims }] of rounds.entries()) {
          minute += stepMinutes
          await store.write(wideEpoch(index + 1, minute, cells))
          const found = await differing(url)
          assert.equal(found.wrong, 0)
          windows += found.windows
          withChanges += Number((await runSql(url, 'select count(*) from tidemark_changes_performance'))[0]?.[0])
          await build(url, stopsAfter(steps))
          assert.equal((await differing(url)).wrong, 0)
          if (!claims) continue
          await store.close()
          store = await claimedStore(url, kept)
          assert.equal((await differing(url)).wrong, 0)
        }
      } finally {
        await store.close()
      }
    })
    await checkAsyncProperty(property, 6, FILE)
    assert.ok(windows > 100 && withChanges > 10, `${windows} windows, ${withChanges} changes`)
  })

  it('control: a change that is not kept is noticed', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, kept)
    await store.write(wideEpoch(1, 30, [[10, 'a', 'b', 'c', 4]]))
    await build(url)
    await store.write(
      wideEpoch(2, 30, [
        [10, 'a', 'b', 'c', 6],
        [29, 'a', 'b', 'c', 1],
        [31, 'a', 'b', 'c', 1],
      ]),
    )
    await store.close()
    assert.deepEqual(
      await runSql(url, 'select impressions, clicks, spend from tidemark_changes_performance order by 1'),
      [
        ['1', '0', '1.000001'],
        ['2', '1', '2.000002'],
      ],
    )
    assert.equal((await differing(url)).wrong, 0)
    await runSql(url, 'delete from tidemark_changes_performance where impressions = 2')
    assert.equal((await differing(url)).wrong, 16)
  })

  it('G1, G4: a window is built anew once much of it has changed, and too old ones are removed', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, kept)
    const cells = (amount: number): Cell[] =>
      Array.from({ length: MAX_CHANGES }, (_, index): Cell => [3, `c${index}`, 'd', 'b', amount])
    const changes = async (): Promise<number> =>
      Number((await runSql(url, 'select count(*) from tidemark_changes_performance'))[0]?.[0])
    await store.write(wideEpoch(1, 20, cells(2)))
    await build(url)
    await store.write(wideEpoch(2, 20, cells(3)))
    assert.equal(await build(url), 0)
    assert.equal(await changes(), MAX_CHANGES)
    await store.write(
      wideEpoch(3, 20, [
        [3, 'c0', 'd', 'b', 9],
        [3, 'c1', 'd', 'b', 0],
        [3, 'new', 'd', 'b', 5],
      ]),
    )
    assert.equal(await build(url), 2, 'of both tables')
    assert.equal(await changes(), 0)
    assert.equal((await differing(url)).wrong, 0)
    await store.write(wideEpoch(4, 120, [[3, 'c0', 'd', 'b', 10]]))
    await build(url)
    await store.write(wideEpoch(5, 160, [[155, 'c0', 'd', 'b', 10]]))
    await build(url)
    await store.close()
    assert.equal(await changes(), 0)
    assert.deepEqual(
      await runSql(url, 'select count(*), sum(impressions) from tidemark_early_performance_by_device_type_browser'),
      [['1', '10']],
    )
    assert.equal((await differing(url)).wrong, 0)
  })

  it('Y1, Y2, Y4: are void once anyone else wrote, another version kept others, replaced the tables, or removed one of theirs', async () => {
    const url = await postgres.createDatabase()
    const windows = async (): Promise<number> => (await differing(url)).windows
    const again = async (): Promise<void> => {
      const store = await claimedStore(url, kept)
      await store.close()
      await build(url)
      assert.ok((await windows()) > 0)
    }
    const store = await claimedStore(url, kept)
    await store.write(wideEpoch(1, 30, [[10, 'a', 'b', 'c', 4]]))
    await store.close()
    await build(url)
    const built = await windows()
    await (await claimedStore(url, kept)).close()
    assert.equal(await windows(), built, 'control: a start of the same folder goes on with them')

    await runSql(url, `update tidemark_meta set owner = 'an older version'`)
    assert.equal(await build(url), 0, 'and nobody builds for it')
    await (await claimedStore(url, kept)).close()
    assert.equal(await windows(), 0)
    await again()

    await runSql(url, `update tidemark_early set plan_hash = '${planHash(PLAN)}'`)
    assert.equal(await build(url), 0, 'nobody builds what another version keeps')
    await (await claimedStore(url, kept)).close()
    assert.equal(await windows(), 0)
    await again()

    await (await claimedStore(url, { withNarrow: true })).close()
    assert.deepEqual(await runSql(url, 'select * from tidemark_early'), [], 'claimed by one that keeps none')
    await again()

    await runSql(url, 'drop table tidemark_changes_performance')
    await (await claimedStore(url, kept)).close()
    assert.equal(await windows(), 0, 'changes were lost')
    await again()

    await runSql(url, 'drop table tidemark_early_performance_by_device_type_browser')
    await build(url)
    assert.equal((await differing(url)).wrong, 0)
    await withConnection({ url, applicationName: 'tidemark test' }, (client) =>
      migrate(client, PLAN, { discardRows: true }),
    )
    assert.deepEqual(await runSql(url, 'select * from tidemark_early'), [])
  })

  it('L3, Y3: changes that nobody takes up are given up with a warning, and the next claim begins without them', async () => {
    const url = await postgres.createDatabase()
    const state = async (): Promise<string> =>
      String((await runSql(url, 'select count(*) from tidemark_early'))[0]?.[0])
    const lines: string[] = []
    const claimed = (maxChangeBytes: number): Promise<EpochStore> =>
      claimedStore(url, { ...kept, maxChangeBytes, log: (level, line) => void (level === 'warn' && lines.push(line)) })
    let store = await claimed(0)
    await store.write(wideEpoch(1, 30, [[10, 'a', 'b', 'c', 4]]))
    await build(url)
    await store.write(wideEpoch(2, 30, [[10, 'a', 'b', 'c', 6]]))
    await store.close()
    assert.deepEqual(lines, [])

    store = await claimed(0)
    await store.write(wideEpoch(3, 30, [[10, 'a', 'b', 'c', 7]]))
    await store.write(wideEpoch(4, 30, [[10, 'a', 'b', 'c', 8]]))
    await store.close()
    assert.equal(await state(), '0', 'control: they were too large')
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /more than 0 MiB: they are given up until the next start/)

    store = await claimed(0)
    assert.deepEqual(await runSql(url, `select pg_relation_size('tidemark_changes_performance')`), [['0']])
    await store.write(wideEpoch(5, 30, [[10, 'a', 'b', 'c', 9]]))
    await build(url)
    await store.close()
    assert.equal(await state(), '2', 'kept again, of both tables')
    const { wrong, windows } = await differing(url)
    assert.ok(wrong === 0 && windows > 0, `${wrong} wrong in ${windows} windows`)
    assert.equal(lines.length, 1)
  })

  it('E2: nothing is kept before the watermark passed a window, and nothing without a builder', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    await store.write(liveEpoch(1))
    await store.close()
    assert.deepEqual(await runSql(url, `select to_regclass('tidemark_changes_performance') is null`), [['t']])
    assert.equal(await build(url), 0)
    assert.equal(await build(await postgres.createDatabase()), 0, 'a database without any table')
  })
})
