/**
 * The truth of a run that something goes wrong with: what was sent is noted before it is sent, and after it whether it
 * was acknowledged. Afterwards journal and tables are held against it.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { findRetained, readRetained } from '../../src/checkpoint/journal/retained.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { verifyFolder, type VerifiedFolder } from '../../src/service/verify-folder.ts'
import { adPlan } from './engine-rig.ts'
import { batchOf, checkSumOf, HostileBatches, type Batch } from './hostile-batches.ts'
import { runSql } from './postgres.ts'
import type { Random } from './simulated-disk.ts'

/** What was sent of one batch. */
export interface Sent extends Omit<Batch, 'body'> {
  attempts: number
  acknowledged: number
}

/** What became of one request: 200; 503, to be sent again; 500, the service is about to end; no answer. */
export type Outcome = 'acknowledged' | 'refused' | 'failed' | 'unanswered'

/** How to send. */
export interface Sending {
  /** Batches that were never sent before; the others go first. */
  readonly newBatches: number
  /** Senders at the same time; 4 unless given. */
  readonly senders?: number
  /** Asked before each request: whether it was the last. */
  readonly until?: () => boolean
  /** Waited between two requests of one sender; nothing unless given, ms. */
  readonly pauseMs?: number
}

/** What the journal holds of one batch. */
export interface Held {
  lines: number
  checkSum: number
}

/** Senders that remember. */
export class TruthLog {
  readonly sent: Sent[] = []
  readonly outcomes: Record<Outcome, number> = { acknowledged: 0, refused: 0, failed: 0, unanswered: 0 }
  acknowledgedEvents = 0
  readonly #batches: HostileBatches
  #unacknowledged: Batch[] = []

  constructor(random: Random, nowMs: () => number = Date.now) {
    this.#batches = new HostileBatches(random, nowMs)
  }

  get areAllAcknowledged(): boolean {
    return this.#unacknowledged.length === 0
  }

  get deliveries(): number {
    return this.sent.reduce((sum, { attempts }) => sum + attempts, 0)
  }

