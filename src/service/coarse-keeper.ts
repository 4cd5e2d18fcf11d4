/**
 * Keeps coarse and early cells up to date beside a live run: whatever became final, or was passed by the watermark, is
 * summed up soon after.
 *
 * K1  It takes half of the time of two connections at most, one for each kind, and nothing waits for it: views read
 *     windows where cells are not there yet.
 * K2  No failure of it reaches the run: it is told, and tried again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { CoarseBuilder } from '../database/coarse/coarse-builder.ts'
import { EarlyBuilder } from '../database/coarse/early-builder.ts'
import { messageOf } from '../errors.ts'
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

type Builder = Pick<CoarseBuilder, 'build' | 'close'>

export class CoarseKeeper {
  readonly #log: Log
  readonly #builders: readonly Builder[]
  readonly #stop = new AbortController()
  #running: Promise<unknown> | undefined

  constructor({ url, plan, log }: CoarseKeeperOptions) {
    this.#log = log
    const rest = (tookMs: number): Promise<void> => this.#rest(tookMs)
    const builderOptions = { url, plan, nowMs: () => CLOCK.steadyMs(), rest }
    this.#builders = [new CoarseBuilder(builderOptions), new EarlyBuilder(builderOptions)]
  }

  start(): void {
    this.#running ??= Promise.all(this.#builders.map((builder) => this.#run(builder)))
  }

  /** Ends it, in the middle of a piece where one is under way: it is undone. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#close()
    await this.#running
    await this.#close()
  }

  async #close(): Promise<void> {
    await Promise.all(this.#builders.map((builder) => builder.close()))
  }

  async #run(builder: Builder): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await builder.build(signal)
      } catch (error) {
        this.#log('debug', `cells for views: ${messageOf(error)}`)
      }
      await this.#rest(LOOK_MS)
    }
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
  }
}
