/**
 * Several sinks as one. Each is whole by itself; between them there is no common commit, so they commit in the order
 * given: put the one first that is likeliest to refuse.
 */
import type { Epoch, Sink } from '../runtime/ports.ts'

export class AllSinks implements Sink {
  readonly #sinks: readonly Sink[]

  constructor(sinks: readonly Sink[]) {
    this.#sinks = sinks
  }

  async open(): Promise<void> {
    for (const sink of this.#sinks) await sink.open()
  }

  async write(epoch: Epoch): Promise<void> {
    for (const sink of this.#sinks) await sink.write(epoch)
  }

  async commit(): Promise<void> {
    for (const sink of this.#sinks) await sink.commit()
  }

  async close(): Promise<void> {
    for (const sink of this.#sinks) await sink.close()
  }
}
