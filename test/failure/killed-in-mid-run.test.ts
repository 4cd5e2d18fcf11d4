/**
 * `tidemark run` killed with SIGKILL at random times, idle, at a steady load, in a burst, draining and starting, and
 * started again each time: whatever was acknowledged is counted, nothing is counted that was not sent, and the tables
 * are those of the recount. TIDEMARK_FAILURE_CYCLES says how often.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { makeDataDir, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { replay, seed } from '../support/seed.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { seededRandom, type Random } from '../support/simulated-disk.ts'
import { assertControls, assertExact, countedEvents, TruthLog, type Judged } from '../support/truth-log.ts'
import { afterwards } from '../support/afterwards.ts'

const CYCLES = Number(process.env['TIDEMARK_FAILURE_CYCLES'] ?? 12)
/** So many kills meet one data folder and one database; then come new ones. */
const CYCLES_A_FOLDER = 30
const EVENTS_A_RUN = 20_000
const PHASES = ['burst', 'drain', 'steady', 'start', 'idle', 'burst'] as const
const LAST_BATCHES = 40

type Phase = (typeof PHASES)[number]

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** What the kills of one phase met. */
interface Tally {
  cycles: number
  killed: number
  /** Events that were acknowledged by the runs. */
  events: number
  /** Kills that met events which were acknowledged and in no epoch. */
  uncounted: number
}

/** Sends in the manner of a phase until enough events of this run are acknowledged, or nobody answers. */
async function load(truth: TruthLog, url: string, phase: Phase, random: Random): Promise<void> {
  const enough = truth.acknowledgedEvents + EVENTS_A_RUN * (1 + random() / 4)
  const sending = phase === 'steady' ? { senders: 2, pauseMs: 4 } : { senders: 4 }
  await truth.send(url, { ...sending, newBatches: Infinity, until: () => truth.acknowledgedEvents >= enough })
}

/** Runs a service and kills it in a phase of its life; resolves whether the kill met it alive. */
async function runAndKill(service: ServiceProcess, run: Judged, phase: Phase, random: Random): Promise<boolean> {
  const { truth } = run
  let url: string | undefined
  let sending: Promise<unknown> = Promise.resolve()
  if (phase === 'start') await delay(random() * 1_500)
  else {
    url = await service.url
    assert.ok(url !== undefined, service.stderr)
    await load(truth, url, phase, random)
  }
  // Whoever sends goes on while the service is killed.
  if (url !== undefined && phase !== 'idle') sending = truth.send(url, { newBatches: 2_000 })
  if (phase === 'idle') {
    const counted = (): Promise<number> => countedEvents(run.url)
    await eventually('all is counted', async () => (await counted()) >= truth.acknowledgedEvents, 60_000)
  }
  if (phase !== 'start') await delay(random() * 250)
  if (phase === 'drain') {
    service.signal('SIGTERM')
    await delay(random() * 120)
  }
  service.signal('SIGKILL')
  const ended = await service.ended
  await sending
  assert.ok(ended.signal === 'SIGKILL' || (phase === 'drain' && ended.code === 0), service.stderr)
  return ended.signal === 'SIGKILL'
}

/** Kills the runs of one data folder, lets the last end in order, and compares. */
async function oneFolder(
  context: TestContext,
  phases: readonly Phase[],
  random: Random,
  tallies: Record<Phase, Tally>,
): Promise<Judged & { cells: number }> {
  const dataDir = makeDataDir()
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  const run: Judged = { truth: new TruthLog(random), dataDir, url: await postgres.createDatabase(), replay }
  for (const phase of phases) {
    const { acknowledgedEvents } = run.truth
    const service = new ServiceProcess(dataDir, { databaseUrl: run.url })
    afterwards(context, () => service.signal('SIGKILL'))
    const isKilled = await runAndKill(service, run, phase, random)
    const tally = tallies[phase]
    tally.cycles++
    tally.events += run.truth.acknowledgedEvents - acknowledgedEvents
    if (!isKilled) continue
    tally.killed++
    if ((await countedEvents(run.url)) < run.truth.acknowledgedEvents) tally.uncounted++
  }
  const last = new ServiceProcess(dataDir, { databaseUrl: run.url })
  afterwards(context, () => last.signal('SIGKILL'))
  await run.truth.send((await last.url) ?? '', { newBatches: LAST_BATCHES })
  assert.ok(run.truth.areAllAcknowledged, `the last run did not take all; ${replay}\n${last.stderr}`)
  last.signal('SIGTERM')
  assert.deepEqual(await last.ended, { code: 0, signal: null }, last.stderr)
  assert.equal(run.truth.outcomes.failed, 0)
  const { comparison } = await assertExact(run)
  return { ...run, cells: comparison.cells }
}

const noTally = (): Tally => ({ cycles: 0, killed: 0, events: 0, uncounted: 0 })

describe('killed in mid-run', () => {
  it(`counts all that it acknowledged, once: ${CYCLES} times (seed ${seed})`, async (context) => {
    const random = seededRandom(seed)
    const tallies: Record<Phase, Tally> = {
      burst: noTally(),
      drain: noTally(),
      steady: noTally(),
      start: noTally(),
      idle: noTally(),
    }
    const phases = Array.from({ length: CYCLES }, (_, cycle) => PHASES[cycle % PHASES.length] ?? 'burst')
    let [acknowledged, deliveries, cells] = [0, 0, 0]
    for (let from = 0; from < CYCLES; from += CYCLES_A_FOLDER) {
      const run = await oneFolder(context, phases.slice(from, from + CYCLES_A_FOLDER), random, tallies)
      acknowledged += run.truth.acknowledgedEvents
      deliveries += run.truth.deliveries
      cells += run.cells
      context.diagnostic(
        `${Math.min(CYCLES, from + CYCLES_A_FOLDER)} cycles: ${acknowledged} events, ${cells} cells equal`,
      )
      if (from + CYCLES_A_FOLDER >= CYCLES) await assertControls(run)
      else rmSync(run.dataDir, { recursive: true, force: true })
    }
    for (const [phase, tally] of Object.entries(tallies)) context.diagnostic(`${phase}: ${JSON.stringify(tally)}`)
    context.diagnostic(`${deliveries} deliveries; ${replay}`)

    const sum = (of: (tally: Tally) => number): number =>
      Object.values(tallies).reduce((all, tally) => all + of(tally), 0)
    assert.ok(sum(({ killed }) => killed) >= CYCLES / 2, 'control: most kills met it alive')
    assert.ok(sum(({ uncounted }) => uncounted) > 0, 'control: kills met events that were acknowledged and in no epoch')
    for (const phase of ['burst', 'drain', 'steady', 'idle'] as const)
      assert.ok(tallies[phase].events >= tallies[phase].cycles * EVENTS_A_RUN, `control: ${phase} had its events`)
  })
})
