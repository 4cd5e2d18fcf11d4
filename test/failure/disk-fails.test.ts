/**
 * The disk under a whole service fails: EIO at each kind of call to journal and checkpoints, a full disk in mid-write,
 * short writes. A disk that failed ends the run with its error and is asked nothing more; a full one is waited for;
 * short writes are written on. Whatever was acknowledged is counted once after it.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyDisk, type FaultyCall } from '../support/faulty-disk.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { replay, seed } from '../support/seed.ts'
import { seededRandom, type DiskFault } from '../support/simulated-disk.ts'
import { assertControls, assertExact, TruthLog, type Judged } from '../support/truth-log.ts'

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

interface Run extends Judged {
  readonly disk: FaultyDisk
  start(): Promise<RunningRig>
}

/** A folder and a database, and a service on them whose disk is in the test's hands. */
async function newRun(context: TestContext): Promise<Run> {
  const dataDir = newFolder(context)
  const url = await postgres.createDatabase()
  const disk = new FaultyDisk()
  const start = (): Promise<RunningRig> => RunningRig.start(context, { dataDir, databaseUrl: url, disk })
  return { truth: new TruthLog(seededRandom(seed)), dataDir, url, replay, disk, start }
}

/** Sends until `isEnough`, whatever the answers are. */
async function sendUntil(truth: TruthLog, url: string, isEnough: () => boolean): Promise<void> {
  await eventually('the fault is met', async () => {
    await truth.sendOne(url)
    return isEnough()
  })
}

/** Starts again on a disk that works, takes the rest, ends in order, and compares. */
async function endsExact(run: Run): Promise<void> {
  run.disk.fault = () => undefined
  const rig = await run.start()
  await run.truth.send(rig.service.server.url, { newBatches: 5 })
  assert.ok(run.truth.areAllAcknowledged)
  await rig.stop()
  await assertExact(run)
}

const isOf = (part: 'journal' | 'checkpoints', path: string): boolean => path.split('/').includes(part)

describe('a disk that fails', () => {
  const cases: readonly [part: 'journal' | 'checkpoints', kind: FaultyCall, code: 'EIO' | 'ENOSPC'][] = [
    ['journal', 'create', 'EIO'],
    ['journal', 'write', 'EIO'],
    ['journal', 'sync', 'EIO'],
    ['journal', 'sync', 'ENOSPC'],
    ['journal', 'rename', 'EIO'],
    ['journal', 'syncFolder', 'EIO'],
    ['checkpoints', 'create', 'EIO'],
    ['checkpoints', 'write', 'EIO'],
    ['checkpoints', 'sync', 'EIO'],
    ['checkpoints', 'sync', 'ENOSPC'],
    ['checkpoints', 'rename', 'EIO'],
    ['checkpoints', 'syncFolder', 'EIO'],
  ]
  for (const [part, kind, code] of cases)
    it(`${code} from ${kind} of the ${part} ends the run, is never tried again, and a restart is exact`, async (context) => {
      const run = await newRun(context)
      const { disk, truth } = run
      const rig = await run.start()
      let failed = ''
      let again = 0
      // A folder of its own for each partition: what comes first there is the beginning of its first segment.
      const arm = (): void => {
        disk.fault = (called, path) => {
          const file = basename(path).replace(/\.new$/, '')
          if (failed !== '') again += failed === file && called !== 'remove' ? 1 : 0
          if (failed !== '' || called !== kind || !isOf(part, path)) return undefined
          failed = file
          return { code, takenBytes: 7 }
        }
      }
      const isBeginning = part === 'journal' && ['create', 'rename', 'syncFolder'].includes(kind)
      if (!isBeginning) await truth.send(rig.service.server.url, { newBatches: 20 })
      arm()
      let ending: unknown
      rig.ended.catch((error: unknown) => (ending = error))
      await sendUntil(truth, rig.service.server.url, () => ending !== undefined)
      assert.equal(disk.struck, 1, 'control: the fault struck')
      assert.equal((ending as { code?: string }).code, 'DISK_FAILED', String(ending))
      assert.equal(exitCodeOf(ending), EXIT.failed)
      assert.equal(again, 0, `${failed} was touched again`)
      await endsExact(run)
    })
})

describe('a disk that is full in mid-write', () => {
  for (const part of ['journal', 'checkpoints'] as const)
    it(`of the ${part}: the process lives, and goes on by itself`, async (context) => {
      const run = await newRun(context)
      const { disk, truth } = run
      const rig = await run.start()
      const { url } = rig.service.server
      await truth.send(url, { newBatches: 10 })
      disk.fault = (kind, path): DiskFault | undefined =>
        kind === 'write' && isOf(part, path) ? { code: 'ENOSPC', takenBytes: 100 } : undefined
      await sendUntil(truth, url, () => disk.struck >= 3)
      await eventually('it says so', async () => {
        const { intake, database } = await rig.status()
        return part === 'journal' ? intake.state === 'full' : database.state === 'down'
      })
      if (part === 'journal') assert.ok(truth.outcomes.refused >= 3, 'control: some were told to come back')
      assert.equal(truth.outcomes.failed + truth.outcomes.unanswered, 0)
      const epoch = (await rig.status()).epoch
      disk.fault = () => undefined
      await sendUntil(truth, url, () => truth.areAllAcknowledged)
      await truth.send(url, { newBatches: 5 })
      assert.ok(truth.areAllAcknowledged)
      await eventually('epochs go on', async () => (await rig.status()).epoch > epoch)
      await rig.stop()
      await assertExact(run)
    })
})

describe('a disk that takes less than it was given', () => {
  it('gets the rest: nobody notices', async (context) => {
    const run = await newRun(context)
    const random = seededRandom(seed)
    run.disk.fault = (kind) => (kind === 'write' ? { takenBytes: 1 + Math.floor(random() * 3_000) } : undefined)
    const rig = await run.start()
    await run.truth.send(rig.service.server.url, { newBatches: 40 })
    assert.equal(run.truth.outcomes.acknowledged, 40)
    await rig.stop()
    assert.ok(run.disk.struck > 100, `control: ${run.disk.struck} short writes`)
    await assertExact(run)
    await assertControls(run)
  })
})
