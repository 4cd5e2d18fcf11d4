/**
 * A real run's folder or database is not what it was: bits of journal and checkpoints flipped, files cut off or gone,
 * the definition changed, PostgreSQL restored from an older backup, tables of a newer version. Each is refused with its
 * way out, or made no difference; none is ever taken for a fresh start, and none is counted wrong.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { checkpointFileName } from '../../src/checkpoint/format/checkpoint-file.ts'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { rebuild } from '../../src/service/rebuild.ts'
import { verifyFolder } from '../../src/service/verify-folder.ts'
import { adPlan } from '../support/engine-rig.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { isLong } from '../support/long.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { replay, seed } from '../support/seed.ts'
import { ServiceRig } from '../support/service-rig.ts'
import { seededRandom, type Random } from '../support/simulated-disk.ts'
import { assertExact, countedEvents, type Judged } from '../support/truth-log.ts'

/** Where files of ours have their format version. */
const VERSION_OFFSET = 8
const FLIPS = isLong ? 300 : 8
const CUTS = isLong ? 100 : 4
const REFUSALS = new Set([
  'JOURNAL_CORRUPT',
  'JOURNAL_MISSING',
  'CHECKPOINT_CORRUPT',
  'CHECKPOINT_MISSING',
  'EPOCH_MISMATCH',
  'FORMAT_NEWER',
])

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** What was killed in mid-run: its database holds an epoch, its journal holds more. */
async function killedRun(context: TestContext): Promise<ServiceRig> {
  const rig = new ServiceRig({ context, seed, url: await postgres.createDatabase() })
  await rig.start()
  await rig.count(40)
  await rig.send(40)
  await rig.kill()
  assert.ok((await epochOf(rig.url)) > 0)
  return rig
}

const epochOf = async (url: string): Promise<number> =>
  Number((await runSql(url, 'select epoch from tidemark_meta'))[0]?.[0])

/** A copy of folder and database. */
async function copyOf(context: TestContext, { dataDir, url }: Judged): Promise<{ dataDir: string; url: string }> {
  const copy = join(newFolder(context), 'copy')
  cpSync(dataDir, copy, { recursive: true })
  return { dataDir: copy, url: await copyDatabase(url) }
}

async function copyDatabase(url: string): Promise<string> {
  const copyUrl = await postgres.createDatabase()
  const name = (of: string): string => new URL(of).pathname.slice(1)
  await runSql(postgres.database.url, `drop database ${name(copyUrl)}`)
  await runSql(postgres.database.url, `create database ${name(copyUrl)} template ${name(url)}`)
  return copyUrl
}

