/**
 * A live run of a journal in as little memory as a test likes, with a clock of the test's own. The system takes nothing
 * back: what was resident once stays so.
 */
import assert from 'node:assert/strict'
import type { Journal } from '../../src/checkpoint/journal/journal.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { DeadLetterBuffer } from '../../src/runtime/dead-letter-buffer.ts'
import { Delivery } from '../../src/runtime/delivery.ts'
import { JournalSource } from '../../src/runtime/journal-source.ts'
import { LiveRun } from '../../src/runtime/live-run.ts'
import { MemoryRoom } from '../../src/runtime/memory-room.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import { TidemarkError } from '../../src/errors.ts'
import { clickLine, lineBytes, impressionLine } from './event-lines.ts'
import { FragileCheckpoints } from './fragile-delivery.ts'
import { FragileSink } from './fragile-sink.ts'
import { openJournal, START_MS } from './journal-rig.ts'
import { OwnedTime } from './owned-time.ts'
import { SimulatedDisk } from './simulated-disk.ts'

/** The program without what it remembers. */
const BASE_BYTES = 1_000_000
/** Where a file goes on; nobody reads it. */
const POSITION = Uint8Array.of(1)
/** Appending to a file in memory copies it. */
const SEGMENT_BYTES = 1 << 18

export interface CrowdedOptions {
  readonly plan: Plan
  /** Room for what is remembered, beside the program and what growth needs at the start. */
  readonly roomBytes: number
  /** Left out: nothing bounds it. */
  readonly isBounded?: boolean
}

export class CrowdedRun {
  readonly time: OwnedTime = new OwnedTime(START_MS)
  readonly pipeline: Pipeline
  readonly source: JournalSource
  readonly sink: FragileSink = new FragileSink()
  readonly run: LiveRun
  /** The process with all that may be remembered, and nothing of what is kept free for growth. */
  readonly maxBytes: number
  /** All that it may use. */
  readonly limitBytes: number
  /** Whether it became full, or was not any more, and when; in order. */
  readonly turns: { readonly isFull: boolean; readonly atMs: number }[] = []
  acknowledged: number = 0
  refused: number = 0
  #peakBytes = 0
  #ids = 0
  readonly #stop = new AbortController()
  readonly #running: Promise<boolean>

  private constructor(journal: Journal, { plan, roomBytes, isBounded = true }: CrowdedOptions) {
    const { time, sink } = this
    const partitions = [
      { stream: 'impressions', name: 'http/impressions' },
      { stream: 'clicks', name: 'http/clicks' },
    ] as const
    const deadLetters = new DeadLetterBuffer()
    const random = Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
    this.pipeline = new Pipeline({ plan, rollUps: plan.tables, partitions, deadLetters, random })
    const { engine } = this.pipeline
    const { heldBytes, growthBytes } = engine.memory()
    this.maxBytes = BASE_BYTES + heldBytes + roomBytes
    this.limitBytes = this.maxBytes + growthBytes
    const memory = new MemoryRoom({
      limitBytes: this.limitBytes,
      look: () => ({
        ...engine.memory(),
        residentBytes: this.peakBytes,
        inFlightBytes: 0,
        uncountedBytes: this.source.uncountedBytes,
      }),
      steadyMs: () => time.steadyMs(),
      collect: () => undefined,
      onChange: ({ isFull }) => this.turns.push({ isFull, atMs: time.steadyMs() }),
    })
    this.source = new JournalSource({
      journal,
      partitions: partitions.map(({ name }) => name),
      watermarks: engine.watermarks,
      clock: time,
      positions: {},
      freeBytes: () => 0,
      memory: isBounded ? memory : undefined,
    })
    const delivery = new Delivery({
      sink,
      checkpoints: new FragileCheckpoints(),
      epoch: 0,
      clock: time,
      maxWaitingCells: 10_000,
      pause: time.pause,
      onChange: () => undefined,
      onFatal: (error) => assert.fail(String(error)),
    })
    this.run = new LiveRun({
      pipeline: this.pipeline,
      source: this.source,
      delivery,
      deadLetters,
      memory,
      clock: time,
      epochMs: 1_000,
      onEpoch: () => undefined,
      pause: time.pause,
    })
    this.#running = this.run.run(this.#stop.signal, { stopIntake: async () => this.source.close(), drainMs: 60_000 })
  }

  static async start(options: CrowdedOptions): Promise<CrowdedRun> {
    return new CrowdedRun(await openJournal(new SimulatedDisk(), { segmentBytes: SEGMENT_BYTES }), options)
  }

  /** The most that was resident so far. */
  get peakBytes(): number {
    this.#peakBytes = Math.max(this.#peakBytes, BASE_BYTES + this.pipeline.engine.memory().heldBytes)
    return this.#peakBytes
  }

  /** Sends new impressions of this moment, or of one before it; returns whether they were acknowledged. */
  async send(count: number, beforeMs: number = 0): Promise<boolean> {
    const timeMs = this.time.nowMs() - beforeMs
    const isTaken = await this.#append(
      0,
      Array.from({ length: count }, () => impressionLine(`i${this.#ids++}`, timeMs)),
    )
    if (isTaken) this.acknowledged += count
    else this.refused += count
    return isTaken
  }

  /** Sends new clicks of this moment; returns whether they were acknowledged. */
  async click(count: number): Promise<boolean> {
    const lines = Array.from({ length: count }, () => clickLine(`c${this.#ids++}`, 'none', this.time.nowMs()))
    return this.#append(1, lines)
  }

  /**
   * Reads impressions of a file, `perSecond` of them a second, and retries for `patienceMs` as whoever follows files
   * does.
   *
   * @returns whether they were appended
   */
  async readOn(count: number, fromMs: number, perSecond: number, patienceMs: number): Promise<boolean> {
    const timeOf = (i: number): number => fromMs + Math.floor((i * 1_000) / perSecond)
    const lines = Array.from({ length: count }, (_, i) => impressionLine(`i${this.#ids++}`, timeOf(i)))
    for (let waitedMs = 0; !(await this.#append(0, lines, POSITION)); waitedMs += 250) {
      this.refused += count
      if (waitedMs >= patienceMs) return false
      await this.time.pass(250)
    }
    this.acknowledged += count
    return true
  }

  async #append(partition: number, lines: readonly string[], position?: Uint8Array): Promise<boolean> {
    try {
      await this.source.append(partition, lineBytes(...lines), lines.length, position)
      return true
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'MEMORY_FULL') throw error
      assert.ok(error.retryable)
      return false
    }
  }

  /** Sends `count` impressions every quarter of a second of the next `ms`. */
  async sendFor(ms: number, count: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      await this.send(count)
      await this.time.pass(250)
    }
  }

  /** Ends it; everything acknowledged must be counted, in one class each. */
  async end(): Promise<void> {
    this.#stop.abort()
    assert.ok(await this.#running)
    const { ledger } = this.pipeline.engine
    assert.equal(ledger.readOf(0), this.acknowledged)
    assert.equal(ledger.differenceOf(0), 0)
  }
}
