/**
 * The live service on a real PostgreSQL: what was counted is written before it ends (S2), and a start that fails or is
 * interrupted leaves nothing behind (S3).
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { isAlive } from '../../src/database/process-identity.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { STREAM_NAMES } from '../../src/pipeline/plan.ts'
import type { OfferLines } from '../../src/runtime/live-run.ts'
import { startLiveService, type LiveServiceOptions } from '../../src/service/live-service.ts'
import { clickLine, impressionLine, lineBytes } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { copyTemplate, makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { get } from '../support/raw-http.ts'

const plan = freezePlan(adPipeline)
const HOUR_MS = 3_600_000

/** One event of history, and whatever a test puts into it. */
class SmallSource {
  readonly partitions = STREAM_NAMES.map((stream) => ({ stream, name: stream }))
  readonly #waiting: { partition: number; line: string }[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  put(partition: number, line: string): void {
    this.#waiting.push({ partition, line })
  }

  fillSome(offer: OfferLines): boolean {
    const bytes = lineBytes(impressionLine('of history', Date.now() - 1_000))
    offer(0, bytes, 0, bytes.length)
    return false
  }

  poll(_nowMs: number, offer: OfferLines): boolean {
    for (const { partition, line } of this.#waiting.splice(0)) {
      const bytes = lineBytes(line)
      offer(partition, bytes, 0, bytes.length)
    }
    return false
  }
}

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

function serviceOptions(changed: Partial<LiveServiceOptions>): LiveServiceOptions {
  return {
    plan,
    source: new SmallSource(),
    host: '127.0.0.1',
    port: 0,
    dataDir: '',
    databaseUrl: undefined,
    epochMs: HOUR_MS,
    replace: false,
    onStep: () => undefined,
    log: () => undefined,
    ...changed,
  }
}

async function newDataDir(context: TestContext): Promise<string> {
  const dataDir = makeDataDir()
  context.after(() => rmSync(dataDir, { recursive: true, force: true }))
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

describe('a live service', { timeout: 60_000 }, () => {
  it('S2: writes its last epoch, then is gone with its page and its connections', async () => {
    const source = new SmallSource()
    const stop = new AbortController()
    const warnings: string[] = []
    const log: LiveServiceOptions['log'] = (level, line) => {
      if (level === 'warn' || level === 'error') warnings.push(line)
    }
    const options = serviceOptions({ source, log, databaseUrl: await postgres.createDatabase() })
    const { server, run } = await startLiveService(options, stop.signal)
    const running = run()
    const count = async (table: string): Promise<string> =>
      String((await runSql(options.databaseUrl ?? '', `select sum(events) from ${table}`))[0]?.[0])
    assert.equal(await count('ledger'), '1', 'history is there when the start is over')
    source.put(0, impressionLine('i1', Date.now()))
    source.put(1, clickLine('k1', 'i1', Date.now()))
    await eventually('both are read', () => source.isEmpty)
    assert.equal((await get(server.port, '/readyz')).status, 200)
    assert.equal(await count('ledger'), '1', 'control: no epoch was due')
    stop.abort()
    await running
    assert.equal(await count('ledger'), '3')
    await assert.rejects(get(server.port, '/healthz'), { code: 'ECONNREFUSED' })
    const left = `select application_name from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`
    assert.deepEqual(await runSql(options.databaseUrl ?? '', left), [])
    assert.deepEqual(warnings, [])
  })

  it('S2: an error that no try can mend ends the run with it, and takes everything down', async () => {
    const source = new SmallSource()
    const databaseUrl = await postgres.createDatabase()
    const options = serviceOptions({ source, databaseUrl, epochMs: 20 })
    const { server, run } = await startLiveService(options, new AbortController().signal)
    const running = run()
    await runSql(databaseUrl, 'drop table ctr_by_campaign')
    source.put(0, impressionLine('i1', Date.now()))
    await assert.rejects(running, (error) => error instanceof TidemarkError && !error.retryable)
    await assert.rejects(get(server.port, '/healthz'), { code: 'ECONNREFUSED' })
  })

  it('stops its own server with it', async (context) => {
    const stop = new AbortController()
    const dataDir = await newDataDir(context)
    const { database, run } = await startLiveService(serviceOptions({ dataDir }), stop.signal)
    const serverPid = database.serverPid ?? 0
    assert.ok(isAlive(serverPid))
    stop.abort()
    await run()
    assert.ok(!isAlive(serverPid))
    await assertNothingRuns(dataDir)
  })
})

describe('a start', { timeout: 60_000 }, () => {
  it('S3: that fails over its source, while the database starts, leaves no server behind', async (context) => {
    const dataDir = await newDataDir(context)
    const source = Object.assign(new SmallSource(), {
      fillSome: () => {
        throw new Error('no history')
      },
    })
    await assert.rejects(startLiveService(serviceOptions({ source, dataDir }), new AbortController().signal), {
      message: 'no history',
    })
    await assertNothingRuns(dataDir)
  })

  it('S3: that fails over its port leaves no server behind', async (context) => {
    const dataDir = await newDataDir(context)
    const holder = createServer().listen(0, '127.0.0.1')
    context.after(() => holder.close())
    await new Promise((resolve) => holder.once('listening', resolve))
    const address = holder.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const starting = startLiveService(serviceOptions({ dataDir, port }), new AbortController().signal)
    await assert.rejects(starting, { code: 'PORT_UNAVAILABLE' })
    await assertNothingRuns(dataDir)
  })

  it('S3: that is interrupted ends with the reason of the interrupt, without its page, and leaves no server', async (context) => {
    const dataDir = await newDataDir(context)
    const interrupted = new TidemarkError('INTERRUPTED', 'Interrupted by SIGINT.')
    for (const step of ['at once', 'history counted', 'data in', 'tables ready', 'history written']) {
      const stop = new AbortController()
      const steps: string[] = []
      const onStep = (line: string): void => {
        steps.push(line)
        if (line.includes(step)) stop.abort(interrupted)
      }
      const starting = startLiveService(serviceOptions({ dataDir, onStep }), stop.signal)
      if (step === 'at once') stop.abort(interrupted)
      await assert.rejects(starting, (error) => error === interrupted, step)
      assert.ok(!steps.some((line) => line.startsWith('page at')), step)
      await assertNothingRuns(dataDir)
    }
  })
})
