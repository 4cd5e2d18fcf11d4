/**
 * PostgreSQL under a running service: frozen with all its processes, slow, read-only, out of connections, killed. The
 * process lives, its memory is bounded, it takes events in meanwhile, says what it waits for, and all is exact when
 * PostgreSQL is back.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase, type Database } from '../../src/database/open-database.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { isLong } from '../support/long.ts'
import { copyTemplate, makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { isServerStopped, signalServer } from '../support/server-processes.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { seededRandom } from '../support/simulated-disk.ts'
import { assertControls, assertExact } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

const MIB = 1_048_576
/** The service gives PostgreSQL 10 s to answer. */
const FREEZE_MS = isLong ? 60_000 : 12_000
const DATABASE_KILLS = isLong ? 60 : 4
const MAX_GROWTH_BYTES = 400 * MIB

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** Sends at a steady pace for as long as something is not so. */
async function sendUntil(rig: ServiceRig, what: string, isSo: () => Promise<boolean>): Promise<void> {
  await eventually(
    what,
    async () => {
      await rig.truth.send(rig.base, { newBatches: 20, pauseMs: 20 })
      return isSo()
    },
    120_000,
  )
  assert.equal(rig.truth.outcomes.acknowledged, rig.truth.deliveries, 'everything was taken in')
}

/** A service meets a fault, says so, goes on taking in, and is exact when it is over. */
async function survives(
  context: TestContext,
  rig: ServiceRig,
  fault: () => Promise<() => unknown>,
  says: RegExp,
): Promise<void> {
  await rig.start()
  await rig.count(20)
  const residentBytes = rig.service.residentBytes
  const end = await fault()
  try {
    await sendUntil(rig, 'it says so', async () => {
      const { state, message } = (await rig.status()).database
      return state === 'down' && says.test(message ?? '')
    })
    const { acknowledgedEvents } = rig.truth
    await rig.send(50)
    assert.ok(rig.truth.acknowledgedEvents > acknowledgedEvents)
  } finally {
    await end()
  }
  await rig.count(20, 60_000)
  await eventually('it says that it is over', async () => (await rig.status()).database.state === 'up')
  const grownBytes = rig.service.peakBytes - residentBytes
  assert.ok(grownBytes < MAX_GROWTH_BYTES, `it grew by ${grownBytes} bytes`)
  await rig.end()
  await assertExact(rig)
  context.diagnostic(`${rig.truth.acknowledgedEvents} events, grown by ${Math.round(grownBytes / MIB)} MiB at most`)
}

/** Ends the service's session, so that the next one meets what was changed. */
const endSession = (url: string): Promise<unknown> =>
  runSql(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'tidemark run%'`,
  )

describe('PostgreSQL under a run', { timeout: 900_000 }, () => {
  it(`is frozen for ${FREEZE_MS / 1_000} s, with all its processes`, async (context) => {
    const pid = postgres.database.serverPid ?? assert.fail('it is our own')
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await survives(
      context,
      rig,
      async () => {
        afterwards(context, () => void signalServer(pid, 'SIGCONT'))
        assert.ok(signalServer(pid, 'SIGSTOP') > 3, 'control: with all its processes')
        await eventually('all stand still', () => isServerStopped(pid))
        const thawed = delay(FREEZE_MS)
        return async () => {
          await thawed
          assert.ok(isServerStopped(pid), 'control: all the time')
          signalServer(pid, 'SIGCONT')
        }
      },
      /does not answer/,
    )
  })

  it('is read-only', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    const name = new URL(rig.url).pathname.slice(1)
    await survives(
      context,
      rig,
      async () => {
        const admin = new pg.Client({ connectionString: rig.url })
        await admin.connect()
        await admin.query(`alter database ${name} set default_transaction_read_only = on`)
        await endSession(rig.url)
        return async () => {
          await admin.query('set default_transaction_read_only = off')
          await admin.query(`alter database ${name} reset default_transaction_read_only`)
          await admin.end()
        }
      },
      /lets us read only/,
    )
  })

  it('has no connection left', async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await survives(
      context,
      rig,
      async () => {
        const crowd: pg.Client[] = []
        let [isOver, isFull] = [false, false]
        afterwards(context, () => (isOver = true))
        const crowdIn = async (): Promise<void> => {
          while (!isOver) {
            const client = new pg.Client({ connectionString: rig.url })
            client.on('error', () => undefined)
            // The place of whoever leaves is taken at once.
            await client.connect().then(
              () => crowd.push(client),
              async () => {
                isFull = true
                await delay(5)
              },
            )
          }
        }
        const crowding = Array.from({ length: 4 }, crowdIn)
        await eventually('all places are taken', () => isFull)
        await crowd[0]?.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'tidemark run%'`,
        )
        return async () => {
          isOver = true
          await Promise.all(crowding)
          await Promise.all(crowd.map((client) => client.end()))
        }
      },
      /no connection left/,
    )
  })

  it('is slow: each answer takes half a second', async (context) => {
    const url = await postgres.createDatabase()
    const proxy = await CuttingProxy.before(url)
    afterwards(context, () => proxy.close())
    const rig = new ServiceRig({ context, seed, url, options: { databaseUrl: proxy.through(url) } })
    await rig.start()
    await rig.count(20)
    const { epoch } = await rig.status()
    proxy.delayMs = 250
    await sendUntil(rig, 'epochs are few', async () => (await rig.status()).epochDurationMs > 1_500)
    await sendUntil(rig, 'but they come', async () => (await rig.status()).epoch > epoch + 2)
    proxy.delayMs = 0
    await rig.count(20, 60_000)
    await rig.end()
    await assertExact(rig)
  })
})

describe('PostgreSQL under a run is killed', { timeout: 3_000_000 }, () => {
  it(`${DATABASE_KILLS} times, every other time together with the run (seed ${seed})`, async (context) => {
    const folder = makeDataDir()
    afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
    await copyTemplate(folder)
    let database: Database = await openDatabase({ dataDir: folder })
    afterwards(context, () => database.stop().catch(() => undefined))
    const random = seededRandom(seed)
    const rig = new ServiceRig({ context, seed, url: database.url })
    await rig.start()
    let killed = 0
    for (let kill = 0; kill < DATABASE_KILLS; kill++) {
      const isBoth = kill % 2 === 1
      const sending = rig.truth.send(rig.base, { newBatches: 150 })
      await delay(random() * 1_000)
      const pid = database.serverPid ?? assert.fail('it is our own')
      killed += signalServer(pid, 'SIGKILL') > 3 ? 1 : 0
      if (isBoth) assert.equal((await rig.kill()).signal, 'SIGKILL')
      await sending
      await database.stop().catch(() => undefined)
      database = await openDatabase({ dataDir: folder })
      assert.equal(database.url, rig.url)
      if (isBoth) await rig.start()
    }
    assert.equal(killed, DATABASE_KILLS, 'control: each time with all its processes')
    await rig.count(20, 60_000)
    await rig.end()
    await assertExact(rig)
    await assertControls(rig)
    context.diagnostic(`${rig.truth.acknowledgedEvents} events acknowledged; ${rig.replay}`)
  })
})
