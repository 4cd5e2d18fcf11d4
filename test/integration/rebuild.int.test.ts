/**
 * Counting the journal again, by B1 and B2 of `rebuild.ts`: after another definition, from a journal that retention has
 * trimmed, and not at all from one that is damaged.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { findRetained, type RetainedPartition } from '../../src/checkpoint/journal/retained.ts'
import { TidemarkError } from '../../src/errors.ts'
import { planHash } from '../../src/pipeline/plan-hash.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { journalFolder, readIdentity } from '../../src/service/data-folder.ts'
import { rebuild, type RebuildResult } from '../../src/service/rebuild.ts'
import { verifyFolder } from '../../src/service/verify-folder.ts'
import { adPlan } from '../support/engine-rig.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig, storedRows } from '../support/live-rig.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const plan = adPlan()
const NEVER = new AbortController().signal

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

interface Stopped {
  readonly databaseUrl: string
  readonly dataDir: string
}

/** A run of some requests, stopped in order. */
async function stoppedRun(context: TestContext, requests = 4): Promise<Stopped> {
  const databaseUrl = await postgres.createDatabase()
  const dataDir = newFolder(context)
  const rig = await RunningRig.start(context, { databaseUrl, dataDir })
  const nowMs = Date.now()
  for (let i = 0; i < requests; i++) {
    await rig.send('impressions', impressionLine(`i${i}`, nowMs - 3_000), impressionLine(`i${i}`, nowMs), 'broken')
    await rig.send('clicks', clickLine(`k${i}`, `i${i}`, nowMs - 1_000))
  }
  await rig.stop()
  return { databaseUrl, dataDir }
}

const countAgain = async ({ databaseUrl, dataDir }: Stopped, changed: Plan = plan): Promise<RebuildResult> =>
  rebuild({ plan: changed, dataDir, databaseUrl, log: () => undefined }, NEVER)

const verified = async ({ databaseUrl, dataDir }: Stopped, changed: Plan = plan): Promise<boolean> =>
  (await verifyFolder({ plan: changed, dataDir, url: databaseUrl, onStep: () => undefined })).comparison.isEqual

const retained = (dataDir: string): readonly RetainedPartition[] => findRetained(nodeDisk, journalFolder(dataDir))

/** What the database holds, and which epoch it says it is. */
async function holds({ databaseUrl }: Stopped): Promise<unknown> {
  return [await storedRows(databaseUrl, plan), await runSql(databaseUrl, 'select epoch, positions from tidemark_meta')]
}

function firstSegment(dataDir: string): string {
  return retained(dataDir).find(({ name }) => name === 'http/impressions')?.segments[0]?.path ?? ''
}

