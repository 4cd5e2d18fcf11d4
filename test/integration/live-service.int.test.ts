/**
 * The live service on a real PostgreSQL: a start goes on exactly where the last epoch ended (S1), what was counted is
 * written before it ends (S2), and a start that fails or is interrupted leaves nothing behind (S3).
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { isAlive } from '../../src/database/process-identity.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { TidemarkError } from '../../src/errors.ts'
import { verifyFolder } from '../../src/service/verify-folder.ts'
import { startLiveService, type LiveServiceOptions } from '../../src/service/live-service.ts'
import { HOUR_MS } from '../../src/time/units.ts'
import { adPlan } from '../support/engine-rig.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { liveOptions, newFolder, RunningRig, storedRows } from '../support/live-rig.ts'
import { copyTemplate, makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { get } from '../support/raw-http.ts'
import { afterwards } from '../support/afterwards.ts'

const plan = adPlan()

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

async function newDataDir(context: TestContext): Promise<string> {
  const dataDir = makeDataDir()
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  await copyTemplate(dataDir)
  return dataDir
}

/** Rejects with `DATA_DIR_BUSY` while a server of an earlier start is still there. */
async function assertNothingRuns(dataDir: string): Promise<void> {
  const notices: string[] = []
  const database = await openDatabase({ dataDir, settings: { fsync: 'off' }, log: (line) => notices.push(line) })
  await database.stop()
  assert.deepEqual(
    notices.filter((line) => line.includes('left behind')),
    [],
  )
}

/** Events in the ledger's table. */
const counted = async (url: string): Promise<number> =>
  Number((await runSql(url, `select coalesce(sum(events), 0) from ledger`))[0]?.[0])

