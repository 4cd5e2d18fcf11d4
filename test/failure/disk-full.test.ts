/**
 * Disks that are really full: that of the data folder, and that of PostgreSQL. Intake stops with 503 before the
 * journal's disk is full and goes on by itself when there is room; a full disk under PostgreSQL is an outage like
 * others. Whatever was acknowledged is counted.
 */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { openDatabase, type Database } from '../../src/database/open-database.ts'
import { eventually } from '../support/eventually.ts'
import { copyTemplate, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { mountProblem, SmallDisk } from '../support/small-disk.ts'
import { assertControls, assertExact } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

const MIB = 1_048_576
/** What the journal leaves free for checkpoints. */
const RESERVE_BYTES = 256 * MIB
const skip = mountProblem() ?? false

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** Sends until so many requests in a row were refused. */
async function sendUntilRefused(rig: ServiceRig, times: number): Promise<void> {
  const { refused } = rig.truth.outcomes
  await eventually('it is told to come back', async () => {
    await rig.truth.send(rig.base, { newBatches: 50, until: () => rig.truth.outcomes.refused >= refused + times })
    return rig.truth.outcomes.refused >= refused + times
  })
}

const outcomesOtherThan503 = ({ truth }: ServiceRig): number => truth.outcomes.failed + truth.outcomes.unanswered

describe('the disk of the data folder is full', { skip }, () => {
  it('intake stops before it is, all that was acknowledged is safe, and it goes on by itself', async (context) => {
    const disk = new SmallDisk(context, 320)
    const rig = new ServiceRig({
      context,
      seed,
      url: await postgres.createDatabase(),
      dataDir: join(disk.folder, 'data'),
    })
    disk.fill(RESERVE_BYTES + 4 * MIB)
    await rig.start()
    await sendUntilRefused(rig, 20)
    assert.ok(disk.freeBytes > RESERVE_BYTES - 4 * MIB, `control: ${disk.freeBytes} bytes are free`)
    assert.ok(rig.truth.acknowledgedEvents > 1_000, 'control: some were taken before')
    await eventually('it says so', async () => (await rig.status()).intake.state === 'full')
    const { epoch } = await rig.status()
    disk.clear()
    await eventually('it goes on by itself', async () => (await rig.truth.sendOne(rig.base)) === 'acknowledged')
    await rig.count(50)
    await eventually('epochs go on', async () => (await rig.status()).epoch > epoch)
    assert.equal(outcomesOtherThan503(rig), 0)
    await rig.end()
    await assertExact(rig)
  })

  it('someone else fills it to the last byte: it lives, a kill there loses nothing, and it starts when there is room', async (context) => {
    const disk = new SmallDisk(context, 320)
    const rig = new ServiceRig({
      context,
      seed,
      url: await postgres.createDatabase(),
      dataDir: join(disk.folder, 'data'),
    })
    await rig.start()
    await rig.count(30)
    const load = rig.truth.send(rig.base, { newBatches: 400 })
    disk.fill(0)
    await load
    await sendUntilRefused(rig, 5)
    assert.ok(disk.freeBytes < MIB, `control: ${disk.freeBytes} bytes are free`)
    assert.equal(outcomesOtherThan503(rig), 0)
    await eventually('it says so', async () => (await rig.status()).intake.state === 'full')
    await rig.kill()

    disk.fill(0)
    const { base: before } = rig
    const meanwhile = rig.spawn()
    const banner = await meanwhile.banner
    if (banner === undefined) {
      const { code } = await meanwhile.ended
      assert.ok(code === EXIT.unavailable || code === EXIT.configuration, `exit code ${code}: ${meanwhile.stderr}`)
      assert.match(meanwhile.stderr, /fix {4}/)
    } else {
      assert.notEqual(banner.url, before)
      meanwhile.signal('SIGKILL')
      await meanwhile.ended
    }
    context.diagnostic(
      banner === undefined ? `a start there: ${meanwhile.stderr.split('\n')[0]}` : 'a start there works',
    )

    disk.clear()
    await rig.start()
    await rig.count(10)
    await rig.end()
    await assertExact(rig)
    await assertControls(rig)
  })
})

describe('the disk of PostgreSQL is full', { skip }, () => {
  it('the process lives and takes events in, and all is exact when there is room', async (context) => {
    const disk = new SmallDisk(context, 200)
    const dataDir = join(disk.folder, 'database')
    mkdirSync(dataDir)
    await copyTemplate(dataDir)
    let database = await startOn(context, dataDir)
    const rig = new ServiceRig({ context, seed, url: database.url })
    await rig.start()
    await rig.count(20)
    disk.fill(0)
    // Without room PostgreSQL goes on for as long as the files it has take something.
    await eventually(
      'it has noticed',
      async () => {
        await rig.truth.send(rig.base, { newBatches: 40 })
        return (await rig.status()).database.state === 'down' || !(await isWritable(database.url, disk))
      },
      60_000,
    )
    await eventually('the service says so', async () => (await rig.status()).database.state === 'down', 60_000)
    context.diagnostic((await rig.status()).database.message ?? '')
    const { acknowledgedEvents } = rig.truth
    await rig.send(40)
    assert.ok(rig.truth.acknowledgedEvents > acknowledgedEvents, 'events are taken in meanwhile')
    disk.clear()
    database = await backOn(context, database, dataDir)
    assert.equal(database.url, rig.url)
    await rig.count(20, 60_000)
    assert.equal(outcomesOtherThan503(rig), 0)
    await rig.end()
    await assertExact(rig)
    await assertControls(rig)
  })
})

/** A server whose files are there. */
async function startOn(context: TestContext, dataDir: string): Promise<Database> {
  const database = await openDatabase({ dataDir, settings: { fsync: 'off' } })
  afterwards(context, () => database.stop().catch(() => undefined))
  return database
}

/** Fills what is free again, and lets the server write a few MB; false once it cannot. */
async function isWritable(url: string, disk: SmallDisk): Promise<boolean> {
  disk.fill(0)
  try {
    await runSql(url, `create table if not exists filler (text text)`)
    await runSql(url, `insert into filler select repeat(md5(i::text), 30) from generate_series(1, 2000) i`)
    return true
  } catch {
    return false
  }
}

/** The server, started again where the full disk ended it. */
async function backOn(context: TestContext, database: Database, dataDir: string): Promise<Database> {
  try {
    await runSql(database.url, 'select 1')
    return database
  } catch {
    await database.stop().catch(() => undefined)
    return startOn(context, dataDir)
  }
}
