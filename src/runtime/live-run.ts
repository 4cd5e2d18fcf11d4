/**
 * A live pipeline: polls a source, steps the engine, hands out what changed every epoch, until it is stopped.
 *
 * R1  A partition is idle only when it was polled and had nothing for `idleTimeout`; while intake is paused nothing
 *     becomes idle, nor while something of the partition is on its way.
 * R2  One step does bounded work, then the event loop has its turn: the page and signals are served under any load.
 * R3  Each epoch's changes go to every listener, then to the delivery; none is lost on the way.
 * R4  A barrier is one moment, and between two blocks: watermark, positions, snapshot and dead letters are those of the
 *     changes handed out.
 * R5  Epochs, deadlines and idleness go by time that only passes: a wall clock that is set, by a day, stops nothing.
 *     Where all partitions are idle W follows the wall clock, but no leap of it: W never goes back, so all after it
 *     were late.
 */
import type { ChangeSet } from '../pipeline/cells.ts'
import { allTables } from '../pipeline/table-text.ts'
import { narrowTables } from '../query/narrow-tables.ts'
import type { DeadLetterBuffer } from './dead-letter-buffer.ts'
import type { Delivery } from './delivery.ts'
import { Doorbell, type Pause } from './doorbell.ts'
import type { Pipeline } from './pipeline.ts'
import type { Clock, Positions } from './ports.ts'
import type { MemoryRoom } from './memory-room.ts'
import { PartitionActivity, pipelineStatus } from './run-status.ts'
import type { IntakeStatus, PipelineStatus } from './status.ts'

/** Takes whole lines of one partition, when they arrived, and W at that time (`admit.ts`). */
export type OfferLines = (
  partition: number,
  block: Uint8Array,
  start: number,
  end: number,
  arrivalMs: number,
  floorMs: number,
  /** Position of the first of them, where it does not follow from those before. */
  firstPosition?: number,
) => void

/** Where live events come from. */
export interface LiveSource {
  /**
   * Offers what has arrived, a bounded amount of it.
   *
   * @returns whether more is waiting
   */
  poll(offer: OfferLines): boolean
  /** Whether the last poll ended within a block: positions are those of its beginning, so no barrier may be now. */
  readonly isWithinBlock: boolean
  /** Calls back whenever there is more to poll; returns what ends that. Left out, the source is asked every 50 ms. */
  onMore?(listener: () => void): () => void
  /** Whether something of a partition is on its way: received, and not offered yet. */
  isOnItsWay(partition: number): boolean
  /** Bytes of a partition that wait to be offered. */
  unreadBytes(partition: number): number
  /** Where each partition was read up to. */
  positions(): Positions
  /** What the way in says of itself. */
  status(): IntakeStatus
}

export interface LiveRunOptions {
  readonly pipeline: Pipeline
  readonly source: LiveSource
  readonly delivery: Delivery
  readonly deadLetters: DeadLetterBuffer
  /** What bounds its memory; left out, nothing does. */
  readonly memory?: MemoryRoom | undefined
  readonly clock: Clock
  readonly epochMs: number
  /** When what is counted began, ms; now unless it goes on from before. */
  readonly startedAtMs?: number
  /** Told the changes of each epoch, all roll-ups included. */
  readonly onEpoch: (changes: ChangeSet) => void
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: Pause
}

/** How a run ends. */
export interface RunEnding {
  /** Takes nothing in any more, and resolves when what was being taken is on disk. */
  readonly stopIntake: () => Promise<void>
  /** How long what is left may take, ms. */
  readonly drainMs: number
}

const NEVER = new AbortController().signal
const STEP_MS = 50
/** A source that calls is looked at so long after it did, so that what comes together is read together. */
const GATHER_MS = 5
/** And so often when it is silent: partitions become idle. */
const SILENT_STEP_MS = 250
/** The longest time without an epoch while nothing comes in: the watermark moves on. */
const QUIET_EPOCH_MS = 10_000

