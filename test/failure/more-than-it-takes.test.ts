/**
 * More comes than can be taken: gigabytes while PostgreSQL is down, and far more requests than the service answers.
 * Memory stays bounded, who is turned away is told so, and all that was acknowledged is counted.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { openDatabase } from '../../src/database/open-database.ts'
import { eventually } from '../support/eventually.ts'
import { isLong } from '../support/long.ts'
import { copyTemplate, makeDataDir, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { seed } from '../support/seed.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { assertControls, assertExact } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

const MIB = 1_048_576
const OUTAGE_BYTES = isLong ? 2_048 * MIB : 50 * MIB
const OVERLOAD_MS = isLong ? 600_000 : 5_000
/** What a service may need: its queues and its backlog have limits of their own, its state follows the windows. */
const MAX_BYTES = isLong ? 3_000 * MIB : 800 * MIB

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

describe('more than it takes', { timeout: 3_600_000 }, () => {
  it(`${OUTAGE_BYTES / MIB} MiB while PostgreSQL is down (seed ${seed})`, async (context) => {
    const folder = makeDataDir()
    afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
    await copyTemplate(folder)
    let database = await openDatabase({ dataDir: folder, settings: { fsync: 'off' } })
    afterwards(context, () => database.stop())
    const rig = new ServiceRig({ context, seed, url: database.url })
    await rig.start()
    await rig.count(10)
    const journalBytes = async (): Promise<number> => (await rig.status()).intake.journalBytes
    await database.stop()
    let bytes = await journalBytes()
    const enough = bytes + OUTAGE_BYTES
    while (bytes < enough) {
      await rig.truth.send(rig.base, { newBatches: 200 })
      assert.ok(rig.truth.areAllAcknowledged, 'all is taken in while the journal has room')
      bytes = await journalBytes()
    }
    assert.equal((await rig.status()).database.state, 'down', 'control: it was down all the time')
    database = await openDatabase({ dataDir: folder, settings: { fsync: 'off' } })
    assert.equal(database.url, rig.url)
    await rig.count(10, 600_000)
    const { peakBytes } = rig.service
    assert.ok(peakBytes < MAX_BYTES, `${peakBytes} bytes at most`)
    await rig.end()
    await assertExact(rig)
    await assertControls(rig)
    context.diagnostic(`${rig.truth.acknowledgedEvents} events, ${Math.round(peakBytes / MIB)} MiB at most`)
  })

  it(`64 senders for ${OVERLOAD_MS / 1_000} s without a pause`, async (context) => {
    const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
    await rig.start()
    const endMs = performance.now() + OVERLOAD_MS
    const until = (): boolean => performance.now() >= endMs
    while (!until()) await rig.truth.send(rig.base, { newBatches: Infinity, senders: 64, until })
    await eventually('the rest is taken', async () => {
      await rig.truth.send(rig.base, { newBatches: 0 })
      return rig.truth.areAllAcknowledged
    })
    await rig.count(1, 600_000)
    const { acknowledged, refused, failed, unanswered } = rig.truth.outcomes
    assert.equal(failed + unanswered, 0)
    const { peakBytes } = rig.service
    assert.ok(peakBytes < MAX_BYTES, `${peakBytes} bytes at most`)
    await rig.end()
    await assertExact(rig)
    context.diagnostic(
      `${acknowledged} requests taken, ${refused} told to come back, ${rig.truth.acknowledgedEvents} events, ` +
        `${Math.round(peakBytes / MIB)} MiB at most`,
    )
  })
})
