/**
 * `tidemark run` killed with SIGKILL at random times, idle, starting, under load and draining, and started again each
 * time: whatever was acknowledged is counted, nothing is counted that was not sent, and the tables are those of the
 * recount. TIDEMARK_FAILURE_CYCLES says how often.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { findRetained, readRetained } from '../../src/checkpoint/journal/retained.ts'
import { verifyFolder, type VerifiedFolder } from '../../src/service/verify-folder.ts'
import { adPlan } from '../support/engine-rig.ts'
import { batchOf, checkSumOf, HostileBatches, type Batch } from '../support/hostile-batches.ts'
import { makeDataDir, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { ServiceProcess } from '../support/service-process.ts'
import { seededRandom, type Random } from '../support/simulated-disk.ts'

const CYCLES = Number(process.env['TIDEMARK_FAILURE_CYCLES'] ?? 12)
const seed = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 2 ** 31)
const PHASES = ['load', 'drain', 'start', 'load', 'idle', 'drain'] as const
const SENDERS = 4
const BATCHES_A_CYCLE = 300
const LAST_BATCHES = 40

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

/** What was sent of one batch. */
interface Sent extends Omit<Batch, 'body'> {
  attempts: number
  acknowledged: number
}

/** Senders that remember: noted before it is sent, and after it whether it was acknowledged. */
class Senders {
  readonly sent: Sent[] = []
  readonly #batches: HostileBatches
  #unacknowledged: Batch[] = []
  acknowledgedEvents = 0

  constructor(random: Random) {
    this.#batches = new HostileBatches(random, Date.now)
  }

  /** Sends what was not acknowledged and then new batches, until there are enough of these or nobody answers. */
  async send(url: string, newBatches: number): Promise<void> {
    const waiting = this.#unacknowledged
    this.#unacknowledged = []
    let left = newBatches
    const sendOn = async (): Promise<void> => {
      while (waiting.length > 0 || left > 0) {
        const batch = waiting.pop() ?? this.#batches.next()
        if (this.sent[batch.number] === undefined) left--
        if (await this.#deliver(url, batch)) continue
        this.#unacknowledged.push(batch)
        return
      }
    }
    await Promise.all(Array.from({ length: SENDERS }, sendOn))
    this.#unacknowledged.push(...waiting)
  }

  get areAllAcknowledged(): boolean {
    return this.#unacknowledged.length === 0
  }

  async #deliver(url: string, { body, ...batch }: Batch): Promise<boolean> {
    const sent = (this.sent[batch.number] ??= { ...batch, attempts: 0, acknowledged: 0 })
    sent.attempts++
    const headers = { 'content-type': 'application/x-ndjson' }
    try {
      const response = await fetch(`${url}/v1/${batch.stream}`, { method: 'POST', headers, body })
      const answer = await response.text()
      if (response.status === 503) return false
      assert.equal(response.status, 200, answer)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      return false
    }
    sent.acknowledged++
    this.acknowledgedEvents += batch.lineCount
    return true
  }
}

interface Killed {
  /** Whether the kill met it alive. */
  readonly isKilled: boolean
  /** At least so many events were acknowledged by this run and in no epoch when it was killed. */
  readonly uncounted: number
}

/** Runs a service and kills it in a phase of its life. */
async function runAndKill(
  service: ServiceProcess,
  databaseUrl: string,
  phase: string,
  senders: Senders,
  random: Random,
): Promise<Killed> {
  const acknowledgedBefore = senders.acknowledgedEvents
  let countedBefore = Infinity
  const sendWhenReady = async (): Promise<void> => {
    const url = await service.url
    if (url === undefined || phase === 'idle') return
    countedBefore = await countedEvents(databaseUrl)
    await senders.send(url, BATCHES_A_CYCLE)
  }
  const sending = sendWhenReady()
  if (phase === 'start') await delay(random() * 1_500)
  else {
    assert.ok((await service.url) !== undefined, service.stderr)
    await delay(random() * 800)
  }
  if (phase === 'drain') {
    service.signal('SIGTERM')
    await delay(random() * 120)
  }
  service.signal('SIGKILL')
  const ended = await service.ended
  await sending
  assert.ok(ended.signal === 'SIGKILL' || (phase === 'drain' && ended.code === 0), service.stderr)
  const counted = Math.max(0, (await countedEvents(databaseUrl)) - countedBefore)
  const uncounted = senders.acknowledgedEvents - acknowledgedBefore - counted
  return { isKilled: ended.signal === 'SIGKILL', uncounted }
}