  /** Sends what was not acknowledged and then new batches; a sender that gets another answer than 200 stops. */
  async send(url: string, { newBatches, senders = 4, until, pauseMs = 0 }: Sending): Promise<void> {
    const waiting = this.#unacknowledged
    this.#unacknowledged = []
    let left = newBatches
    const sendOn = async (): Promise<void> => {
      while ((waiting.length > 0 || left > 0) && until?.() !== true) {
        const batch = waiting.pop() ?? this.#batches.next()
        if (this.sent[batch.number] === undefined) left--
        if ((await this.#deliver(url, batch)) !== 'acknowledged') {
          this.#unacknowledged.push(batch)
          return
        }
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    await Promise.all(Array.from({ length: senders }, sendOn))
    this.#unacknowledged.push(...waiting)
  }

  /** Sends one batch, the oldest that was not acknowledged or a new one. */
  async sendOne(url: string): Promise<Outcome> {
    const batch = this.#unacknowledged.shift() ?? this.#batches.next()
    const outcome = await this.#deliver(url, batch)
    if (outcome !== 'acknowledged') this.#unacknowledged.unshift(batch)
    return outcome
  }

  async #deliver(url: string, batch: Batch): Promise<Outcome> {
    const { body, ...noted } = batch
    const sent = (this.sent[batch.number] ??= { ...noted, attempts: 0, acknowledged: 0 })
    sent.attempts++
    const outcome = await post(url, batch.stream, body)
    this.outcomes[outcome]++
    if (outcome !== 'acknowledged') return outcome
    sent.acknowledged++
    this.acknowledgedEvents += batch.lineCount
    return outcome
  }
}

async function post(url: string, stream: string, body: string): Promise<Outcome> {
  const headers = { 'content-type': 'application/x-ndjson' }
  let status: number
  let answer: string
  try {
    const response = await fetch(`${url}/v1/${stream}`, { method: 'POST', headers, body })
    status = response.status
    answer = await response.text()
  } catch {
    return 'unanswered'
  }
  if (status === 503) return 'refused'
  if (status === 500) return 'failed'
  assert.equal(status, 200, answer)
  return 'acknowledged'
}

/** What the journal of a data folder holds of each batch. */
export function readJournal(dataDir: string): Map<number, Held> {
  const held = new Map<number, Held>()
  for (const partition of findRetained(nodeDisk, join(dataDir, 'journal'))) {
    const reader = readRetained(nodeDisk, partition, 0, partition.segments.at(-1)?.endOffset ?? 0)
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      for (const line of Buffer.from(block.lines).toString().split('\n')) if (line !== '') hold(held, line)
    }
    reader.close()
  }
  return held
}

function hold(held: Map<number, Held>, line: string): void {
  const number = batchOf(line)
  const batch = held.get(number) ?? { lines: 0, checkSum: 0 }
  batch.lines++
  batch.checkSum += checkSumOf(line)
  held.set(number, batch)
}

/** Every delivery that was acknowledged is in the journal, whole, and none is there more often than it was sent. */
export function assertHeld(sent: readonly Sent[], held: ReadonlyMap<number, Held>, replay: string): void {
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

/** Events in the ledger's table; 0 where there is none yet. */
export async function countedEvents(url: string, where = ''): Promise<number> {
  const [exists] = await runSql(url, `select to_regclass('ledger')`)
  if (exists?.[0] === null) return 0
  return Number((await runSql(url, `select coalesce(sum(events), 0) from ledger ${where}`))[0]?.[0])
}

/** A run that is over, and its truth. */
export interface Judged {
  readonly truth: TruthLog
  readonly dataDir: string
  /** The database that it wrote to. */
  readonly url: string
  readonly plan?: Plan
  /** How to do it again, for messages. */
  readonly replay: string
}

/**
 * Every acknowledged event is counted in one class, every other in one or none, once for each time that it was taken,
 * and the tables are those of the recount. Holds once the last run ended in order.
 */
export async function assertExact(judged: Judged): Promise<VerifiedFolder> {
  const { truth, dataDir, url, replay } = judged
  const held = readJournal(dataDir)
  assertHeld(truth.sent, held, replay)
  for (const stream of ['impressions', 'clicks']) {
    const ofStream = [...held].filter(([number]) => truth.sent[number]?.stream === stream)
    const lines = ofStream.reduce((sum, [, batch]) => sum + batch.lines, 0)
    assert.equal(await countedEvents(url, `where stream = '${stream}'`), lines, `${stream}; ${replay}`)
  }
  const verified = await verify(judged)
  const { comparison } = verified
  assert.ok(comparison.isEqual, `${JSON.stringify(comparison.differences)}; ${replay}`)
  assert.ok(comparison.cells > 0, 'control: there was something to compare')
  return verified
}

/**
 * {@link assertExact} fails where the truth has one event more or the tables are off by one. Last of all: it spoils
 * both.
 */
export async function assertControls(judged: Judged): Promise<void> {
  const { truth, dataDir, url, replay } = judged
  const held = readJournal(dataDir)
  const [first] = held.keys()
  const sent = truth.sent.map((batch) =>
    batch.number === first ? { ...batch, lineCount: batch.lineCount + 1 } : batch,
  )
  assert.throws(() => assertHeld(sent, held, replay), 'control: an event that is missing is found')
  await runSql(url, `update ledger set events = events + 1 where ctid = (select min(ctid) from ledger)`)
  assert.equal((await verify(judged)).comparison.differing, 1, 'control: a count that is off by one is found')
}

const verify = ({ plan = adPlan(), dataDir, url }: Judged): Promise<VerifiedFolder> =>
  verifyFolder({ plan, dataDir, url, onStep: () => undefined })