describe('a live service', () => {
  it('S2: writes its last epoch, then is gone with its page and its connections', async (context) => {
    const url = await postgres.createDatabase()
    const warnings: string[] = []
    const log: LiveServiceOptions['log'] = (level, line) => {
      if (level === 'warn' || level === 'error') warnings.push(line)
    }
    const rig = await RunningRig.start(context, {
      log,
      databaseUrl: url,
      dataDir: newFolder(context),
      epochMs: HOUR_MS,
    })
    const { server, admin } = rig.service
    assert.equal(await rig.send('impressions', impressionLine('i1', Date.now()), 'broken'), 1)
    assert.equal(await rig.send('clicks', clickLine('k1', 'i1', Date.now())), 1)
    await eventually('all are read', async () => (await rig.status()).ledger.clicks.read === 1)
    assert.equal((await get(admin.port, '/readyz')).status, 200)
    assert.equal(await counted(url), 0, 'control: no epoch was due')
    await rig.stop()
    assert.equal(await counted(url), 3)
    assert.equal(Number((await runSql(url, 'select count(*) from tidemark_dead_letters'))[0]?.[0]), 1)
    await assert.rejects(get(server.port, '/healthz'), { code: 'ECONNREFUSED' })
    await assert.rejects(get(admin.port, '/healthz'), { code: 'ECONNREFUSED' })
    const left = `select application_name from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`
    assert.deepEqual(await runSql(url, left), [])
    assert.deepEqual(warnings, [])
  })

  it('S1, and Y1 of recovery: goes on where it was, over as many restarts as there are, and counts nothing twice', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const nowMs = Date.now()
    for (let start = 0; start < 4; start++) {
      const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
      await rig.send('impressions', impressionLine(`i${start}`, nowMs - 1_000), impressionLine('same', nowMs))
      await rig.send('clicks', clickLine(`k${start}`, `i${Math.max(0, start - 1)}`, nowMs))
      if (start % 2 === 0) await eventually('it is in an epoch', async () => (await counted(url)) === 3 * (start + 1))
      await rig.stop()
      assert.equal(await counted(url), 3 * (start + 1))
    }
    const rows = await storedRows(url, plan)
    const sum = (table: string, column: number): number =>
      (rows.get(table) ?? []).reduce((total, row) => total + Number(row[column]), 0)
    assert.equal(sum('ctr_by_campaign', 3), 5, 'four impressions and the same one')
    assert.equal(sum('ctr_by_campaign', 4), 3, 'i0 was clicked on twice')
  })

  it('Q1 of verify-folder: verify of its folder finds every cell equal, while it runs and after it, and a cell that was changed', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const verify = async (): Promise<readonly [boolean, number]> => {
      const { comparison, recount } = await verifyFolder({ plan, dataDir, url, onStep: () => undefined })
      return [comparison.isEqual, recount.totals.impressions.read]
    }
    const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
    const nowMs = Date.now()
    const lines = Array.from({ length: 200 }, (_, i) => impressionLine(`i${i % 150}`, nowMs - i * 1_000))
    await rig.send('impressions', ...lines, 'broken', impressionLine('future', nowMs + HOUR_MS))
    await rig.send('clicks', ...lines.map((_, i) => clickLine(`k${i}`, `i${i}`, nowMs)))
    await eventually('it is in an epoch', async () => (await counted(url)) === 402)
    assert.deepEqual(await verify(), [true, 202])
    await rig.stop()
    assert.deepEqual(await verify(), [true, 202])
    await runSql(url, 'update ctr_by_campaign set clicks = clicks + 1')
    assert.deepEqual(await verify(), [false, 202], 'control')
  })

  it('S1: an event that was acknowledged and in no epoch yet is counted by the next start', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const first = await RunningRig.start(context, { databaseUrl: url, dataDir, epochMs: HOUR_MS })
    await first.send('impressions', impressionLine('i1', Date.now()))
    await first.stop()
    const second = await RunningRig.start(context, { databaseUrl: url, dataDir })
    assert.equal((await second.status()).ledger.impressions.read, 1)
    await second.stop()
    assert.equal(await counted(url), 1)
  })

  it('S2: an error that no try can mend ends the run with it, and takes everything down', async (context) => {
    const url = await postgres.createDatabase()
    const rig = await RunningRig.start(context, { databaseUrl: url, dataDir: newFolder(context), epochMs: 20 })
    await runSql(url, 'drop table ctr_by_campaign')
    await rig.send('impressions', impressionLine('i1', Date.now()))
    await assert.rejects(rig.ended, (error) => error instanceof TidemarkError && !error.retryable)
    await assert.rejects(get(rig.service.server.port, '/healthz'), { code: 'ECONNREFUSED' })
  })

  it('stops its own server with it', async (context) => {
    const dataDir = await newDataDir(context)
    const rig = await RunningRig.start(context, { dataDir })
    const serverPid = rig.service.database.serverPid ?? 0
    assert.ok(isAlive(serverPid))
    await rig.stop()
    assert.ok(!isAlive(serverPid))
    await assertNothingRuns(dataDir)
  })

  it('D2 of data-folder: refuses a folder that is in use, one of simulated events, and a changed definition, each by name', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
    const { signal } = new AbortController()
    const start = (changed: Partial<LiveServiceOptions>): Promise<unknown> =>
      startLiveService(liveOptions({ databaseUrl: url, dataDir, ...changed }), signal)
    await assert.rejects(start({}), { code: 'DATA_DIR_BUSY' })
    await rig.send('impressions', impressionLine('i1', Date.now()))
    await rig.stop()
    await assert.rejects(start({ writer: 'demo' }), { code: 'DATA_DIR_UNUSABLE', message: /events of a run/ })
    const other = adPlan({ attributionWindow: '1h' })
    await assert.rejects(start({ plan: other }), {
      code: 'PLAN_CHANGED',
      message: /attributionWindow was 30m and is 1h/,
    })
    await assert.rejects(start({ dataDir: newFolder(context) }), { code: 'DATABASE_OTHER_FOLDER' })
    const again = await RunningRig.start(context, { databaseUrl: url, dataDir })
    await again.stop()
    assert.equal(await counted(url), 1, 'what was refused changed nothing')
  })
})

describe('a start', () => {
  it('S3: that fails over its port leaves no server behind', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = createServer().listen(0, '127.0.0.1')
    afterwards(context, () => holder.close())
    await new Promise((resolve) => holder.once('listening', resolve))
    const address = holder.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const starting = startLiveService(liveOptions({ dataDir, port }), new AbortController().signal)
    await assert.rejects(starting, { code: 'PORT_UNAVAILABLE' })
    await assertNothingRuns(dataDir)
  })

  it('S3: that is interrupted ends with the reason of the interrupt, and leaves no server', async (context) => {
    const dataDir = await newDataDir(context)
    const interrupted = new TidemarkError('INTERRUPTED', 'Interrupted by SIGINT.')
    for (const step of ['at once', 'data in', 'tables ready', 'metrics at', 'page at', 'counted']) {
      const stop = new AbortController()
      const onStep = (line: string): void => {
        if (line.includes(step)) stop.abort(interrupted)
      }
      const starting = startLiveService(liveOptions({ dataDir, onStep }), stop.signal)
      if (step === 'at once') stop.abort(interrupted)
      await assert.rejects(starting, (error) => error === interrupted, step)
      await assertNothingRuns(dataDir)
    }
  })
})