/** What the journal holds of each batch. */
function readJournal(dataDir: string): Map<number, { lines: number; checkSum: number }> {
  const held = new Map<number, { lines: number; checkSum: number }>()
  for (const partition of findRetained(nodeDisk, join(dataDir, 'journal'))) {
    const reader = readRetained(nodeDisk, partition, 0, partition.segments.at(-1)?.endOffset ?? 0)
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      const lines = Buffer.from(block.lines).toString().split('\n')
      for (const line of lines.filter((text) => text !== '')) {
        const batch = held.get(batchOf(line)) ?? { lines: 0, checkSum: 0 }
        batch.lines++
        batch.checkSum += checkSumOf(line)
        held.set(batchOf(line), batch)
      }
    }
    reader.close()
  }
  return held
}

/** Every delivery that was acknowledged is in the journal, whole, and none is there more often than it was sent. */
function assertHeld(sent: readonly Sent[], held: ReturnType<typeof readJournal>): void {
  assert.ok(
    [...held.keys()].every((number) => sent[number] !== undefined),
    `a line that was never sent; ${replay}`,
  )
  for (const { number, lineCount, checkSum, attempts, acknowledged } of sent) {
    const { lines, checkSum: sum } = held.get(number) ?? { lines: 0, checkSum: 0 }
    const times = lines / lineCount
    const what = `batch ${number}: ${lines} lines of ${lineCount}, sent ${attempts}, acknowledged ${acknowledged}; ${replay}`
    assert.ok(Number.isInteger(times) && acknowledged <= times && times <= attempts, what)
    assert.equal(sum, times * checkSum, what)
  }
}

const replay = `TIDEMARK_SEED=${seed}`

const countedEvents = async (url: string, where = ''): Promise<number> => {
  const [exists] = await runSql(url, `select to_regclass('ledger')`)
  if (exists?.[0] === null) return 0
  return Number((await runSql(url, `select coalesce(sum(events), 0) from ledger ${where}`))[0]?.[0])
}

const verified = (dataDir: string, url: string): Promise<VerifiedFolder> =>
  verifyFolder({ plan: adPlan(), dataDir, url, onStep: () => undefined })

function newDataDir(context: TestContext): string {
  const dataDir = makeDataDir()
  context.after(() => rmSync(dataDir, { recursive: true, force: true }))
  return dataDir
}

describe('killed in mid-run', () => {
  it(`counts all that it acknowledged, once: ${CYCLES} times (seed ${seed})`, async (context) => {
    const dataDir = newDataDir(context)
    const url = await postgres.createDatabase()
    const random = seededRandom(seed)
    const senders = new Senders(random)
    let killed = 0
    let killedBeforeEpoch = 0
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const service = new ServiceProcess(dataDir, url)
      context.after(() => service.signal('SIGKILL'))
      const phase = PHASES[cycle % PHASES.length] ?? 'load'
      const { isKilled, uncounted } = await runAndKill(service, url, phase, senders, random)
      if (isKilled) killed++
      if (isKilled && uncounted > 0) killedBeforeEpoch++
    }
    const last = new ServiceProcess(dataDir, url)
    context.after(() => last.signal('SIGKILL'))
    await senders.send((await last.url) ?? '', LAST_BATCHES)
    assert.ok(senders.areAllAcknowledged, `the last run did not take all; ${replay}\n${last.stderr}`)
    last.signal('SIGTERM')
    assert.deepEqual(await last.ended, { code: 0, signal: null }, last.stderr)

    const held = readJournal(dataDir)
    assertHeld(senders.sent, held)
    for (const stream of ['impressions', 'clicks']) {
      const ofStream = [...held].filter(([number]) => senders.sent[number]?.stream === stream)
      const lines = ofStream.reduce((sum, [, batch]) => sum + batch.lines, 0)
      assert.equal(await countedEvents(url, `where stream = '${stream}'`), lines, `${stream}; ${replay}`)
    }
    const { comparison, epoch } = await verified(dataDir, url)
    assert.ok(comparison.isEqual, `${JSON.stringify(comparison.differences)}; ${replay}`)

    const deliveries = senders.sent.reduce((sum, { attempts }) => sum + attempts, 0)
    context.diagnostic(
      `${CYCLES} cycles, ${killed} killed, ${killedBeforeEpoch} with acknowledged events in no epoch; ` +
        `${deliveries} deliveries, ${senders.acknowledgedEvents} events acknowledged; ` +
        `${comparison.cells} cells equal at epoch ${epoch}; ${replay}`,
    )
    assert.ok(killed >= CYCLES / 2, `control: it was killed ${killed} times`)
    assert.ok(killedBeforeEpoch > 0, 'control: no kill met events that were acknowledged and in no epoch')
    await runSql(url, `update ledger set events = events + 1 where ctid = (select min(ctid) from ledger)`)
    assert.equal((await verified(dataDir, url)).comparison.differing, 1, 'control: a count that is off by one is found')
    const [first] = held.keys()
    held.delete(first ?? -1)
    assert.throws(() => assertHeld(senders.sent, held), 'control: a batch that is missing is found')
  })
})