/** Files of a part of a data folder, in order. */
function filesOf(dataDir: string, part: 'journal' | 'checkpoints'): readonly string[] {
  return readdirSync(join(dataDir, part), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

type Found = 'refused' | 'found by verify' | 'made no difference'

/** Starts on a folder and a database that something was done to, ends in order, and says what became of it. */
async function startOn(context: TestContext, { dataDir, url }: { dataDir: string; url: string }): Promise<Found> {
  const epoch = await epochOf(url)
  const counted = await countedEvents(url)
  try {
    const rig = await RunningRig.start(context, { dataDir, databaseUrl: url })
    await rig.stop()
  } catch (error) {
    assertRefusal(error)
    assert.equal(await epochOf(url), epoch, 'a start that was refused changed the tables')
    return 'refused'
  }
  assert.ok((await epochOf(url)) >= epoch, 'a fresh start')
  assert.ok((await countedEvents(url)) >= counted, 'events that were counted are gone')
  try {
    const { comparison } = await verifyFolder({ plan: adPlan(), dataDir, url, onStep: () => undefined })
    assert.ok(comparison.isEqual, JSON.stringify(comparison.differences))
    return 'made no difference'
  } catch (error) {
    assertRefusal(error)
    return 'found by verify'
  }
}

function assertRefusal(error: unknown): void {
  assert.ok(error instanceof TidemarkError && REFUSALS.has(error.code), String(error))
  assert.ok(error.fix !== undefined, `${error.code} names no way out`)
  assert.ok([EXIT.inputMissing, EXIT.configuration].some((code) => code === exitCodeOf(error)))
}

/** Does something to one file of a copy after the other, and counts what became of it. */
async function damage(
  context: TestContext,
  run: Judged,
  part: 'journal' | 'checkpoints',
  harm: { readonly times: number; readonly do: (path: string, random: Random) => string },
): Promise<Map<Found, number>> {
  const random = seededRandom(seed)
  const found = new Map<Found, number>()
  for (let time = 0; time < harm.times; time++) {
    const copy = await copyOf(context, run)
    const files = filesOf(copy.dataDir, part)
    const what = harm.do(files[Math.floor(random() * files.length)] ?? '', random)
    const outcome = await startOn(context, copy).catch((error: unknown) => {
      throw new Error(`${what}; ${replay}`, { cause: error })
    })
    assert.ok(part === 'checkpoints' || outcome !== 'made no difference', `not found: ${what}; ${replay}`)
    found.set(outcome, (found.get(outcome) ?? 0) + 1)
    rmSync(copy.dataDir, { recursive: true })
    await runSql(postgres.database.url, `drop database ${new URL(copy.url).pathname.slice(1)}`)
  }
  context.diagnostic(`${part}: ${JSON.stringify(Object.fromEntries(found))}; ${replay}`)
  return found
}

function flipBit(path: string, random: Random): string {
  const bytes = readFileSync(path)
  const at = Math.floor(random() * bytes.length)
  const bit = Math.floor(random() * 8)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  writeFileSync(path, bytes)
  return `bit ${bit} of byte ${at} of ${bytes.length} of ${path}`
}

function cutOff(path: string, random: Random): string {
  const { size } = statSync(path)
  const length = Math.floor(random() * size)
  truncateSync(path, length)
  return `${path} cut off to ${length} of ${size} bytes`
}

describe('a damaged folder of a real run', { timeout: isLong ? 7_000_000 : 1_200_000 }, () => {
  it(`${FLIPS} flipped bits in the journal are all found (seed ${seed})`, async (context) => {
    const found = await damage(context, await killedRun(context), 'journal', { times: FLIPS, do: flipBit })
    assert.ok((found.get('found by verify') ?? 0) + (found.get('refused') ?? 0) === FLIPS)
  })

  it(`${FLIPS} flipped bits in checkpoints are found wherever the file is needed`, async (context) => {
    const found = await damage(context, await killedRun(context), 'checkpoints', { times: FLIPS, do: flipBit })
    assert.ok((found.get('refused') ?? 0) > 0)
  })

  it(`${CUTS} checkpoints that are cut off are found wherever the file is needed`, async (context) => {
    const found = await damage(context, await killedRun(context), 'checkpoints', { times: CUTS, do: cutOff })
    assert.ok((found.get('refused') ?? 0) > 0)
  })

  it('a journal that is cut off below what was counted is refused, one that is gone too', async (context) => {
    const run = await killedRun(context)
    const [row] = await runSql(run.url, `select min(value::bigint) from tidemark_meta, jsonb_each_text(positions)`)
    const committed = Number(row?.[0])
    assert.ok(committed > 1_000)
    const harm = (path: string, random: Random): string => {
      if (random() < 0.3) rmSync(path)
      else truncateSync(path, Math.floor(random() * committed))
      return `${path} cut off or gone`
    }
    const found = await damage(context, run, 'journal', { times: CUTS, do: harm })
    assert.equal(found.get('refused'), CUTS)
  })

  it('control: what nothing was done to goes on, and is exact', async (context) => {
    const run = await killedRun(context)
    assert.equal(await startOn(context, await copyOf(context, run)), 'made no difference')
    await run.endsExact()
  })
})

/** Refused with a code; then recounted from the journal, and exact. */
async function refusedThenRebuilt(context: TestContext, run: Judged, code: string, plan: Plan): Promise<void> {
  const { dataDir, url } = run
  await assert.rejects(RunningRig.start(context, { plan, dataDir, databaseUrl: url }), (error: TidemarkError) => {
    assert.equal(error.code, code)
    assert.equal(exitCodeOf(error), EXIT.configuration)
    assert.match(error.fix ?? '', /rebuild/)
    return true
  })
  const options = { plan, dataDir, databaseUrl: url, log: () => undefined }
  await rebuild(options, new AbortController().signal)
  const rig = await RunningRig.start(context, { plan, dataDir, databaseUrl: url })
  await rig.stop()
  await assertExact({ ...run, plan })
}

describe('what does not belong together', { timeout: 600_000 }, () => {
  it('another definition is refused; a rebuild with it is exact', async (context) => {
    const run = await killedRun(context)
    await refusedThenRebuilt(context, run, 'PLAN_CHANGED', adPlan({ attributionWindow: '10m' }))
  })

  it('PostgreSQL from an older backup is refused, or caught up; a rebuild is exact', async (context) => {
    const url = await postgres.createDatabase()
    const rig = new ServiceRig({ context, seed, url })
    await rig.start()
    await rig.count(10)
    await rig.end()
    const backup = await copyDatabase(url)
    const counted = await countedEvents(backup)
    await rig.start()
    for (let i = 0; i < 5; i++) await rig.count(10)
    await rig.end()
    assert.ok((await countedEvents(url)) > counted, 'control: the backup is older')
    const restored = { ...judgedOf(rig), url: backup }
    const started = await RunningRig.start(context, { dataDir: rig.dataDir, databaseUrl: backup }).then(
      (running) => running,
      (error: unknown) => error,
    )
    if (started instanceof RunningRig) {
      await started.stop()
      await assertExact(restored)
      context.diagnostic('caught up')
    } else {
      assertRefusal(started)
      await refusedThenRebuilt(context, restored, 'EPOCH_MISMATCH', adPlan())
      context.diagnostic(String(started))
    }
  })

  it('an empty database is refused for a folder that was counted, and a rebuild is exact', async (context) => {
    const run = await killedRun(context)
    const empty = { ...judgedOf(run), url: await postgres.createDatabase() }
    const started = await RunningRig.start(context, { dataDir: run.dataDir, databaseUrl: empty.url }).then(
      (running) => running,
      (error: unknown) => error,
    )
    if (started instanceof RunningRig) {
      await started.stop()
      context.diagnostic('counted from the whole journal')
      await assertExact(empty)
    } else await refusedThenRebuilt(context, empty, 'EPOCH_MISMATCH', adPlan())
  })

  it('tables of a newer version are left alone', async (context) => {
    const run = await killedRun(context)
    const epoch = await epochOf(run.url)
    await runSql(run.url, 'update tidemark_meta set format_version = 99')
    await assert.rejects(RunningRig.start(context, { dataDir: run.dataDir, databaseUrl: run.url }), {
      code: 'FORMAT_NEWER',
    })
    assert.equal(await epochOf(run.url), epoch)
    await runSql(run.url, 'update tidemark_meta set format_version = 1')
    await run.endsExact()
  })

  for (const part of ['journal', 'checkpoints'] as const)
    it(`${part} of a newer version are left alone`, async (context) => {
      const run = await killedRun(context)
      // Whoever is killed may leave a checkpoint of an epoch that was never written: nobody needs that one.
      const needed = checkpointFileName(await epochOf(run.url))
      const files = filesOf(run.dataDir, part).filter((path) => part === 'journal' || basename(path) === needed)
      const file = files.at(-1) ?? ''
      const kept = readFileSync(file)
      writeFileSync(file, Buffer.from(kept).fill(2, VERSION_OFFSET, VERSION_OFFSET + 1))
      const options = { dataDir: run.dataDir, databaseUrl: run.url }
      await assert.rejects(RunningRig.start(context, options), { code: 'FORMAT_NEWER', where: file })
      writeFileSync(file, kept)
      await run.endsExact()
    })
})

const judgedOf = ({ truth, dataDir, url, replay }: Judged): Judged => ({ truth, dataDir, url, replay })
