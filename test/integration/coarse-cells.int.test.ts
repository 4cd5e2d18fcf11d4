/**
 * Building coarse cells on a real PostgreSQL (B1–B4 of `coarse-builder.ts`, H1 and H2 of `coarse-schema.ts`): what is
 * built and what is not, interrupted, twice at once, and while the tables are replaced.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CoarseBuilder } from '../../src/database/coarse/coarse-builder.ts'
import { withConnection } from '../../src/database/connection.ts'
import { clearTables, migrate } from '../../src/database/migrate.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import { coarseTables } from '../../src/query/coarse-tables.ts'
import { makeFacts, writeFacts } from '../support/fact-tables.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)
const tables = coarseTables(plan)
const SPAN = {
  fromMs: Date.UTC(2025, 11, 31, 20, 7),
  toMs: Date.UTC(2026, 0, 1, 6),
  finalUpToMs: Date.UTC(2026, 0, 1, 5, 18),
}

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

async function filled(watermarkMs = SPAN.finalUpToMs + finalAfterMs(plan.parameters)): Promise<string> {
  const url = await postgres.createDatabase()
  await writeFacts(url, makeFacts(plan, SPAN, 600, 3), watermarkMs)
  return url
}

async function build(url: string, signal?: AbortSignal, by: Plan = plan): Promise<number> {
  const builder = new CoarseBuilder({ url, plan: by, nowMs: () => 0 })
  try {
    return await builder.build(signal)
  } finally {
    await builder.close()
  }
}

const stateOf = (url: string): ReturnType<typeof runSql> =>
  runSql(url, `select length_ms, to_char(complete_until at time zone 'UTC', 'HH24:MI') from tidemark_cells order by 1`)

/** Counts of all coarse tables, as text. */
async function contents(url: string): Promise<string> {
  const parts: string[] = []
  for (const { name } of tables) {
    const [row] = await runSql(url, `select count(*), sum(clicks) from ${name}`)
    parts.push(`${name}: ${row?.join(' ')}`)
  }
  return parts.join('\n')
}

const millions = async (url: string, table: string, until: string): Promise<unknown> =>
  (
    await runSql(
      url,
      `select sum(impressions), sum(clicks), sum(spend) from ${table} where window_start < '2026-01-01T${until}Z'`,
    )
  )[0]

