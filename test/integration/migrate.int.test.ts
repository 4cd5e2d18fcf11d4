/**
 * Migrations against a real server: what they create and extend, what they refuse, who may read.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { withConnection } from '../../src/database/connection.ts'
import { recordWriter } from '../../src/database/meta-table.ts'
import { clearTables, migrate, type MigrationReport } from '../../src/database/migrate.ts'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { Definition } from '../../src/pipeline/definition.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)
const HOUR = `'2026-01-01T00:00Z', '2026-01-01T00:01Z'`

let postgres: TestPostgres

/** The ad pipeline with one table, of these dimensions and measures. */
function planOf(
  dimensions: readonly string[],
  measures: readonly string[],
  changes: Partial<Definition> = {},
): typeof plan {
  const tables = { ctr_by_campaign: { dimensions, measures } }
  return freezePlan({ ...adPipeline, tables, ...changes })
}

function migrateAt(url: string, toPlan: typeof plan, discardRows = false): Promise<MigrationReport> {
  return withConnection({ url, applicationName: 'tidemark test' }, (client) => migrate(client, toPlan, { discardRows }))
}

function isMismatch(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'DATABASE_SCHEMA_MISMATCH')
    assert.match(error.message, pattern)
    assert.match(error.fix ?? '', /another name in the definition.*drop (table|view) "public"\."ctr_by_campaign"/)
    return true
  }
}

const columnsOf = (url: string, table: string): ReturnType<typeof runSql> =>
  runSql(
    url,
    `select column_name, data_type, is_nullable from information_schema.columns
      where table_name = '${table}' order by ordinal_position`,
  )

