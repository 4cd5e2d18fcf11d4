/**
 * The life of our own server: started, found again, kept from others, and never left behind.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { findServerBinaries } from '../../src/database/binaries.ts'
import { type Database, openDatabase, psqlCommand } from '../../src/database/open-database.ts'
import { isAlive } from '../../src/database/process-identity.ts'
import { TidemarkError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { copyTemplate, makeDataDir, runSql } from '../support/postgres.ts'
import { afterwards } from '../support/afterwards.ts'

const HOLDER = join(import.meta.dirname, '..', 'support', 'hold-database.ts')
/** Safe against everything but the power going off, and many times faster on a slow disk. */
const UNSYNCED = { fsync: 'off' }
const isRoot = process.getuid?.() === 0

interface Holder {
  readonly child: ChildProcess
  readonly url: string
  readonly serverPid: number
}

async function startHolder(dataDir: string): Promise<Holder> {
  const child = spawn(process.execPath, [HOLDER, dataDir], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, ...(JSON.parse(line.toString()) as { url: string; serverPid: number }) }
}

async function newDataDir(context: TestContext): Promise<string> {
  const dataDir = makeDataDir()
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  await copyTemplate(dataDir)
  return dataDir
}

async function open(
  context: TestContext,
  dataDir: string,
  log: (line: string) => void = () => undefined,
  settings: Readonly<Record<string, string>> = UNSYNCED,
): Promise<Database> {
  const database = await openDatabase({ dataDir, settings, log })
  afterwards(context, () => database.stop())
  return database
}

/** Processes that watch over the server `pid`. */
function watchdogsOf(pid: number): readonly number[] {
  const output = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
  const lines = output.split('\n').filter((line) => line.includes(` tidemark-watchdog ${pid} `))
  return lines.map((line) => Number(line.trim().split(' ')[0]))
}

