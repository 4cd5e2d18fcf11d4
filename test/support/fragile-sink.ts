/**
 * A sink in memory that fails or hangs when a test says so.
 */
import { TidemarkError } from '../../src/errors.ts'
import type { Epoch, EpochSink, LiveEpoch, Sink } from '../../src/runtime/ports.ts'

/** What a sink that is away says. */
export const AWAY: TidemarkError = new TidemarkError('DATABASE_UNAVAILABLE', 'PostgreSQL does not answer.', {
  retryable: true,
  fix: 'start it',
})

/** An epoch of a replay, or of a live run. */
export type SunkEpoch = Epoch & Partial<LiveEpoch>

export class FragileSink implements Sink, EpochSink {
  /** Epochs written, in order. */
  readonly epochs: SunkEpoch[] = []
  /** Calls of `open` and `write`, failed ones included. */
  calls = 0
  /** The most calls that were under way at once. */
  mostAtOnce = 0
  /** What every call is rejected with, while it is set. */
  failure: unknown
  /** While set, a write waits for it. */
  gate: Promise<void> | undefined
  /** Called when a write has succeeded, before its caller goes on. */
  afterWrite: (() => void) | undefined
  committed = 0
  #underWay = 0

  open(): Promise<void> {
    return this.#call(() => undefined)
  }

  write(epoch: SunkEpoch): Promise<void> {
    return this.#call(() => void this.epochs.push(epoch))
  }

  async commit(): Promise<void> {
    this.committed++
  }

  async close(): Promise<void> {}

  async #call(work: () => void): Promise<void> {
    this.calls++
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay)
    try {
      await this.gate
      if (this.failure !== undefined) throw this.failure
      work()
      this.afterWrite?.()
    } finally {
      this.#underWay--
    }
  }
}