describe('migrate', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('creates the tables of SEMANTICS, and has nothing to do the second time', async () => {
    const url = await postgres.createDatabase()
    await migrateAt(url, plan)
    assert.deepEqual(await columnsOf(url, 'ctr_by_campaign'), [
      ['campaign_id', 'text', 'NO'],
      ['window_start', 'timestamp with time zone', 'NO'],
      ['window_end', 'timestamp with time zone', 'NO'],
      ['impressions', 'bigint', 'NO'],
      ['clicks', 'bigint', 'NO'],
      ['ctr', 'double precision', 'YES'],
      ['spend', 'numeric', 'NO'],
      ['is_final', 'boolean', 'NO'],
      ['updated_at', 'timestamp with time zone', 'NO'],
    ])
    const [key] = await runSql(
      url,
      `select pg_get_constraintdef(oid) from pg_constraint where conname = 'performance_pkey'`,
    )
    assert.deepEqual(key, ['PRIMARY KEY (window_start, campaign_id, device_type, browser)'])
    const again = await migrateAt(url, plan)
    assert.deepEqual(again.statements, [])
  })

  it('G3 of table-changes: adds a measure to a table that holds rows, which stay, with null for what was not measured', async () => {
    const url = await postgres.createDatabase()
    await migrateAt(url, planOf(['campaign_id'], ['impressions']))
    await runSql(url, `insert into ctr_by_campaign values ('a', ${HOUR}, 7, false, now())`)
    await migrateAt(url, planOf(['campaign_id'], ['impressions', 'clicks', 'spend']))
    assert.deepEqual(await runSql(url, 'select campaign_id, impressions, clicks, spend from ctr_by_campaign'), [
      ['a', '7', null, null],
    ])
  })

  it('G2 of table-changes: keeps a measure that the plan gave up, and new rows need not have it', async () => {
    const url = await postgres.createDatabase()
    await migrateAt(url, planOf(['campaign_id'], ['impressions', 'clicks']))
    await runSql(url, `insert into ctr_by_campaign values ('a', ${HOUR}, 7, 1, false, now())`)
    await migrateAt(url, planOf(['campaign_id'], ['impressions']))
    const insert = `insert into ctr_by_campaign (campaign_id, window_start, window_end, impressions, is_final, updated_at)`
    await runSql(url, `${insert} values ('b', ${HOUR}, 8, false, now())`)
    assert.deepEqual(await runSql(url, 'select clicks from ctr_by_campaign order by campaign_id'), [['1'], [null]])
  })

  it('G1 of table-changes: refuses another key over rows, and takes it over none', async () => {
    const url = await postgres.createDatabase()
    await migrateAt(url, planOf(['campaign_id'], ['impressions']))
    await runSql(url, `insert into ctr_by_campaign values ('a', ${HOUR}, 7, false, now())`)
    const wider = planOf(['campaign_id', 'browser'], ['impressions'])
    const names =
      /"ctr_by_campaign": its key is \(window_start, campaign_id\) and should be \(window_start, campaign_id, browser\)/
    await assert.rejects(migrateAt(url, wider), isMismatch(names))
    assert.deepEqual(await runSql(url, 'select impressions from ctr_by_campaign'), [['7']], 'the rows are still there')
    await runSql(url, 'delete from ctr_by_campaign')
    await migrateAt(url, wider)
    assert.equal((await columnsOf(url, 'ctr_by_campaign'))[1]?.[0], 'browser')
  })

  it('refuses a column of another type over rows, unless they are to be replaced', async () => {
    const url = await postgres.createDatabase()
    await runSql(
      url,
      `create table ctr_by_campaign (campaign_id text, window_start timestamptz, window_end timestamptz,
         impressions integer, primary key (window_start, campaign_id));
       insert into ctr_by_campaign values ('a', ${HOUR}, 7)`,
    )
    const wished = planOf(['campaign_id'], ['impressions'])
    await assert.rejects(migrateAt(url, wished), isMismatch(/column "impressions" is integer and should be bigint/))
    await migrateAt(url, wished, true)
    assert.deepEqual(await runSql(url, 'select * from ctr_by_campaign'), [])
  })

  it('refuses a table without a key, and a view of that name, even when they are empty to look at', async () => {
    const url = await postgres.createDatabase()
    await runSql(url, `create view ctr_by_campaign as select 1 as one`)
    await assert.rejects(migrateAt(url, plan), isMismatch(/is not a table/))
    await assert.rejects(migrateAt(url, plan, true), isMismatch(/is not a table/))
    await runSql(url, `drop view ctr_by_campaign`)
    await runSql(url, `create table ctr_by_campaign as select 'a' as campaign_id`)
    await assert.rejects(migrateAt(url, plan), isMismatch(/has no primary key/))
  })

  it('changes nothing at all when one table of several is refused', async () => {
    const url = await postgres.createDatabase()
    await runSql(url, `create view ledger as select 1 as one`)
    await assert.rejects(migrateAt(url, plan), { code: 'DATABASE_SCHEMA_MISMATCH' })
    assert.deepEqual(await runSql(url, `select to_regclass('ctr_by_campaign')`), [[null]])
  })

  it('quotes names that a definition may well have', async () => {
    const url = await postgres.createDatabase()
    const name = `x"; drop table ledger; --`
    const hostile = freezePlan({
      ...adPipeline,
      dimensions: { ...adPipeline.dimensions, [name]: { field: 'x' } },
      tables: {
        [name]: { dimensions: [name], measures: ['impressions'] },
        select: { dimensions: [], measures: ['clicks'] },
      },
    })
    await migrateAt(url, hostile)
    const again = await migrateAt(url, hostile)
    assert.deepEqual(again.statements, [])
    assert.deepEqual(await runSql(url, `select count(*) from "x""; drop table ledger; --", ledger, "select"`), [['0']])
  })

  it('lets two instances migrate at once', async () => {
    const url = await postgres.createDatabase()
    const reports = await Promise.all([1, 2, 3].map(() => migrateAt(url, plan)))
    assert.deepEqual(
      reports.map((report) => report.statements.length).toSorted((a, b) => b - a),
      [5, 0, 0],
    )
  })

  it('lets the read-only role read the tables of the plan, and do nothing else', async () => {
    const { url, readOnlyUrl } = postgres.database
    await runSql(url, 'create table if not exists secret as select 1 as one')
    const report = await migrateAt(url, plan)
    assert.equal(report.readerRole.granted, true)
    const reader = readOnlyUrl ?? ''
    assert.deepEqual(await runSql(reader, 'select count(*) from ctr_by_campaign'), [['0']])
    const [role] = await runSql(url, `select rolconfig::text, rolsuper from pg_roles where rolname = 'tidemark_reader'`)
    assert.deepEqual(role, ['{default_transaction_read_only=on,statement_timeout=30s}', 'f'])
    await assert.rejects(runSql(reader, 'delete from ctr_by_campaign'), { code: '25006' })
    await assert.rejects(runSql(reader, 'create temp table mine (one int)'), { code: '25006' })
    // The role could switch its transactions to writing: it still has no right to write anything.
    const writing = 'set transaction read write;'
    await assert.rejects(runSql(reader, `${writing} delete from ctr_by_campaign`), { code: '42501' })
    await assert.rejects(runSql(reader, `${writing} create table mine (one int)`), { code: '42501' })
    await assert.rejects(runSql(reader, 'select * from secret'), { code: '42501' })
  })

  it('leaves the rights on tables of other pipelines alone, and takes back those on tables it gave up', async () => {
    const url = await postgres.createDatabase()
    const mayRead = async (table: string): Promise<string | null | undefined> =>
      (await runSql(url, `select has_table_privilege('tidemark_reader', '${table}', 'select')`))[0]?.[0]
    const { ctr_by_campaign: campaigns, engagement_by_device: devices } = adPipeline.tables
    assert.ok(campaigns !== undefined && devices !== undefined)
    const other = (tables: Definition['tables']): ReturnType<typeof freezePlan> =>
      freezePlan({ ...adPipeline, name: 'other', ledger: 'other_ledger', tables })
    const both = other({ other_campaigns: campaigns, other_devices: devices })
    await migrateAt(url, plan)
    await migrateAt(url, both)
    await withConnection({ url, applicationName: 'tidemark test' }, (client) => recordWriter(client, both, 'run'))
    assert.deepEqual([await mayRead('ctr_by_campaign'), await mayRead('other_devices')], ['t', 't'])
    await migrateAt(url, other({ other_campaigns: campaigns }))
    assert.deepEqual([await mayRead('ctr_by_campaign'), await mayRead('other_devices')], ['t', 'f'])
  })

  it('empties exactly the tables of the plan', async () => {
    const url = await postgres.createDatabase()
    await migrateAt(url, plan)
    await runSql(url, `insert into ctr_by_campaign values ('a', ${HOUR}, 7, 1, null, 0, false, now())`)
    await runSql(url, 'create table other as select 1 as one')
    await withConnection({ url, applicationName: 'tidemark test' }, (client) => clearTables(client, plan))
    assert.deepEqual(await runSql(url, 'select (select count(*) from ctr_by_campaign), (select count(*) from other)'), [
      ['0', '1'],
    ])
  })

  it('does without the role where our user may not make one, and says so', async () => {
    const url = await postgres.createDatabase()
    await runSql(url, `create role plain login password 'plain'; grant all on schema public to plain`)
    await runSql(url, 'alter role tidemark_reader rename to elsewhere')
    const plain = new URL(url)
    plain.username = 'plain'
    plain.password = 'plain'
    const report = await migrateAt(plain.href, plan)
    assert.equal(report.readerRole.granted, false)
    assert.match(report.readerRole.message, /our user may not create tidemark_reader/)
    assert.equal(report.statements.length, 5, 'the tables are made all the same')
    // The control: a user who may make roles does.
    const capable = await migrateAt(await postgres.createDatabase(), plan)
    assert.match(capable.readerRole.message, /to use it: alter role tidemark_reader login/)
  })
})
