/**
 * Which programs our own server runs, as whom, on which files; and a server that is given instead.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findServerBinaries } from '../../src/database/binaries.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { TidemarkError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { copyTemplate, makeDataDir, runSql } from '../support/postgres.ts'
import { afterwards } from '../support/afterwards.ts'
import { newDataDir, openOwn, UNSYNCED } from '../support/own-server.ts'

const isRoot = process.getuid?.() === 0

describe('the programs of our own server', () => {
  it('refuses files of another major version and says how to go on', async (context) => {
    const dataDir = await newDataDir(context)
    const first = await openDatabase({ dataDir, settings: UNSYNCED })
    await first.stop()
    const version = join(dataDir, 'postgres', 'cluster', 'PG_VERSION')
    writeFileSync(version, '9\n')
    await assert.rejects(openDatabase({ dataDir, settings: UNSYNCED }), (error: unknown) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'DATA_DIR_UNUSABLE')
      assert.match(error.message, /made by PostgreSQL 9, but this machine has \d+/)
      assert.match(error.fix ?? '', /mv /)
      return true
    })
  })

  it('keeps the reader from making tables, where a server lets everybody', async (context) => {
    const dataDir = await newDataDir(context)
    const mayCreate = `select has_schema_privilege('tidemark_reader', 'public', 'create')::text`
    const first = await openDatabase({ dataDir, settings: UNSYNCED })
    // As PostgreSQL below 15 has it from the start.
    await runSql(first.url, 'grant create on schema public to public')
    assert.deepEqual(await runSql(first.url, mayCreate), [['true']])
    await first.stop()
    const second = await openOwn(context, dataDir)
    assert.deepEqual(await runSql(second.url, mayCreate), [['false']])
  })

  it('does not start empty where its programs are gone', async (context) => {
    const dataDir = await newDataDir(context)
    await assert.rejects(openDatabase({ dataDir, installed: [] }), { code: 'DATABASE_BINARIES_MISSING' })
  })

  it('restores the links between its libraries that npm leaves out', () => {
    const embedded = findServerBinaries().find((binaries) => binaries.kind === 'embedded')
    if (embedded === undefined) return
    const libraries = readdirSync(join(embedded.binDir, '..', 'lib'))
    assert.ok(libraries.some((name) => lstatSync(join(embedded.binDir, '..', 'lib', name)).isSymbolicLink()))
  })

  it(
    'U1 of server-user: runs as another user for root, also in a folder that this user may not enter',
    { skip: !isRoot },
    async (context) => {
      const parent = mkdtempSync(join(tmpdir(), 'tidemark private '))
      afterwards(context, () => rmSync(parent, { recursive: true, force: true }))
      assert.equal(statSync(parent).mode & 0o777, 0o700)
      const dataDir = join(parent, 'data')
      const first = await openDatabase({ dataDir, settings: UNSYNCED })
      assert.equal(statSync(`/proc/${first.serverPid}`).uid, 65_534)
      assert.equal(statSync(join(dataDir, 'postgres', 'cluster')).uid, 65_534)
      await runSql(first.url, 'create table kept as select 42 as answer')
      await first.stop()
      const second = await openOwn(context, dataDir)
      assert.deepEqual(await runSql(second.url, 'select answer from kept'), [['42']])
      await runSql(second.url, 'create database another')
      await runSql(second.url, 'checkpoint')
      const holder = second.serverPid ?? NaN
      process.kill(holder, 'SIGKILL')
      await eventually('it is back', () =>
        runSql(second.url, 'select answer from kept').then(
          () => true,
          () => false,
        ),
      )
    },
  )

  it('U2 of server-user: runs copies of programs that its user cannot read', { skip: !isRoot }, async (context) => {
    const parent = mkdtempSync(join(tmpdir(), 'tidemark private '))
    const dataDir = makeDataDir()
    afterwards(context, () => {
      rmSync(parent, { recursive: true, force: true })
      rmSync(dataDir, { recursive: true, force: true })
    })
    const embedded = findServerBinaries().find((binaries) => binaries.kind === 'embedded')
    if (embedded === undefined) return context.skip('no embedded programs here')
    execFileSync('cp', ['-a', join(embedded.binDir, '..'), join(parent, 'native')])
    const hidden = { ...embedded, binDir: join(parent, 'native', 'bin') }
    const database = await openDatabase({ dataDir, settings: UNSYNCED, installed: [hidden] })
    afterwards(context, () => database.stop())
    assert.match(readlinkSync(`/proc/${database.serverPid}/exe`), /\/postgres-[\d.]+\/bin\/postgres$/)
    assert.ok(!readlinkSync(`/proc/${database.serverPid}/exe`).startsWith(parent))
    assert.deepEqual(await runSql(database.url, 'select 1'), [['1']])
  })
})

describe('a given server', () => {
  let own: Database
  let dataDir: string
  before(async () => {
    dataDir = makeDataDir()
    await copyTemplate(dataDir)
    own = await openDatabase({ dataDir, settings: UNSYNCED })
  })
  after(async () => {
    await own.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('is used as it is, and not stopped', async () => {
    const given = await openDatabase({ dataDir: '/nowhere', databaseUrl: own.url })
    assert.equal(given.kind, 'given')
    assert.equal(given.url, own.url)
    assert.ok(!given.describe.includes(new URL(own.url).password), 'no password in what people see')
    await given.stop()
    assert.deepEqual(await runSql(own.url, 'select 1'), [['1']])
  })

  it('is reported in one sentence when nothing listens there', async () => {
    await assert.rejects(
      openDatabase({ dataDir: '/nowhere', databaseUrl: 'postgresql://me:secret@127.0.0.1:1/x' }),
      (error: unknown) => {
        assert.ok(error instanceof TidemarkError)
        assert.equal(error.code, 'DATABASE_UNAVAILABLE')
        assert.match(error.message, /nothing accepts connections there/)
        assert.ok(!error.message.includes('secret'))
        return true
      },
    )
  })
})
