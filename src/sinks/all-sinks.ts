/**
 * Several sinks as one, for a bounded run: all of them get its results, or none.
 *
 * A1  Whatever may fail is done by every sink before the first commits: files are written and on disk, under names that
 *     nobody looks at.
 * A2  Sinks commit in the order given: put the one first that can still refuse, and those last that only rename.
 *
 * What remains possible: this process or the machine ends between two commits, a rename fails on a disk that took the
 * data, or a database commits and the answer is lost. Then some sinks show the new results and some the old ones, each
 * whole by itself; the same run again mends it.
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

  async prepare(): Promise<void> {
    for (const sink of this.#sinks) await sink.prepare?.()
  }

  async commit(): Promise<void> {
    await this.prepare()
    for (const sink of this.#sinks) await sink.commit()
  }

  async close(): Promise<void> {
    const closings = await Promise.allSettled(this.#sinks.map((sink) => sink.close()))
    for (const closing of closings) if (closing.status === 'rejected') throw closing.reason
  }
}
