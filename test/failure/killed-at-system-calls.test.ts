/**
 * A run of three epochs is killed at each system call by which it leaves something behind: written to a file or a
 * connection, synced, renamed, removed. The kill comes as the call is entered. The next start goes on, and all is
 * exact.
 *
 * The calls are counted first. `npm run test:long` kills at every one; otherwise at one of each name.
 * `TIDEMARK_FAILURE_SHARE=3/4` makes that every fourth call of each name, from its third: four such shares are the
 * whole.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { isLong } from '../support/long.ts'
import { makeDataDir, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { replay, seed } from '../support/seed.ts'
import { ServiceProcess, type ServiceEnd } from '../support/service-process.ts'
import { seededRandom } from '../support/simulated-disk.ts'
import {
  countCalls,
  placesOf,
  straceProblem,
  TRACED_ENV,
  underStrace,
  type CallPlace,
} from '../support/system-calls.ts'
import { assertControls, assertExact, countedEvents, TruthLog, type Judged } from '../support/truth-log.ts'

const ROUNDS = 3
const BATCHES_A_ROUND = 3
const skip = straceProblem() ?? false

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

interface Traced extends Judged {
  readonly logFile: string
  readonly end: ServiceEnd
  readonly epochs: number
}

/** Three epochs of a new pipeline, as far as it gets; `inject` is what happens to one of its calls. */
async function threeEpochs(inject?: string): Promise<Traced> {
  const dataDir = makeDataDir()
  const url = await postgres.createDatabase()
  const logFile = join(dataDir, 'strace.log')
  const truth = new TruthLog(seededRandom(seed))
  const service = new ServiceProcess(dataDir, {
    databaseUrl: url,
    under: underStrace(logFile, inject),
    env: TRACED_ENV,
  })
  let end: ServiceEnd | undefined
  const ended = service.ended.then((how) => (end = how))
  const base = await service.url
  let epochs = 0
  for (let round = 0; round < ROUNDS && base !== undefined; round++) {
    await truth.send(base, { newBatches: BATCHES_A_ROUND, senders: 1 })
    await eventually('the round is counted, or it is killed', async () => {
      if (end !== undefined) return true
      return truth.areAllAcknowledged && (await countedEvents(url)) >= truth.acknowledgedEvents
    })
    if (end === undefined) epochs++
  }
  service.signal('SIGTERM')
  await ended
  assert.ok(end !== undefined)
  return { truth, dataDir, url, replay, logFile, end, epochs }
}

/** Starts what was killed again, takes the rest, ends in order, and compares. */
async function endsExact(run: Judged): Promise<void> {
  const service = new ServiceProcess(run.dataDir, { databaseUrl: run.url })
  const base = await service.url
  assert.ok(base !== undefined, service.stderr)
  await run.truth.send(base, { newBatches: 2, senders: 1 })
  assert.ok(run.truth.areAllAcknowledged, service.stderr)
  service.signal('SIGTERM')
  assert.deepEqual(await service.ended, { code: 0, signal: null }, service.stderr)
  await assertExact(run)
}

/** The calls of each name whose turn it is in this share of the whole. */
function shareOf(places: readonly CallPlace[], share: string): readonly CallPlace[] {
  const [turn = NaN, shares = NaN] = share.split('/').map(Number)
  assert.ok(turn >= 1 && turn <= shares, `TIDEMARK_FAILURE_SHARE is 1/4 or the like, not ${share}`)
  return places.filter(({ number }) => (number - turn) % shares === 0)
}

/** One call of each name. */
function sampleOf(places: readonly CallPlace[]): readonly CallPlace[] {
  const random = seededRandom(seed)
  return [...new Set(places.map(({ name }) => name))].flatMap((name) => {
    const ofName = places.filter((place) => place.name === name)
    return ofName[Math.floor(random() * ofName.length)] ?? []
  })
}

describe('killed at a system call', { timeout: 7_000_000, skip }, () => {
  it(`that leaves something behind: all is exact after it (seed ${seed})`, async (context) => {
    const whole = await threeEpochs()
    assert.deepEqual(whole.end, { code: 0, signal: null })
    assert.equal(whole.epochs, ROUNDS)
    const counts = countCalls(whole.logFile)
    for (const name of ['fdatasync', 'fsync', 'write']) assert.ok((counts.get(name) ?? 0) > 3, `control: ${name}`)
    await endsExact(whole)
    rmSync(whole.dataDir, { recursive: true })

    const places = placesOf(counts)
    const chosen = isLong ? shareOf(places, process.env['TIDEMARK_FAILURE_SHARE'] ?? '1/1') : sampleOf(places)
    const killed = new Map<string, number>()
    let [beforeReady, last]: [number, Judged] = [0, whole]
    for (const { name, number } of chosen) {
      const run = await threeEpochs(`${name}:signal=SIGKILL:when=${number}`)
      if (run.end.signal === 'SIGKILL') killed.set(name, (killed.get(name) ?? 0) + 1)
      if (run.truth.sent.length === 0) beforeReady++
      await endsExact(run).catch((error: unknown) => {
        throw new Error(`killed at ${name} ${number}; ${replay}`, { cause: error })
      })
      if (last !== whole) rmSync(last.dataDir, { recursive: true })
      last = run
    }
    const kills = [...killed.values()].reduce((sum, count) => sum + count, 0)
    context.diagnostic(
      `${places.length} calls ${JSON.stringify(Object.fromEntries(counts))}; killed at ${kills} of ${chosen.length} ` +
        `${JSON.stringify(Object.fromEntries(killed))}, ${beforeReady} of them while it started; ${replay}`,
    )
    // How many calls it takes depends on timing: the last ones of a name may not come.
    assert.ok(kills >= chosen.length * 0.75, `control: killed ${kills} times`)
    await assertControls(last)
    rmSync(last.dataDir, { recursive: true })
  })
})
