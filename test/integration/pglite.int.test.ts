/**
 * The fallback for machines without PostgreSQL: the same sink, the same tables, one connection at a time.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { connect } from '../../src/database/connection.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { readTables } from '../../src/database/read-tables.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { TextRow } from '../../src/pipeline/table-text.ts'
import { PostgresSink } from '../../src/sinks/postgres/postgres-sink.ts'
import { cellChanges, epoch } from '../support/change-sets.ts'
import { claimedStore } from '../support/live-epochs.ts'
import { makeDataDir, runSql } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)

describe('PGlite', () => {
  const dataDir = makeDataDir()
  let database: Database
  before(async () => {
    database = await openDatabase({ dataDir, installed: [] })
  })
  after(async () => {
    await database.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('is labelled as what it is', () => {
    assert.equal(database.kind, 'pglite')
    assert.match(database.describe, /limited fallback/)
    assert.equal(database.readOnlyUrl, undefined)
  })

  it('takes epochs and whole runs, and gives the rows back', async () => {
    const { url } = database
    const cells = [{ dimensions: [`it's "a"`], impressions: 3, clicks: 1, micros: 5n, isFinal: true }]
    const live = await claimedStore(url, { plan, writer: 'demo' })
    for (const number of [1, 2]) await live.write(epoch(number, [cellChanges('ctr_by_campaign', cells)]))
    await live.close()
    const whole = new PostgresSink({ url, plan, writer: 'replay', replace: true })
    await whole.open()
    await whole.write(epoch(1, [cellChanges('ctr_by_campaign', cells)]))
    await whole.commit()
    await whole.close()
    const stored = await readTables(url, plan)
    const rows: TextRow[] = []
    for (const table of stored.tables) for await (const row of table.rows) rows.push(row)
    await stored.close()
    const times = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:01:00.000Z']
    assert.deepEqual(rows, [[`it's "a"`, ...times, '3', '1', '0.3333333333333333', '0.000005', 'true']])
  })

  it('tells a second connection why it must wait, and forgets the first when it goes', async () => {
    const first = await connect({ url: database.url, applicationName: 'first' })
    await first.client.query('begin')
    await first.client.query('create temp table gone as select 1')
    await assert.rejects(runSql(database.url, 'select 1'), {
      code: 'DATABASE_UNAVAILABLE',
      message: /one connection at a time/,
    })
    await first.close()
    assert.deepEqual(await runSql(database.url, `select to_regclass('gone')`), [[null]])
  })

  it('lets nobody in without the password', async () => {
    const wrong = new URL(database.url)
    wrong.password = 'guessed'
    await assert.rejects(runSql(wrong.href, 'select 1'), { code: 'DATABASE_UNAVAILABLE', message: /password/ })
  })

  it('keeps its rows from start to start', async () => {
    await runSql(database.url, 'create table kept as select 42 as answer')
    await database.stop()
    database = await openDatabase({ dataDir, installed: [] })
    assert.deepEqual(await runSql(database.url, 'select answer from kept'), [['42']])
  })
})