function flipBit(path: string, at: (bytes: Buffer) => number): void {
  const bytes = readFileSync(path)
  const index = at(bytes)
  bytes[index] = (bytes[index] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

describe('rebuild', () => {
  it('B1: leaves the same tables, and the next run goes on from its end', async (context) => {
    const stopped = await stoppedRun(context)
    const tables = await storedRows(stopped.databaseUrl, plan)
    await runSql(stopped.databaseUrl, 'update ctr_by_campaign set clicks = clicks + 7')
    assert.equal(await verified(stopped), false, 'control')
    assert.deepEqual(await countAgain(stopped), { events: 16, isWhole: true, salvaged: undefined })
    assert.deepEqual(await storedRows(stopped.databaseUrl, plan), tables)
    assert.equal(Number((await runSql(stopped.databaseUrl, 'select count(*) from tidemark_dead_letters'))[0]?.[0]), 4)
    const rig = await RunningRig.start(context, stopped)
    await rig.send('impressions', impressionLine('i0', Date.now()))
    await rig.stop()
    assert.equal(await verified(stopped), true)
  })

  it('counts with another definition, which a run alone refuses', async (context) => {
    const stopped = await stoppedRun(context)
    const other = adPlan({ attributionWindow: '1s' })
    await assert.rejects(RunningRig.start(context, { ...stopped, plan: other }), { code: 'PLAN_CHANGED' })
    assert.equal((await countAgain(stopped, other)).events, 16)
    assert.equal(await verified(stopped, other), true)
    const [clicks] = await runSql(stopped.databaseUrl, `select sum(events) from ledger where class = 'out_of_window'`)
    assert.equal(Number(clicks?.[0]), 4, 'control: it makes a difference')
    const rig = await RunningRig.start(context, { ...stopped, plan: other })
    await rig.stop()
  })

  it('the folder is of the plan it was of until the last event is counted again', async (context) => {
    const stopped = await stoppedRun(context)
    const other = adPlan({ attributionWindow: '1h' })
    const planOf = (): string | undefined => readIdentity(stopped.dataDir)?.planHash
    flipBit(firstSegment(stopped.dataDir), (bytes) => bytes.indexOf('broken'))
    await assert.rejects(countAgain(stopped, other), { code: 'JOURNAL_CORRUPT' })
    assert.equal(planOf(), planHash(plan))
    flipBit(firstSegment(stopped.dataDir), (bytes) => bytes.indexOf('croken'))
    await countAgain(stopped, other)
    assert.equal(planOf(), planHash(other), 'control')
  })

  it('and verify name the way out: what differs in the definition, and how to go on without a copy', async (context) => {
    const stopped = await stoppedRun(context)
    const verifyWith = async (by: Plan): Promise<unknown> => verified(stopped, by).catch((error: unknown) => error)
    const changed = await verifyWith(adPlan({ attributionWindow: '1h' }))
    assert.ok(changed instanceof TidemarkError && changed.code === 'PLAN_CHANGED')
    assert.match(changed.message, /another definition: parameter attributionWindow was 30m and is 1h\.$/)
    assert.equal(await verifyWith(plan), true, 'control')
    flipBit(firstSegment(stopped.dataDir), (bytes) => bytes.indexOf('broken'))
    const damaged = await verifyWith(plan)
    assert.ok(damaged instanceof TidemarkError && damaged.code === 'JOURNAL_CORRUPT')
    assert.match(damaged.fix ?? '', /restore .* from a copy .*\.\/tidemark rebuild --skip-damage$/)
  })

  it('B2: leaves everything as it was where the journal is damaged, and names partition, file and place', async (context) => {
    const stopped = await stoppedRun(context)
    const before = await holds(stopped)
    const path = firstSegment(stopped.dataDir)
    const original = readFileSync(path)
    flipBit(path, (bytes) => bytes.indexOf('broken'))
    await assert.rejects(countAgain(stopped), (error: unknown) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'JOURNAL_CORRUPT')
      assert.match(error.message, /The journal of "http\/impressions" is damaged: .*, byte \d+: .*intact/)
      assert.ok(error.message.includes(path))
      assert.match(error.fix ?? '', /restore .* from a copy.*rebuild --skip-damage/)
      return true
    })
    assert.deepEqual(await holds(stopped), before)
    writeFileSync(path, original)
    assert.equal((await countAgain(stopped)).events, 16, 'control: mended it counts')
  })

  it('B2: the same where the damage is in the head of the file, of which the partition is not known from inside', async (context) => {
    const stopped = await stoppedRun(context)
    const before = await holds(stopped)
    flipBit(firstSegment(stopped.dataDir), (bytes) => bytes.indexOf('impressions'))
    await assert.rejects(countAgain(stopped), {
      code: 'JOURNAL_CORRUPT',
      message: /The journal of "http\/impressions"/,
    })
    assert.deepEqual(await holds(stopped), before)
  })

  it('B3: told so it gives up what is damaged, names every byte of it, and keeps the damaged files (V1 to V3 of salvage.ts)', async (context) => {
    const stopped = await stoppedRun(context)
    const path = firstSegment(stopped.dataDir)
    const original = readFileSync(path)
    flipBit(path, (bytes) => bytes.indexOf('broken', bytes.indexOf('broken') + 1))
    const damaged = readFileSync(path)
    const { databaseUrl, dataDir } = stopped
    const result = await rebuild({ plan, dataDir, databaseUrl, skipDamage: true, log: () => undefined }, NEVER)
    const { lost = [], damagedDir = '' } = result.salvaged ?? {}
    assert.deepEqual([result.events, result.isWhole, lost.length], [13, false, 1], 'one block of three records')
    const [{ partition, from, to } = { partition: '', from: 0, to: 0 }] = lost
    assert.equal(partition, 'http/impressions')
    const given = original.subarray(from, to).toString('latin1')
    assert.match(given, /"i1"[^]*"i1"[^]*broken/)
    assert.doesNotMatch(given, /"i0"|"i2"/)
    assert.deepEqual(readFileSync(path.replace(journalFolder(dataDir), damagedDir)), damaged)
    assert.equal(await verified(stopped), true)
    const rig = await RunningRig.start(context, stopped)
    await rig.send('impressions', impressionLine('after', Date.now()))
    await rig.stop()
    assert.equal(await verified(stopped), true, 'the next run goes on')
  })

  it('counts what is left of a trimmed journal, and says that it is not all', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const retention = { maxAgeMs: 400, maxBytes: 1e9 }
    const rig = await RunningRig.start(context, { databaseUrl, dataDir, retention })
    let sent = 0
    await eventually('retention has removed something', async () => {
      await rig.send('impressions', impressionLine(`i${sent++}`, Date.now()))
      return retained(dataDir).some(({ earliest }) => earliest > 0)
    })
    await rig.stop()
    const stopped = { databaseUrl, dataDir }
    const { events, isWhole } = await countAgain(stopped)
    assert.equal(isWhole, false)
    assert.ok(events < sent, `${events} of ${sent}`)
    assert.equal(await verified(stopped), true)
  })
})