export class LiveRun {
  readonly #options: LiveRunOptions
  readonly #activity: PartitionActivity
  readonly #tableNames: ReadonlySet<string>
  readonly #offer: OfferLines
  /** Partitions that the last poll had something from. */
  #spoke: Uint8Array
  readonly #startedAtMs: number
  /** The same moment by both clocks. */
  readonly #beganAtMs: number
  readonly #beganSteadyMs: number
  /** By the steady clock, as all below. */
  #lastEpochMs: number
  #lastBarrierMs: number
  #isChanged = true

  constructor(options: LiveRunOptions) {
    const { pipeline, clock } = options
    this.#options = options
    this.#beganAtMs = clock.nowMs()
    this.#beganSteadyMs = clock.steadyMs()
    this.#startedAtMs = options.startedAtMs ?? this.#beganAtMs
    this.#lastEpochMs = this.#beganSteadyMs
    this.#lastBarrierMs = this.#beganSteadyMs
    this.#spoke = new Uint8Array(pipeline.partitions.length)
    this.#activity = new PartitionActivity(pipeline.partitions.length, () => clock.steadyMs())
    const tables = [...allTables(pipeline.plan), ...narrowTables(pipeline.plan).map(({ rollUp }) => ({ name: rollUp }))]
    this.#tableNames = new Set(tables.map(({ name }) => name))
    this.#offer = (partition, block, start, end, arrivalMs, floorMs, firstPosition) => {
      if (firstPosition !== undefined) pipeline.nextLineOf[partition] = firstPosition
      pipeline.offerLines(partition, block, start, end, arrivalMs, floorMs)
      this.#heard(partition)
    }
  }

  /** Hands out what changed so far, and makes it an epoch unless the one before is still under way. */
  closeEpoch(): void {
    const { pipeline, source, delivery, clock, onEpoch } = this.#options
    while (source.isWithinBlock) source.poll(this.#offer)
    const changes = pipeline.engine.changes()
    this.#lastEpochMs = clock.steadyMs()
    this.#activity.measureRate(pipeline.eventsRead)
    onEpoch(changes)
    const cells = changes.cells.filter((part) => this.#tableNames.has(part.rollUp) && part.count > 0)
    if (cells.length > 0 || changes.ledger.count > 0) this.#isChanged = true
    delivery.offer({ cells, ledger: changes.ledger })
    if (!delivery.isBusy && this.#isDue()) this.#beginEpoch()
  }

  /**
   * Reads what the source has already and makes it an epoch, for `limitMs` at most, before {@link run} goes on with it.
   *
   * @returns how many events were read, and whether all of them are in that epoch and the sink has it
   */
  async catchUp(signal: AbortSignal, limitMs: number): Promise<{ readonly events: number; readonly isAll: boolean }> {
    const { pipeline, source, delivery, clock, pause, epochMs } = this.#options
    const before = pipeline.eventsRead
    const endMs = clock.steadyMs() + limitMs
    let hasMore = true
    while (hasMore && !signal.aborted && clock.steadyMs() < endMs) {
      if (!delivery.isFull) hasMore = source.poll(this.#offer)
      pipeline.engine.advance()
      if (clock.steadyMs() - this.#lastEpochMs >= epochMs) this.closeEpoch()
      if (hasMore) await pause(delivery.isFull ? STEP_MS : 0, signal)
    }
    if (delivery.isBusy) await delivery.settle(Math.max(0, endMs - clock.steadyMs()))
    this.closeEpoch()
    await delivery.settle(Math.max(0, endMs - clock.steadyMs()))
    return { events: pipeline.eventsRead - before, isAll: !hasMore && !delivery.isBusy }
  }

  /**
   * Runs until the signal is aborted; then lets intake end, reads what is left, closes the last epoch and waits for it.
   *
   * @returns whether everything that was taken in is counted and in the sink
   */
  async run(signal: AbortSignal, ending: RunEnding): Promise<boolean> {
    const { clock, source, delivery, pause, epochMs } = this.#options
    const doorbell = new Doorbell(pause)
    const wake = (): void => doorbell.ring()
    signal.addEventListener('abort', wake)
    const unsubscribe = source.onMore?.(wake)
    while (!signal.aborted) {
      const steadyMs = clock.steadyMs()
      const isPaused = delivery.isFull
      this.#makeRoom()
      this.#spoke.fill(0)
      const hasMore = isPaused ? false : source.poll(this.#offer)
      this.#step(isPaused, hasMore)
      if (steadyMs - this.#lastEpochMs >= epochMs && !source.isWithinBlock) this.closeEpoch()
      if (hasMore) await pause(0, signal)
      else if (isPaused || unsubscribe === undefined) await pause(this.#untilEpochMs(STEP_MS), signal)
      else if (await doorbell.sleep(this.#untilEpochMs(SILENT_STEP_MS)))
        await pause(this.#untilEpochMs(GATHER_MS), signal)
    }
    unsubscribe?.()
    signal.removeEventListener('abort', wake)
    await ending.stopIntake()
    return this.#finish(ending.drainMs)
  }

  /** What the run says of itself now. */
  status(): PipelineStatus {
    const { pipeline, source, delivery, deadLetters, memory, clock } = this.#options
    return pipelineStatus({
      pipeline,
      delivery,
      activity: this.#activity,
      source,
      intake: source.status(),
      memory: memory?.status ?? null,
      deadLettersLeft: deadLetters.left,
      nowMs: clock.nowMs(),
      startedAtMs: this.#startedAtMs,
      beganAtMs: this.#beganAtMs,
    })
  }

  #untilEpochMs(maxMs: number): number {
    const { clock, epochMs } = this.#options
    return Math.min(maxMs, Math.max(1, this.#lastEpochMs + epochMs - clock.steadyMs()))
  }

  async #finish(drainMs: number): Promise<boolean> {
    const { pipeline, source, delivery, clock, pause } = this.#options
    const deadlineMs = clock.steadyMs() + drainMs
    let hasMore = true
    while (hasMore && !delivery.isFull && clock.steadyMs() < deadlineMs) {
      hasMore = source.poll(this.#offer)
      pipeline.engine.advance()
      if (hasMore) await pause(0, NEVER)
    }
    if (delivery.isBusy) await delivery.settle(Math.max(0, deadlineMs - clock.steadyMs()))
    this.#isChanged = true
    this.closeEpoch()
    const isDrained = await delivery.drain(Math.max(0, deadlineMs - clock.steadyMs()))
    return isDrained && !hasMore
  }

  #beginEpoch(): void {
    const { pipeline, source, delivery, deadLetters } = this.#options
    this.#isChanged = false
    this.#lastBarrierMs = this.#lastEpochMs
    delivery.begin({
      watermarkMs: pipeline.engine.watermarks.pipelineMs,
      positions: source.positions(),
      deadLetters: deadLetters.take(),
      snapshot: pipeline.snapshot(delivery.epoch + 1),
    })
  }

  #isDue(): boolean {
    return this.#isChanged || this.#lastEpochMs - this.#lastBarrierMs >= QUIET_EPOCH_MS
  }

  /** Partitions may have come since the last step. */
  #makeRoom(): void {
    const { length } = this.#options.pipeline.partitions
    if (length === this.#spoke.length) return
    this.#spoke = new Uint8Array(length)
    this.#activity.growTo(length)
  }

  #heard(partition: number): void {
    this.#options.pipeline.engine.watermarks.setIdle(partition, false)
    this.#activity.heard(partition)
    this.#spoke[partition] = 1
  }

  #step(isPaused: boolean, hasMore: boolean): void {
    const { pipeline, source } = this.#options
    const { engine, partitions, plan } = pipeline
    const { idleTimeoutMs, outOfOrdernessMs } = plan.parameters
    if (isPaused) this.#activity.postpone()
    for (let partition = 0; partition < partitions.length; partition++) {
      // What was not polled to its end, or has just spoken, is not idle, however short the timeout.
      if (isPaused || hasMore || this.#spoke[partition] !== 0 || source.isOnItsWay(partition)) continue
      if (this.#activity.silentForMs(partition) >= idleTimeoutMs) engine.watermarks.setIdle(partition, true)
    }
    engine.advance(this.#unleapedMs() - outOfOrdernessMs)
    engine.saveAhead()
  }

  /** The wall clock, without what it has leaped ahead since the run began (R5). */
  #unleapedMs(): number {
    const { clock } = this.#options
    return Math.min(clock.nowMs(), this.#beganAtMs + clock.steadyMs() - this.#beganSteadyMs)
  }
}
