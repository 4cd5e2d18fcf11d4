/**
 * Delivery of epochs: what changed gathers in a backlog, and at a barrier it is frozen and written until it is in.
 *
 *   starting ──opened──► up ──an attempt failed──► down ──checkpoint and sink have the epoch──► up
 *
 * D1  At most one epoch is under way. Its number, its changes and its checkpoint are frozen at its barrier and stay the
 *     same however often it is tried: whether an attempt whose answer was lost had worked makes no difference.
 * D2  The checkpoint of an epoch is on disk before the sink is given the epoch, and is told when the sink has it.
 * D3  While an attempt fails it is made again after 0.25 s, doubling to 5 s. Nobody waits for it but `settle` and
 *     `drain`. What changes meanwhile waits in the backlog for the next barrier.
 * D4  Past `maxWaitingCells` intake has to pause: `isFull` says so. Memory stays bounded, nothing is dropped.
 * D5  After an error that no try can mend, nothing is called again.
 */
import type { ChangeSet } from '../pipeline/cells.ts'
import type { Snapshot } from '../engine/snapshot/save.ts'
import { TidemarkError } from '../errors.ts'
import { Backlog, rowsOf } from './backlog.ts'
import type { Clock, EpochSink, LiveEpoch } from './ports.ts'
import type { DatabaseStatus, Outage } from './status.ts'

/** Outages that are remembered. */
const KEPT_OUTAGES = 50
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000

/** What is frozen at a barrier beside the changes. */
export interface Barrier extends Omit<LiveEpoch, 'number' | 'changes'> {
  /** State of the engine, as the checkpoint keeps it. */
  readonly snapshot: Snapshot
}

/** Where checkpoints go. Rejects like a sink: retryable, or for good. */
export interface CheckpointSink {
  /** Makes checkpoint `number` durable. The bytes of its snapshot are given back once they are. */
  write(number: number, barrier: Barrier): Promise<void>
  /** The sink has epoch `number`: what only earlier epochs needed may go. */
  committed(number: number): void
}

export interface DeliveryOptions {
  readonly sink: EpochSink
  readonly checkpoints: CheckpointSink
  /** The last epoch that the sink holds. */
  readonly epoch: number
  readonly clock: Clock
  readonly maxWaitingCells: number
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told once whenever writing begins to fail or works again, and not once `drain` has ended. */
  readonly onChange: (status: DatabaseStatus) => void
  /** An error after which no try can succeed: the run has to end. */
  readonly onFatal: (error: unknown) => void
}

interface FrozenEpoch {
  readonly epoch: LiveEpoch
  readonly barrier: Barrier
  hasCheckpoint: boolean
}

export class Delivery {
  /** How long the last epoch took from its barrier to its commit, ms. */
  epochDurationMs = 0
  /** When the last epoch was committed, ms since the epoch; null before the first one. */
  committedAtMs: number | null = null
  readonly #options: DeliveryOptions
  readonly #backlog = new Backlog()
  readonly #stopping = new AbortController()
  #epoch: number
  #state: DatabaseStatus['state'] = 'up'
  #message: string | null = null
  #sinceMs: number
  #outages: readonly Outage[] = []
  #underWay: FrozenEpoch | undefined
  #hasFailed = false
  #writing: Promise<void> = Promise.resolve()

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#epoch = options.epoch
    this.#sinceMs = options.clock.nowMs()
  }

  /** Number of the last epoch that the sink holds. */
  get epoch(): number {
    return this.#epoch
  }

  /** Whether so much waits that intake has to pause (D4). */
  get isFull(): boolean {
    return this.#waitingCells >= this.#options.maxWaitingCells
  }

  /** Whether an epoch is under way: then no barrier can be. */
  get isBusy(): boolean {
    return this.#underWay !== undefined || this.#hasFailed || this.#stopping.signal.aborted
  }

  get status(): DatabaseStatus {
    return {
      state: this.#state,
      message: this.#message,
      sinceMs: this.#sinceMs,
      waitingCells: this.#waitingCells,
      intakePaused: this.isFull,
      outages: this.#outages,
    }
  }

  /** Takes changes for the next epoch. */
  offer(changes: ChangeSet): void {
    this.#backlog.add(changes)
  }

  /** Begins the next epoch with everything offered so far and returns at once. Only while not {@link isBusy}. */
  begin(barrier: Barrier): void {
    if (this.isBusy) throw new TidemarkError('INTERNAL', 'An epoch was begun while another was under way.')
    const { watermarkMs, positions, deadLetters } = barrier
    const changes = this.#backlog.take()
    const epoch: LiveEpoch = { number: this.#epoch + 1, watermarkMs, changes, positions, deadLetters }
    this.#underWay = { epoch, barrier, hasCheckpoint: false }
    this.#writing = this.#writeUntilDone(this.#underWay)
  }

  /** Waits until the epoch under way is in, but no longer than `timeoutMs`. */
  async settle(timeoutMs: number): Promise<void> {
    const waiting = new AbortController()
    await Promise.race([this.#writing, this.#options.pause(timeoutMs, waiting.signal)])
    waiting.abort()
  }

  /**
   * Waits like {@link settle} and ends the delivery.
   *
   * @returns whether everything offered is in. Where not, a write may still be under way: closing the sink ends it.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    await this.settle(timeoutMs)
    this.#stopping.abort()
    return this.#waitingCells === 0 && this.#underWay === undefined
  }

  get #waitingCells(): number {
    return this.#backlog.size + (this.#underWay === undefined ? 0 : rowsOf(this.#underWay.epoch.changes))
  }

  async #writeUntilDone(frozen: FrozenEpoch): Promise<void> {
    const { clock, checkpoints, pause } = this.#options
    const startMs = clock.steadyMs()
    for (let retryMs = FIRST_RETRY_MS; !(await this.#tryOnce(frozen)); retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)) {
      if (this.#hasFailed || this.#stopping.signal.aborted) return
      await pause(retryMs, this.#stopping.signal)
      if (this.#stopping.signal.aborted) return
    }
    this.#epoch = frozen.epoch.number
    this.committedAtMs = clock.nowMs()
    this.epochDurationMs = clock.steadyMs() - startMs
    this.#underWay = undefined
    checkpoints.committed(this.#epoch)
    this.#become('up', null)
  }

  async #tryOnce(frozen: FrozenEpoch): Promise<boolean> {
    const { sink, checkpoints, onFatal } = this.#options
    try {
      if (!frozen.hasCheckpoint) await checkpoints.write(frozen.epoch.number, frozen.barrier)
      frozen.hasCheckpoint = true
      await sink.write(frozen.epoch)
      return true
    } catch (error) {
      if (error instanceof TidemarkError && error.retryable) this.#become('down', error.message)
      else if (!this.#stopping.signal.aborted) {
        this.#hasFailed = true
        onFatal(error)
      }
      return false
    }
  }

  #become(state: DatabaseStatus['state'], message: string | null): void {
    const before = this.#state
    this.#state = state
    this.#message = message
    if (before === state) return
    const nowMs = this.#options.clock.nowMs()
    this.#sinceMs = nowMs
    const ended = this.#outages.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? nowMs }))
    this.#outages = state === 'down' ? [...ended, { fromMs: nowMs, toMs: null }].slice(-KEPT_OUTAGES) : ended
    if (!this.#stopping.signal.aborted) this.#options.onChange(this.status)
  }
}