describe('our own server', () => {
  it('V1, and F1 of cluster-files: is made in an empty folder, with private passwords, on the loopback interface only', async (context) => {
    const dataDir = makeDataDir()
    afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
    const database = await open(context, join(dataDir, 'deep', 'er'), undefined, {})
    assert.deepEqual(await runSql(database.url, 'select current_database(), current_user'), [['tidemark', 'tidemark']])
    const settings = `select current_setting('fsync'), current_setting('synchronous_commit'),
      current_setting('listen_addresses'), current_setting('password_encryption')`
    assert.deepEqual(await runSql(database.url, settings), [['on', 'on', '127.0.0.1', 'scram-sha-256']])
    const folder = join(dataDir, 'deep', 'er', 'postgres')
    for (const name of ['password', 'reader-password']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
    assert.ok(!commandLines().includes(new URL(database.url).password), 'no password on a command line')
    const wrong = new URL(database.url)
    wrong.password = 'guessed'
    await assert.rejects(runSql(wrong.href, 'select 1'), { code: 'DATABASE_UNAVAILABLE', message: /password/ })
  })

  it('V1: keeps its rows, its passwords and its port from start to start', async (context) => {
    const dataDir = await newDataDir(context)
    const first = await openDatabase({ dataDir, settings: UNSYNCED })
    await runSql(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    await first.stop()
    const second = await open(context, dataDir)
    assert.equal(second.url, first.url)
    assert.deepEqual(await runSql(second.url, 'select answer from kept'), [['42']])
  })

  it('takes another port when its own is taken', async (context) => {
    const dataDir = await newDataDir(context)
    const first = await openDatabase({ dataDir, settings: UNSYNCED })
    await first.stop()
    const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
    await once(squatter, 'listening')
    afterwards(context, () => squatter.close())
    const second = await open(context, dataDir)
    assert.notEqual(new URL(second.url).port, new URL(first.url).port)
    assert.deepEqual(await runSql(second.url, 'select 1'), [['1']])
  })

  it('offers a line that works when pasted into a shell', async (context) => {
    const database = await open(context, await newDataDir(context))
    if (!existsSync('/usr/bin/psql')) return context.skip('no psql on this machine')
    const output = execFileSync('sh', ['-c', `${psqlCommand(database.url)} -Atc 'select 6*7'`], { encoding: 'utf8' })
    assert.equal(output.trim(), '42')
  })

  it('refuses a second instance on the folder and names the first', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = await startHolder(dataDir)
    afterwards(context, () => holder.child.kill('SIGKILL'))
    await assert.rejects(openDatabase({ dataDir, settings: UNSYNCED }), (error: unknown) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'DATA_DIR_BUSY')
      assert.match(error.message, new RegExp(`process ${holder.child.pid}`))
      return true
    })
    assert.deepEqual(await runSql(holder.url, 'select 1'), [['1']], 'the first goes on')
  })

  it('V2, V3: survives Ctrl-C in the terminal and ends soon after a SIGKILL of ours', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = await startHolder(dataDir)
    // What a terminal does at Ctrl-C: the signal goes to the whole process group of the command.
    process.kill(-(holder.child.pid ?? NaN), 'SIGINT')
    await once(holder.child, 'exit')
    await eventually('the server is gone', () => !isAlive(holder.serverPid), 5_000)
    const log = readFileSync(join(dataDir, 'postgres', 'server.log'), 'utf8')
    assert.match(log, /received fast shutdown request/)
    assert.match(log, /database system is shut down/)

    const killed = await startHolder(dataDir)
    killed.child.kill('SIGKILL')
    await eventually('the server is gone', () => !isAlive(killed.serverPid), 5_000)
    await eventually('no watchdog stays', () => watchdogsOf(killed.serverPid).length === 0)
  })

  it('stops the server that a killed run left behind, frozen or not, before it starts its own', async (context) => {
    const dataDir = await newDataDir(context)
    for (const isFrozen of [false, true]) {
      const holder = await startHolder(dataDir)
      for (const watchdog of watchdogsOf(holder.serverPid)) process.kill(watchdog, 'SIGKILL')
      holder.child.kill('SIGKILL')
      await once(holder.child, 'exit')
      assert.ok(isAlive(holder.serverPid), 'without its watchdog the server stays: there is something to clear up')
      if (isFrozen) process.kill(holder.serverPid, 'SIGSTOP')
      const lines: string[] = []
      const database = await openDatabase({ dataDir, settings: UNSYNCED, log: (line) => lines.push(line) })
      assert.ok(!isAlive(holder.serverPid))
      assert.match(lines.join('\n'), new RegExp(`left behind \\(process ${holder.serverPid}\\)`))
      assert.deepEqual(await runSql(database.url, 'select 1'), [['1']])
      await database.stop()
    }
  })

  it('V3: is taken over, running, by the start after a kill', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = await startHolder(dataDir)
    await runSql(holder.url, 'create table kept as select 42 as answer')
    process.kill(holder.serverPid, 'SIGSTOP')
    holder.child.kill('SIGKILL')
    await once(holder.child, 'exit')
    const lines: string[] = []
    const database = await open(context, dataDir, (line) => lines.push(line))
    assert.equal(database.serverPid, holder.serverPid)
    assert.equal(database.url, holder.url)
    assert.match(lines.join('\n'), new RegExp(`Took over .* \\(process ${holder.serverPid}\\)`))
    assert.deepEqual(await runSql(database.url, 'select answer from kept'), [['42']])
    await eventually('only our watchdog stays', () => watchdogsOf(holder.serverPid).length === 1, 5_000)
    assert.ok(isAlive(holder.serverPid))
    await database.stop()
    assert.ok(!isAlive(holder.serverPid))
  })

  it('is started anew by a start with other settings', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = await startHolder(dataDir)
    holder.child.kill('SIGKILL')
    await once(holder.child, 'exit')
    const database = await open(context, dataDir, undefined, { ...UNSYNCED, work_mem: '17MB' })
    assert.notEqual(database.serverPid, holder.serverPid)
    assert.ok(!isAlive(holder.serverPid))
    assert.deepEqual(await runSql(database.url, 'show work_mem'), [['17MB']])
  })

  it('W2 of watchdog: ends with its folder when nobody is left to take it over', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = await startHolder(dataDir)
    holder.child.kill('SIGKILL')
    await once(holder.child, 'exit')
    rmSync(dataDir, { recursive: true, force: true })
    await eventually('the server is gone', () => !isAlive(holder.serverPid), 5_000)
  })

  it('is not stopped by a postmaster.pid that names an unrelated process', async (context) => {
    const dataDir = await newDataDir(context)
    const first = await openDatabase({ dataDir, settings: UNSYNCED })
    const cluster = join(dataDir, 'postgres', 'cluster')
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')
    await first.stop()
    const bystander = spawn('sleep', ['60'])
    afterwards(context, () => bystander.kill())
    writeFileSync(join(cluster, 'postmaster.pid'), [bystander.pid, ...lines.slice(1)].join('\n'))
    const second = await open(context, dataDir)
    assert.deepEqual(await runSql(second.url, 'select 1'), [['1']])
    assert.ok(isAlive(bystander.pid ?? NaN), 'the bystander lives')
  })

  it('is started again on its port when it dies while we live', async (context) => {
    const dataDir = await newDataDir(context)
    const lines: string[] = []
    const database = await open(context, dataDir, (line) => lines.push(line))
    const pid = database.serverPid ?? NaN
    process.kill(pid, 'SIGKILL')
    await eventually('it is back', () =>
      runSql(database.url, 'select 1').then(
        () => true,
        () => false,
      ),
    )
    assert.notEqual(database.serverPid, pid)
    assert.match(lines.join('\n'), /runs again/)
    await database.stop()
    await assert.rejects(runSql(database.url, 'select 1'), { code: 'DATABASE_UNAVAILABLE' })
  })

  it('V4: is started again once what kept it from starting is gone', async (context) => {
    const dataDir = await newDataDir(context)
    const lines: string[] = []
    const database = await open(context, dataDir, (line) => lines.push(line))
    // The log of the run before cannot be kept: a folder that is not empty has its name.
    const inTheWay = join(dataDir, 'postgres', 'server.log.last')
    rmSync(inTheWay, { force: true })
    mkdirSync(join(inTheWay, 'full'), { recursive: true })
    process.kill(database.serverPid ?? NaN, 'SIGKILL')
    await eventually('it was tried', () => lines.some((line) => line.includes('could not be started')))
    rmSync(inTheWay, { recursive: true })
    await eventually('it is back', () =>
      runSql(database.url, 'select 1').then(
        () => true,
        () => false,
      ),
    )
  })

  it('leaves no process behind when it is stopped', async (context) => {
    const database = await open(context, await newDataDir(context))
    const pid = database.serverPid ?? NaN
    assert.equal(watchdogsOf(pid).length, 1)
    await database.stop()
    assert.ok(!isAlive(pid))
    await eventually('the watchdog is gone', () => watchdogsOf(pid).length === 0)
  })

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
    const second = await open(context, dataDir)
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
      const second = await open(context, dataDir)
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

function commandLines(): string {
  return execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8', maxBuffer: 1 << 24 })
}
