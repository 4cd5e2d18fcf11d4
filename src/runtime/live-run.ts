/**
 * A live pipeline: polls a source, steps the engine, hands out what changed every epoch, until it is stopped.
 *
 * R1  A partition is idle only when it was polled and had nothing for `idleTimeout`; while intake is paused nothing
 *     becomes idle.
 * R2  One step does bounded work, then the event loop has its turn: the page and signals are served under any load.
 * R3  Each epoch's changes go to every listener, then to the delivery; none is lost on the way.
 */
import type { ChangeSet } from '../pipeline/cells.ts'
import { allTables } from '../pipeline/table-text.ts'
import type { Delivery } from './delivery.ts'
import type { Pipeline } from './pipeline.ts'
import type { Clock } from './ports.ts'
import { PartitionActivity, pipelineStatus } from './run-status.ts'
import type { PipelineStatus } from './status.ts'

/** Takes whole lines of one partition. */
export type OfferLines = (partition: number, block: Uint8Array, start: number, end: number) => void

/** Where live events come from. */
export interface LiveSource {
  /**
   * Offers what has arrived by `nowMs`, a bounded amount of it.
   *
   * @returns whether more is waiting
   */
  poll(nowMs: number, offer: OfferLines): boolean
}

/** A source with a past: what was there before the run began. */
export interface SourceWithHistory extends LiveSource {
  /** Offers a bounded part of the past; returns whether there is more. */
  fillSome(offer: OfferLines): boolean
}

export interface LiveRunOptions {
  readonly pipeline: Pipeline
  readonly source: LiveSource
  readonly delivery: Delivery
  readonly clock: Clock
  readonly epochMs: number
  /** Told the changes of each epoch, all roll-ups included. */
  readonly onEpoch: (changes: ChangeSet) => void
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

const STEP_MS = 50

export class LiveRun {
  readonly #options: LiveRunOptions
  readonly #activity: PartitionActivity
  readonly #tableNames: ReadonlySet<string>
  readonly #offer: OfferLines
  /** Partitions that the last poll had something from. */
  readonly #spoke: Uint8Array
  readonly #startedAtMs: number
  #lastEpochMs: number

  constructor(options: LiveRunOptions) {
    const { pipeline, clock } = options
    this.#options = options
    this.#startedAtMs = clock.nowMs()
    this.#lastEpochMs = this.#startedAtMs
    this.#spoke = new Uint8Array(pipeline.partitions.length)
    this.#activity = new PartitionActivity(pipeline.partitions.length, this.#startedAtMs)
    this.#tableNames = new Set(allTables(pipeline.plan).map((table) => table.name))
    this.#offer = (partition, block, start, end) => this.#take(partition, block, start, end)
  }

  /** Hands out what changed so far as an epoch. */
  closeEpoch(): void {
    const { pipeline, delivery, clock, onEpoch } = this.#options
    const changes = pipeline.engine.changes()
    this.#lastEpochMs = clock.nowMs()
    this.#activity.measureRate(pipeline.eventsRead, this.#lastEpochMs)
    onEpoch(changes)
    const cells = changes.cells.filter((part) => this.#tableNames.has(part.rollUp))
    delivery.offer({ cells, ledger: changes.ledger }, pipeline.engine.watermarks.pipelineMs)
  }

  /** Runs until the signal is aborted, then closes the last epoch. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, source, delivery, pause, epochMs } = this.#options
    while (!signal.aborted) {
      const nowMs = clock.nowMs()
      const wasPaused = delivery.isFull
      this.#spoke.fill(0)
      const hasMore = wasPaused ? false : source.poll(nowMs, this.#offer)
      this.#step(nowMs, wasPaused, hasMore)
      if (nowMs - this.#lastEpochMs >= epochMs) this.closeEpoch()
      const untilEpochMs = Math.max(1, this.#lastEpochMs + epochMs - clock.nowMs())
      await pause(hasMore ? 0 : Math.min(STEP_MS, untilEpochMs), signal)
    }
    this.closeEpoch()
  }

  /** What the run says of itself now. */
  status(): PipelineStatus {
    const { pipeline, delivery, clock } = this.#options
    return pipelineStatus({
      pipeline,
      delivery,
      activity: this.#activity,
      nowMs: clock.nowMs(),
      startedAtMs: this.#startedAtMs,
    })
  }

  #take(partition: number, block: Uint8Array, start: number, end: number): void {
    const { pipeline, clock } = this.#options
    const nowMs = clock.nowMs()
    pipeline.offerLines(partition, block, start, end, nowMs, pipeline.engine.watermarks.pipelineMs)
    pipeline.engine.watermarks.setIdle(partition, false)
    this.#activity.heard(partition, nowMs)
    this.#spoke[partition] = 1
  }

  #step(nowMs: number, isPaused: boolean, hasMore: boolean): void {
    const { engine, partitions, plan } = this.#options.pipeline
    const { idleTimeoutMs, outOfOrdernessMs } = plan.parameters
    if (isPaused) this.#activity.postpone(nowMs)
    for (let partition = 0; partition < partitions.length; partition++) {
      // What was not polled to its end, or has just spoken, is not idle, however short the timeout.
      if (isPaused || hasMore || this.#spoke[partition] !== 0) continue
      if (this.#activity.silentForMs(partition, nowMs) >= idleTimeoutMs) engine.watermarks.setIdle(partition, true)
    }
    engine.advance(nowMs - outOfOrdernessMs)
  }
}
