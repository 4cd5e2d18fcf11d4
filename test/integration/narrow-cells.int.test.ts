/**
 * Narrow cells of live runs on a real PostgreSQL (N1 of `narrow-tables.ts`, W1 and W2 of `narrow-schema.ts`, A1 of
 * `narrow-writer.ts`): in every epoch they are the sums of the wide cells they spare.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { withConnection } from '../../src/database/connection.ts'
import { clearTables, migrate } from '../../src/database/migrate.ts'
import { narrowTables, type NarrowTable } from '../../src/query/narrow-tables.ts'
import { MAX_ROWS } from '../../src/sinks/postgres/narrow-writer.ts'
import { adPlan } from '../support/engine-rig.ts'
import { cellChanges, type CellInput, START_MS } from '../support/change-sets.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { claimedStore, liveEpoch, PLAN } from '../support/live-epochs.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()
const tables = narrowTables(plan)

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** Cells of a narrow table that are not the sums of its source from a window on, and how many there are in all. */
async function differing(url: string, table: NarrowTable, from = '-infinity'): Promise<readonly [number, number]> {
  const { dimensions, measures, name, source } = table
  const columns = [...dimensions, 'window_start']
  const wide = `select ${[...columns, ...measures.map((measure) => `sum(${measure})`)].join(', ')}, bool_and(is_final)
    from ${source} where window_start >= '${from}' group by ${columns.join(', ')}`
  const narrow = `select ${[...columns, ...measures].join(', ')}, is_final from ${name} where window_start >= '${from}'`
  const [row] = await runSql(
    url,
    `select (select count(*) from ((${wide}) except (${narrow})) as a) + (select count(*) from ((${narrow}) except (${wide})) as b),
            (select count(*) from ${name})`,
  )
  return [Number(row?.[0]), Number(row?.[1])]
}

const kept = (url: string): ReturnType<typeof runSql> =>
  runSql(url, `select name, kept_from = '-infinity' from tidemark_windows order by 1`)

describe('narrow cells', () => {
  it('N1: are the sums of wide ones, over restarts, and kept from new windows on where they were missing', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const nowMs = Date.now()
    for (let start = 0; start < 3; start++) {
      const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
      const lines = Array.from({ length: 60 }, (_, i) => impressionLine(`i${start} ${i}`, nowMs - i * 10_000))
      await rig.send('impressions', ...lines)
      await rig.send('clicks', ...lines.map((_, i) => clickLine(`k${start} ${i}`, `i${start} ${i}`, nowMs)))
      await rig.stop()
      for (const table of tables) {
        const [wrong, all] = await differing(url, table)
        assert.ok(all > 0, table.name)
        assert.equal(wrong, 0, table.name)
      }
    }
    assert.deepEqual(await kept(url), tables.map(({ name }) => [name, 't']).sort())
    await runSql(url, 'delete from tidemark_windows')
    const again = await RunningRig.start(context, { databaseUrl: url, dataDir })
    await again.send('impressions', impressionLine('late', nowMs - 60_000), impressionLine('new', nowMs + 120_000))
    await again.stop()
    for (const table of tables.filter(({ axis }) => axis === 'impression')) {
      const [from] = await runSql(url, `select kept_from from tidemark_windows where name = '${table.name}'`)
      assert.equal((await differing(url, table, String(from?.[0])))[0], 0, table.name)
      assert.ok((await differing(url, table))[0] > 0, 'control: the windows before lack what was counted before')
    }
  })

  it('W1: are void once anyone replaces the tables, or an epoch is written without them', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, { withNarrow: true })
    await store.write(liveEpoch(1))
    await store.close()
    assert.equal((await kept(url)).length, tables.length)
    await withConnection({ url, applicationName: 'tidemark test' }, async (client) => {
      await migrate(client, PLAN)
      assert.equal((await kept(url)).length, tables.length, 'control: not by a migration')
      await migrate(client, PLAN, { discardRows: true })
      assert.deepEqual(await kept(url), [])
    })
    await (await claimedStore(url, { withNarrow: true })).close()
    assert.equal((await kept(url)).length, tables.length)
    await withConnection({ url, applicationName: 'tidemark test' }, (client) => clearTables(client, PLAN))
    assert.deepEqual(await kept(url), [])
    await (await claimedStore(url, { withNarrow: true })).close()
    await (await claimedStore(url)).close()
    assert.deepEqual(await kept(url), [], 'claimed by one that has none to give')
  })

  it('A1: are given up where they are as many as the wide ones', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, { withNarrow: true })
    const members = (count: number): CellInput[] =>
      Array.from({ length: count }, (_, index) => ({ dimensions: [`b${index}`], impressions: 1 }))
    const epoch = (number: number, count: number): ReturnType<typeof liveEpoch> => {
      const { changes, ...rest } = liveEpoch(number)
      return {
        ...rest,
        changes: { ...changes, cells: [...changes.cells, cellChanges('page:by:browser', members(count))] },
      }
    }
    const table = 'tidemark_windows_performance_by_browser'
    const isKept = async (): Promise<boolean> => (await kept(url)).some(([name]) => name === table)
    await store.write(epoch(1, MAX_ROWS))
    assert.ok(await isKept())
    assert.deepEqual(await runSql(url, `select count(*) from ${table}`), [[String(MAX_ROWS)]])
    await store.write(epoch(2, MAX_ROWS + 1))
    assert.ok(!(await isKept()))
    assert.equal((await kept(url)).length, tables.length - 1, 'the others stay')
    await store.write(epoch(3, 2))
    await store.close()
    assert.ok(!(await isKept()), 'until the next claim')
    await (await claimedStore(url, { withNarrow: true })).close()
    assert.ok(await isKept())
    const [row] = await runSql(
      url,
      `select kept_from > to_timestamp(${START_MS / 1_000}) from tidemark_windows where name = '${table}'`,
    )
    assert.deepEqual(row, ['t'])
  })
})
