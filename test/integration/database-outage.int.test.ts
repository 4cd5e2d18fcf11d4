/**
 * PostgreSQL goes away in mid-run:
 *
 * 1. the service lives, says so, goes on taking events and counting;
 * 2. when the server is back, its tables hold every event that was acknowledged, once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { adPlan } from '../support/engine-rig.ts'
import { impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig, storedRows } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()

/** Impressions by the tables. */
async function impressionsIn(url: string): Promise<number> {
  const rows = (await storedRows(url, plan)).get('ctr_by_campaign') ?? []
  return rows.reduce((sum, row) => sum + Number(row[3]), 0)
}

describe('a PostgreSQL that goes away', () => {
  let postgres: TestPostgres
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('killed in mid-run: intake and counting go on, and all is exact when it is back', async (context) => {
    const url = await postgres.createDatabase()
    const rig = await RunningRig.start(context, { databaseUrl: url, dataDir: newFolder(context) })
    let sent = 0
    const send = async (): Promise<void> => {
      const lines = Array.from({ length: 20 }, () => impressionLine(`i${sent++}`, Date.now()))
      await rig.send('impressions', ...lines)
    }
    await send()
    await eventually('some epochs are written', async () => (await rig.status()).epoch >= 1)
    process.kill(postgres.database.serverPid ?? 0, 'SIGKILL')
    await eventually('the outage is noticed', async () => {
      await send()
      return (await rig.status()).database.state === 'down'
    })
    const { database } = await rig.status()
    assert.match(database.message ?? '', /PostgreSQL|write/)
    await send()
    await eventually('counting goes on', async () => (await rig.status()).ledger.impressions.read === sent)
    await eventually('it is back', async () => (await rig.status()).database.state === 'up')
    await send()
    await rig.stop()
    assert.equal(await impressionsIn(url), sent)
  })

  it('stopped while it is away: what was acknowledged waits in the journal for the next start', async (context) => {
    const url = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const rig = await RunningRig.start(context, { databaseUrl: url, dataDir })
    await rig.send('impressions', impressionLine('before', Date.now()))
    await eventually('it is in', async () => (await impressionsIn(url)) === 1)
    process.kill(postgres.database.serverPid ?? 0, 'SIGSTOP')
    try {
      await rig.send('impressions', impressionLine('while away', Date.now()))
      await rig.stop()
    } finally {
      process.kill(postgres.database.serverPid ?? 0, 'SIGCONT')
    }
    const next = await RunningRig.start(context, { databaseUrl: url, dataDir })
    await next.stop()
    assert.equal(await impressionsIn(url), 2)
  })
})
