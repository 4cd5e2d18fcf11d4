/**
 * The life of our own server: started, found again, kept from others, and never left behind.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase, psqlCommand } from '../../src/database/open-database.ts'
import { isAlive } from '../../src/database/process-identity.ts'
import { TidemarkError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { makeDataDir, runSql } from '../support/postgres.ts'
import { afterwards } from '../support/afterwards.ts'
import { newDataDir, openOwn, UNSYNCED } from '../support/own-server.ts'

const HOLDER = join(import.meta.dirname, '..', 'support', 'hold-database.ts')

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
    const database = await openOwn(context, join(dataDir, 'deep', 'er'), undefined, {})
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
    const second = await openOwn(context, dataDir)
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
    const second = await openOwn(context, dataDir)
    assert.notEqual(new URL(second.url).port, new URL(first.url).port)
    assert.deepEqual(await runSql(second.url, 'select 1'), [['1']])
  })

  it('offers a line that works when pasted into a shell', async (context) => {
    const database = await openOwn(context, await newDataDir(context))
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
    const database = await openOwn(context, dataDir, (line) => lines.push(line))
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
    const database = await openOwn(context, dataDir, undefined, { ...UNSYNCED, work_mem: '17MB' })
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
    const second = await openOwn(context, dataDir)
    assert.deepEqual(await runSql(second.url, 'select 1'), [['1']])
    assert.ok(isAlive(bystander.pid ?? NaN), 'the bystander lives')
  })

  it('is started again on its port when it dies while we live', async (context) => {
    const dataDir = await newDataDir(context)
    const lines: string[] = []
    const database = await openOwn(context, dataDir, (line) => lines.push(line))
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
    const database = await openOwn(context, dataDir, (line) => lines.push(line))
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
    const database = await openOwn(context, await newDataDir(context))
    const pid = database.serverPid ?? NaN
    assert.equal(watchdogsOf(pid).length, 1)
    await database.stop()
    assert.ok(!isAlive(pid))
    await eventually('the watchdog is gone', () => watchdogsOf(pid).length === 0)
  })
})

function commandLines(): string {
  return execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8', maxBuffer: 1 << 24 })
}