describe('coarse cells', () => {
  it('B2: are the sums of what is final, up to the last whole period, readable for the role that reads', async () => {
    const url = await filled()
    assert.ok((await build(url)) > 3)
    assert.deepEqual(await stateOf(url), [
      ['300000', '05:15'],
      ['3600000', '05:00'],
      ['21600000', '00:00'],
    ])
    assert.deepEqual(
      await millions(url, 'tidemark_cells_5m_performance', '23:00'),
      await millions(url, 'performance', '05:15'),
    )
    assert.deepEqual(
      await millions(url, 'tidemark_cells_1h_performance_by_browser', '23:00'),
      await millions(url, 'performance', '05:00'),
    )
    assert.deepEqual(
      await millions(url, 'tidemark_cells_6h_performance', '23:00'),
      await millions(url, 'performance', '00:00'),
    )
    assert.equal(await build(url), 0, 'nothing is left to do')
    const names = [...tables.map(({ name }) => name), 'tidemark_cells']
    for (const name of names) {
      const [row] = await runSql(url, `select has_table_privilege('tidemark_reader', '${name}', 'select')`)
      assert.equal(row?.[0], 't', name)
    }
  })

  it('B2: are not built without an epoch row of the plan, nor before anything is final', async () => {
    const early = await filled(SPAN.fromMs + finalAfterMs(plan.parameters))
    assert.equal(await build(early), 0)
    const none = await runSql(
      early,
      `select count(*) from pg_class where relname like 'tidemark\\_cells\\_%' and relkind = 'r'`,
    )
    assert.deepEqual(none, [['0']], 'no table is made before it is needed')
    const other = await filled()
    await runSql(other, `update tidemark_meta set plan_hash = 'another'`)
    assert.equal(await build(other), 0)
    await runSql(other, `delete from tidemark_meta`)
    assert.equal(await build(other), 0)
    assert.equal(await build(await postgres.createDatabase()), 0, 'a database without any table')
  })

  it('end with what there is where everything is final', async () => {
    const url = await filled(Infinity)
    await build(url)
    assert.deepEqual(
      await millions(url, 'tidemark_cells_1h_performance', '23:00'),
      await millions(url, 'performance', '23:00'),
    )
  })

  it('B1: stopped between any two pieces, go on to the same', async () => {
    const expected = await filled()
    await build(expected)
    const url = await filled()
    let stops = 0
    for (let pieces = 1; pieces > 0; stops++) {
      let left = 1
      const signal = {
        get aborted() {
          return left-- <= 0
        },
      } as AbortSignal
      pieces = await build(url, signal)
    }
    assert.ok(stops > 10, `only ${stops} pieces`)
    assert.deepEqual(await stateOf(url), await stateOf(expected))
    assert.equal(await contents(url), await contents(expected))
  })

  it('B3: several builders at once build the same', async () => {
    const expected = await filled()
    await build(expected)
    const url = await filled()
    for (let round = 0; (await Promise.all([build(url), build(url), build(url)])).some((pieces) => pieces > 0); round++)
      assert.ok(round < 100)
    assert.equal(await contents(url), await contents(expected))
  })

  it('H1, B3: leave everything to who replaces the tables, and begin anew with what is there then', async () => {
    const url = await filled()
    await build(url)
    await withConnection({ url, applicationName: 'tidemark test' }, async (client) => {
      await client.query('begin')
      await client.query('select * from tidemark_cells for update')
      assert.equal(await build(url), 0, 'while another has the lock')
      await client.query('rollback')
      await migrate(client, plan)
    })
    assert.deepEqual((await stateOf(url))[0], ['300000', '05:15'], 'control: a migration of the same plan keeps them')
    await withConnection({ url, applicationName: 'tidemark test' }, async (client) => clearTables(client, plan))
    assert.deepEqual(await stateOf(url), [
      ['300000', null],
      ['3600000', null],
      ['21600000', null],
    ])
    assert.equal(await build(url), 0, 'there is nothing to build from')
    await runSql(
      url,
      `insert into performance values ('c', 'd', 'b', '2026-01-01T00:00Z', '2026-01-01T00:01Z', 3, 2, 1.5, true, now())`,
    )
    await build(url)
    assert.deepEqual(
      await runSql(url, 'select campaign_id, impressions, clicks, spend from tidemark_cells_5m_performance'),
      [['c', '3', '2', '1.500000']],
    )
  })

  it('H2: are built anew where a table was removed, has another form, or the plan is another', async () => {
    const url = await filled()
    await build(url)
    const before = await contents(url)
    await runSql(url, 'drop table tidemark_cells_5m_performance_by_browser')
    await build(url)
    assert.equal(await contents(url), before)
    await runSql(url, 'alter table tidemark_cells_1h_performance drop column spend')
    await build(url)
    assert.equal(await contents(url), before)
    await runSql(
      url,
      `do $$ begin execute 'drop index ' || (select indexrelid::regclass from pg_index where indnatts = 4
        and indrelid = 'tidemark_cells_1h_performance'::regclass); end $$`,
    )
    assert.ok((await build(url)) > 3, 'an index is missing, as after a version that made another')
    assert.equal(await contents(url), before)
    assert.equal(await build(url), 0)
    const { performance, ...others } = adPipeline.tables as Record<string, never>
    assert.ok(performance !== undefined)
    const smaller = freezePlan({ ...adPipeline, tables: others })
    await withConnection({ url, applicationName: 'tidemark test' }, (client) => migrate(client, smaller))
    const left = await runSql(
      url,
      `select count(*) from pg_class where relname like 'tidemark_cells%performance' and relkind = 'r'`,
    )
    assert.deepEqual(left, [['0']], 'what the plan has no more is gone')
    assert.equal(await build(url), 0, 'control: the old plan builds nothing any more')
  })

  it('H1: an upgrade that keeps more of them waits for no reader', async () => {
    const url = await filled()
    await build(url)
    const before = await contents(url)
    await runSql(url, 'delete from tidemark_cells where length_ms = 21600000; drop table tidemark_cells_6h_performance')
    await withConnection({ url, applicationName: 'tidemark test' }, async (reading) => {
      await reading.query('begin; select * from tidemark_cells_5m_performance limit 1')
      await withConnection({ url, applicationName: 'tidemark test' }, async (client) => {
        await client.query(`set lock_timeout = '1ms'`)
        await migrate(client, plan)
      })
      await reading.query('rollback')
    })
    await build(url)
    assert.equal(await contents(url), before)
  })

  it('have no tables where windows are coarse already', () => {
    const parameters = { ...adPipeline.parameters, windowSize: '2h' as const }
    assert.deepEqual(coarseTables(freezePlan({ ...adPipeline, parameters })), [])
    const quarter = coarseTables(
      freezePlan({ ...adPipeline, parameters: { ...parameters, windowSize: '10m' as const } }),
    )
    assert.deepEqual([...new Set(quarter.map(({ lengthMs }) => lengthMs))], [3_600_000, 21_600_000])
    assert.ok(tables.every(({ name }) => name.length <= 63))
    assert.equal(new Set(tables.map(({ name }) => name)).size, tables.length)
  })
})
