/**
 * A live run over a source that holds what a test puts into it, with a clock of the test's own.
 */
import assert from 'node:assert/strict'
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../src/pipeline/plan.ts'
import { Delivery } from '../../src/runtime/delivery.ts'
import { DeadLetterBuffer } from '../../src/runtime/dead-letter-buffer.ts'
import { LiveRun, type LiveSource, type OfferLines } from '../../src/runtime/live-run.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import type { Positions } from '../../src/runtime/ports.ts'
import type { IntakeStatus } from '../../src/runtime/status.ts'
import { adPlan, TEN_MS } from './engine-rig.ts'
import { FragileCheckpoints } from './fragile-delivery.ts'
import { OwnedTime } from './owned-time.ts'
import { TableStore } from './table-store.ts'
import { lineBytes } from './event-lines.ts'
import { FragileSink } from './fragile-sink.ts'

const plan = adPlan()
const EPOCH_MS = 1_000

/** A source that hands over what a test put into it, and counts how often it was asked. */
export class QueueSource implements LiveSource {
  polls: number = 0
  /** The most lines one poll hands over. */
  linesPerPoll: number = Infinity
  /** Partitions that something is on its way of, beside the queue. */
  readonly onItsWay: Set<number> = new Set()
  readonly #queue: { partition: number; line: string }[] = []
  readonly #taken: number[] = []

  put(partition: number, ...lines: readonly string[]): void {
    for (const line of lines) this.#queue.push({ partition, line })
  }

  /** What arrival and floor the next lines are offered with. */
  stamp: () => readonly [arrivalMs: number, floorMs: number] = () => [Infinity, -Infinity]

  poll(offer: OfferLines): boolean {
    this.polls++
    for (const { partition, line } of this.#queue.splice(0, this.linesPerPoll)) {
      const bytes = lineBytes(line)
      offer(partition, bytes, 0, bytes.length, ...this.stamp())
      this.#taken[partition] = (this.#taken[partition] ?? 0) + 1
    }
    return this.#queue.length > 0
  }

  get isWithinBlock(): boolean {
    return false
  }

  isOnItsWay(partition: number): boolean {
    return this.onItsWay.has(partition) || this.#queue.some((one) => one.partition === partition)
  }

  unreadBytes(partition: number): number {
    return this.#queue.filter((one) => one.partition === partition).length
  }

  positions(): Positions {
    return Object.fromEntries(
      Array.from(this.#taken, (taken: number | undefined, partition) => [String(partition), taken ?? 0]),
    )
  }

  status(): IntakeStatus {
    return { state: 'open', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }
  }
}

/** One that calls when there is more, and hands its lines over as parts of blocks. */
export class CallingSource extends QueueSource {
  /** Lines of a block, of which each poll hands one over; 1 for none that are cut. */
  linesPerBlock: number = 1
  readonly #listeners = new Set<() => void>()
  #offered = 0

  onMore(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  override put(partition: number, ...lines: readonly string[]): void {
    super.put(partition, ...lines)
    for (const listener of this.#listeners) listener()
  }

  override poll(offer: OfferLines): boolean {
    return super.poll((...lines) => {
      this.#offered++
      offer(...lines)
    })
  }

  override get isWithinBlock(): boolean {
    return this.#offered % this.linesPerBlock > 0
  }

  get listeners(): number {
    return this.#listeners.size
  }
}

export class Live {
  readonly time: OwnedTime = new OwnedTime(TEN_MS)
  readonly source: QueueSource
  readonly sink: FragileSink = new FragileSink()
  readonly checkpoints: FragileCheckpoints = new FragileCheckpoints()
  readonly deadLetters: DeadLetterBuffer = new DeadLetterBuffer()
  readonly heard: ChangeSet[] = []
  readonly pipeline: Pipeline
  readonly delivery: Delivery
  readonly run: LiveRun
  readonly #stop = new AbortController()
  #running: Promise<boolean> = Promise.resolve(true)

  constructor(
    partitions: readonly StreamName[] = STREAM_NAMES,
    maxWaitingCells: number = 10_000,
    livePlan: Plan = plan,
    source: QueueSource = new QueueSource(),
  ) {
    const { time } = this
    this.source = source
    this.pipeline = new Pipeline({
      plan: livePlan,
      rollUps: [...livePlan.tables, { name: 'of the page', axis: 'impression', dimensions: [] }],
      partitions: partitions.map((stream, i) => ({ stream, name: `${stream}/${i}` })),
      deadLetters: this.deadLetters,
      random: Int32Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1)),
    })
    this.delivery = new Delivery({
      sink: this.sink,
      checkpoints: this.checkpoints,
      epoch: 0,
      clock: time,
      maxWaitingCells,
      pause: time.pause,
      onChange: () => undefined,
      onFatal: (error) => assert.fail(String(error)),
    })
    this.run = new LiveRun({
      pipeline: this.pipeline,
      source: this.source,
      delivery: this.delivery,
      deadLetters: this.deadLetters,
      clock: time,
      epochMs: EPOCH_MS,
      onEpoch: (changes) => this.heard.push(changes),
      pause: time.pause,
    })
  }

  start(): this {
    this.source.stamp = () => [this.time.nowMs(), this.watermarkMs]
    this.#running = this.run.run(this.#stop.signal, { stopIntake: async () => undefined, drainMs: 1_000 })
    return this
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    assert.ok(await this.#running)
  }

  get watermarkMs(): number {
    return this.pipeline.engine.watermarks.pipelineMs
  }

  /** Tables as the sink would hold them. */
  tables(): ReturnType<TableStore['tables']> {
    const store = new TableStore(plan)
    for (const { changes } of this.sink.epochs) store.apply(changes)
    return store.tables()
  }
}

/** Runs `work` with a started run and stops it, whatever happens. */
export async function live(
  work: (all: Live) => Promise<void>,
  partitions?: readonly StreamName[],
  maxWaitingCells?: number,
): Promise<void> {
  const all = new Live(partitions, maxWaitingCells).start()
  try {
    await work(all)
  } finally {
    await all.stop()
  }
}
