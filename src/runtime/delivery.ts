/**
 * Delivery of results to a sink that may be away: one write at a time, a backlog meanwhile, tries until it works.
 *
 *   starting ──opened──► up ──write failed──► down ──opened and written──► up
 *
 * D1  At most one call to the sink is under way.
 * D2  What a failed write held goes back to the backlog, older than what came meanwhile (B2 of `backlog.ts`).
 * D3  While the sink is away it is tried again after 0.25 s, doubling to 5 s. Nobody waits for it but `drain`.
 * D4  Past `maxWaitingCells` intake has to pause: `isFull` says so. Memory stays bounded, nothing is dropped.
 * D5  After an error that no try can mend, the sink is not called again.
 */
import type { ChangeSet } from '../pipeline/cells.ts'
import { TidemarkError } from '../errors.ts'
import { Backlog, rowsOf } from './backlog.ts'
import type { Clock, Sink } from './ports.ts'
import type { DatabaseStatus } from './status.ts'

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000

export interface DeliveryOptions {
  readonly sink: Sink
  readonly clock: Clock
  readonly maxWaitingCells: number
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told once whenever the sink goes away or comes back, not of its first opening and not once `drain` has ended. */
  readonly onChange: (status: DatabaseStatus) => void
  /** An error after which no try can succeed: the run has to end. */
  readonly onFatal: (error: unknown) => void
}

export class Delivery {
  /** Epochs written. */
  epoch = 0
  /** How long the last write took, ms. */
  epochDurationMs = 0
  readonly #options: DeliveryOptions
  readonly #backlog = new Backlog()
  readonly #stopping = new AbortController()
  #state: DatabaseStatus['state'] = 'starting'
  #message: string | null = null
  #sinceMs: number
  #watermarkMs = -Infinity
  #inFlight = 0
  #isOpen = false
  #isDelivering = false
  #hasFailed = false
  #loop: Promise<void> = Promise.resolve()

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#sinceMs = options.clock.nowMs()
  }

  /** Whether so much waits that intake has to pause (D4). */
  get isFull(): boolean {
    return this.#backlog.size + this.#inFlight >= this.#options.maxWaitingCells
  }

  get status(): DatabaseStatus {
    return {
      state: this.#state,
      message: this.#message,
      sinceMs: this.#sinceMs,
      waitingCells: this.#backlog.size + this.#inFlight,
      intakePaused: this.isFull,
    }
  }

  /** Opens the sink; rejects where the first try fails, so that a start says at once what is wrong. */
  async open(): Promise<void> {
    await this.#options.sink.open()
    this.#isOpen = true
    this.#become('up', null)
  }

  /** Takes changes to write. Returns at once. */
  offer(changes: ChangeSet, watermarkMs: number): void {
    this.#backlog.add(changes)
    this.#watermarkMs = watermarkMs
    if (!this.#isDelivering && !this.#hasFailed) this.#loop = this.#deliver()
  }

  /** Waits until everything offered so far is written, but no longer than `timeoutMs`. */
  async settle(timeoutMs: number): Promise<void> {
    const waiting = new AbortController()
    await Promise.race([this.#loop, this.#options.pause(timeoutMs, waiting.signal)])
    waiting.abort()
  }

  /**
   * Waits until everything offered is written, but no longer than `timeoutMs`, and ends the delivery.
   *
   * @returns whether everything was written. Where not, a write may still be under way: closing the sink ends it.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    const deadline = this.#options.pause(timeoutMs, this.#stopping.signal)
    await Promise.race([this.#loop, deadline])
    this.#stopping.abort()
    return this.#backlog.size + this.#inFlight === 0
  }

  async #deliver(): Promise<void> {
    this.#isDelivering = true
    let retryMs = FIRST_RETRY_MS
    while (this.#backlog.size > 0 && !this.#hasFailed && !this.#stopping.signal.aborted) {
      if (await this.#tryWrite(this.#backlog.take(), this.#watermarkMs)) retryMs = FIRST_RETRY_MS
      else if (!this.#hasFailed) {
        await this.#options.pause(retryMs, this.#stopping.signal)
        retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)
      }
    }
    // Set before anyone else can run: who offers from here on starts anew.
    this.#isDelivering = false
  }

  async #tryWrite(changes: ChangeSet, watermarkMs: number): Promise<boolean> {
    this.#inFlight = rowsOf(changes)
    try {
      await this.#write(changes, watermarkMs)
      return true
    } catch (error) {
      this.#backlog.putBack(changes)
      this.#inFlight = 0
      if (error instanceof TidemarkError && error.retryable) this.#become('down', error.message)
      else {
        this.#hasFailed = true
        this.#options.onFatal(error)
      }
      return false
    }
  }

  async #write(changes: ChangeSet, watermarkMs: number): Promise<void> {
    const { sink, clock } = this.#options
    const startMs = clock.nowMs()
    if (!this.#isOpen) await this.open()
    await sink.write({ number: this.epoch + 1, watermarkMs, changes })
    this.epoch++
    this.#inFlight = 0
    this.epochDurationMs = clock.nowMs() - startMs
    this.#become('up', null)
  }

  #become(state: DatabaseStatus['state'], message: string | null): void {
    const before = this.#state
    this.#state = state
    this.#message = message
    if (before === state) return
    this.#sinceMs = this.#options.clock.nowMs()
    if (before !== 'starting' && !this.#stopping.signal.aborted) this.#options.onChange(this.status)
  }
}
