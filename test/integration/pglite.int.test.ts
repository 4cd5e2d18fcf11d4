/**
 * The fallback for machines without PostgreSQL: the same sink, the same tables, one connection at a time.
 */
import assert from 'node:assert/strict'
import { once, type EventEmitter } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { PGlite } from '@electric-sql/pglite'
import type { Client } from 'pg'
import { connect } from '../../src/database/connection.ts'
import { type Database, joinDatabase, openDatabase } from '../../src/database/open-database.ts'
import { PgliteServer } from '../../src/database/pglite-server.ts'
import { readTables } from '../../src/database/read-tables.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { TextRow } from '../../src/pipeline/table-text.ts'
import { PostgresSink } from '../../src/sinks/postgres/postgres-sink.ts'
import { afterwards } from '../support/afterwards.ts'
import { cellChanges, epoch } from '../support/change-sets.ts'
import { claimedStore } from '../support/live-epochs.ts'
import { makeDataDir, runSql } from '../support/postgres.ts'

const plan = freezePlan(adPipeline)

/** Sends a statement to be parsed and no Sync after it, waits for the error, and says no more. */
async function breakOff(client: Client, text: string): Promise<void> {
  const { connection } = client as Client & { readonly connection: ProtocolConnection }
  const error = once(connection, 'errorMessage')
  connection.parse({ text })
  await error
  connection.stream.destroy()
}

/** What the driver speaks the protocol with, below its queries. */
interface ProtocolConnection extends EventEmitter {
  readonly stream: Socket
  parse(statement: { readonly text: string }): void
}

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

  it('is not begun where there is too little memory for it; one that is there is taken as it is', async () => {
    const folder = makeDataDir()
    const little = { installed: [], machineBytes: 2 ** 30 }
    await assert.rejects(openDatabase({ ...little, dataDir: folder }), {
      code: 'MEMORY_TOO_LITTLE',
      message: /PGlite.* takes 1250 MB of memory\. There are 1073\./,
      fix: /--database-url/,
    })
    rmSync(folder, { recursive: true })
    await database.stop()
    database = await openDatabase({ ...little, dataDir })
    assert.equal(database.kind, 'pglite')
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

  it('Z1: serves several who come at once, one after the other', async () => {
    const first = await connect({ url: database.url, applicationName: 'first' })
    const others = [1, 2, 3].map((number) => runSql(database.url, `select ${number}`))
    await first.close()
    assert.deepEqual(await Promise.all(others), [[['1']], [['2']], [['3']]])
  })

  it('Z1: of two who wait, one is let in, and nobody else until it goes', async () => {
    const first = await connect({ url: database.url, applicationName: 'first' })
    const second = connect({ url: database.url, applicationName: 'second' })
    let isThirdIn = false
    const third = connect({ url: database.url, applicationName: 'third' }).then((connection) => {
      isThirdIn = true
      return connection
    })
    // Meanwhile both get in line.
    for (let number = 0; number < 50; number++) await first.client.query(`select ${number}`)
    await first.close()
    const { client, close } = await second
    for (let number = 0; number < 50; number++) await client.query(`select ${number}`)
    assert.equal(isThirdIn, false)
    await close()
    await (await third).close()
  })

  it('Z2: forgets a client that breaks off after an error, before its Sync', async () => {
    const rude = await connect({ url: database.url, applicationName: 'rude' })
    await rude.client.query('begin')
    await rude.client.query('create temp table gone as select 1')
    await breakOff(rude.client, 'no statement')
    await rude.close()
    assert.deepEqual(await runSql(database.url, `select to_regclass('gone')`), [[null]])
  })

  it('Z2: lets nobody in where it cannot forget, and says so', async (context) => {
    const folder = makeDataDir()
    const server = await PgliteServer.start(join(folder, 'pglite'), 'secret', 0)
    afterwards(context, async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    })
    const url = `postgresql://postgres:secret@127.0.0.1:${server.port}/postgres`
    const failing = context.mock.method(PGlite.prototype, 'exec', () => Promise.reject(new Error('out of memory')))
    assert.deepEqual(await runSql(url, 'select 1'), [['1']])
    await assert.rejects(runSql(url, 'select 1'), { message: /PGlite cannot go on: out of memory/ })
    assert.equal(failing.mock.callCount(), 1)
  })

  it('is joined by whoever reads while it runs', async () => {
    const joined = await joinDatabase({ dataDir, installed: [] })
    assert.deepEqual(await runSql(joined.url, 'select 1'), [['1']])
    await joined.close()
    assert.equal(joined.url, database.url)
  })

  it('Z1: tells a second connection why it must wait, and forgets the first when it goes', async () => {
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

  it('Z3: lets nobody in without the password', async () => {
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
