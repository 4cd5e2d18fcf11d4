/**
 * What tables that somebody else fills say of the pipeline, look by look.
 *
 * N1  It never takes more than a tenth of the time: where a look is slow, the next one waits for ten times as long, by
 *     a clock that nobody sets.
 * N2  A look that fails changes what is said of PostgreSQL, and nothing of what was seen before.
 */
import { messageOf } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Clock } from '../runtime/ports.ts'
import type { DatabaseStatus, IntakeStatus, TablesStatus } from '../runtime/status.ts'
import { eventsIn, readTablesFacts, type TablesFacts } from '../server/query/tables-status.ts'
import type { ViewReader } from '../server/query/view-reader.ts'
import { pause as pauseFor } from './elapsed.ts'

const MIN_PAUSE_MS = 1_000
const PAUSE_FACTOR = 10
/**
 * Over how long events a second are counted, unless looks are further apart: whoever fills the tables may do so in
 * bursts.
 */
const RATE_MS = 30_000

const NO_INTAKE: IntakeStatus = { state: 'none', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }

interface Look {
  /** By the steady clock. */
  readonly atMs: number
  readonly events: number
}

export interface TablesWatchOptions {
  readonly plan: Plan
  readonly reader: Pick<ViewReader, 'read'>
  readonly clock: Clock
  /** Waits until then or until the signal is aborted. */
  readonly pause?: typeof pauseFor
}

export class TablesWatch {
  readonly #options: TablesWatchOptions
  readonly #beganAtMs: number
  #facts: TablesFacts | null = null
  #looks: readonly Look[] = []
  #restMs = 0
  #database: Pick<DatabaseStatus, 'state' | 'message' | 'sinceMs'>

  constructor(options: TablesWatchOptions) {
    this.#options = options
    this.#beganAtMs = options.clock.nowMs()
    this.#database = { state: 'starting', message: null, sinceMs: this.#beganAtMs }
  }

  /** Takes a look. Never fails (N2). */
  async look(): Promise<void> {
    const { plan, reader, clock } = this.#options
    const startMs = clock.steadyMs()
    try {
      const facts = await reader.read((snapshot) => readTablesFacts(snapshot, plan))
      const look = { atMs: clock.steadyMs(), events: eventsIn(facts) }
      const last = this.#looks.at(-1)
      this.#facts = facts
      this.#looks = [...this.#looks.filter((one) => one === last || one.atMs >= look.atMs - RATE_MS), look]
      this.#tell('up', null)
    } catch (error) {
      this.#tell('down', messageOf(error))
    }
    this.#restMs = Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (clock.steadyMs() - startMs))
  }

  /** Takes looks with rests between them (N1), also after the last one, until the signal is aborted. */
  async keepLooking(signal: AbortSignal): Promise<void> {
    const { pause = pauseFor } = this.#options
    for (;;) {
      await pause(this.#restMs, signal)
      if (signal.aborted) return
      await this.look()
    }
  }

  /** Why the last look failed; null where it did not. */
  get trouble(): string | null {
    return this.#database.message
  }

  /** What was seen last; null before the first look that worked. */
  status(): TablesStatus | null {
    if (this.#facts === null) return null
    const { startedAtMs, ...facts } = this.#facts
    return {
      source: 'tables',
      nowMs: this.#options.clock.nowMs(),
      ...facts,
      startedAtMs: startedAtMs ?? this.#beganAtMs,
      beganAtMs: this.#beganAtMs,
      epochDurationMs: null,
      eventsPerSecond: this.#rate(),
      unreadBytes: 0,
      deadLettersLeft: 0,
      partitions: [],
      heldBackBy: null,
      database: { ...this.#database, waitingCells: 0, intakePaused: false, outages: [] },
      intake: NO_INTAKE,
      memory: null,
    }
  }

  #tell(state: 'up' | 'down', message: string | null): void {
    const sinceMs = this.#database.state === state ? this.#database.sinceMs : this.#options.clock.nowMs()
    this.#database = { state, message, sinceMs }
  }

  #rate(): number | null {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)]
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return null
    // Tables that are cleared hold fewer than before.
    return Math.max(0, ((last.events - first.events) * 1_000) / (last.atMs - first.atMs))
  }
}
