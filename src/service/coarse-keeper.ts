/**
 * Keeps coarse cells up to date beside a live run: whatever became final is summed up soon after.
 *
 * K1  It takes half of one connection's time at most, and nothing waits for it: views read windows where coarse cells are
 *     not there yet.
 * K2  No failure of it reaches the run: it is told, and tried again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { CoarseBuilder } from '../database/coarse/coarse-builder.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Log } from '../runtime/ports.ts'
import { CLOCK } from './elapsed.ts'

export interface CoarseKeeperOptions {
  /** Connects as a user who may write the tables. */
  readonly url: string
  readonly plan: Plan
  readonly log: Log
}

/** Between two looks for what became final. A period of five minutes does so every five minutes. */
const LOOK_MS = 5_000

export class CoarseKeeper {
  readonly #log: Log
  readonly #builder: CoarseBuilder
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor({ url, plan, log }: CoarseKeeperOptions) {
    this.#log = log
    const rest = (tookMs: number): Promise<void> => this.#rest(tookMs)
    this.#builder = new CoarseBuilder({ url, plan, nowMs: () => CLOCK.steadyMs(), rest })
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends it, in the middle of a piece where one is under way: it is undone. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#builder.close()
    await this.#running
    await this.#builder.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#builder.build(signal)
      } catch (error) {
        this.#log('debug', `coarse cells: ${error instanceof Error ? error.message : String(error)}`)
      }
      await this.#rest(LOOK_MS)
    }
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
  }
}
