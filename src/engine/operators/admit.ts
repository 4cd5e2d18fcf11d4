/**
 * Admission: which events of a batch may take part at all. The first operator of either stream.
 *
 * Malformed events go to the ledger at the partition's highest event time so far. `future` (live sources only) and
 * `late` follow SEMANTICS: an event is late when it lies behind max(w_p before it, W) − L. Everything else goes on.
 *
 * A1  Rows are looked at in the order of the partition; the highest event time is raised row by row.
 * A2  Malformed and future events move nothing; late ones do, like any other, where they are the highest so far.
 * A3  Every row ends in exactly one of: malformed, future, late, `rows`.
 */
import type { PlanParameters } from '../../pipeline/plan.ts'
import type { Watermarks } from '../../time/watermarks.ts'
import type { EventBatch } from '../event-batch.ts'
import { FUTURE, LATE, MALFORMED, type Ledger } from '../ledger.ts'

export class Admit {
  /** Rows of the batch that go on, in order. Valid until the next run. */
  rows: Int32Array = new Int32Array(0)
  readonly #stream: number
  readonly #ledger: Ledger
  readonly #watermarks: Watermarks
  readonly #outOfOrdernessMs: number
  readonly #allowedLatenessMs: number
  readonly #maxFutureSkewMs: number

  constructor(stream: number, parameters: PlanParameters, watermarks: Watermarks, ledger: Ledger) {
    this.#stream = stream
    this.#watermarks = watermarks
    this.#ledger = ledger
    this.#outOfOrdernessMs = parameters.outOfOrdernessMs
    this.#allowedLatenessMs = parameters.allowedLatenessMs
    this.#maxFutureSkewMs = parameters.maxFutureSkewMs
  }

  /**
   * Fills {@link rows} and returns how many there are.
   *
   * @param nowMs the wall clock, or +Infinity in a replay, where nothing is future
   */
  run(batch: EventBatch, partition: number, nowMs: number): number {
    if (this.rows.length < batch.count) this.rows = new Int32Array(batch.capacity)
    const { timeMs, malformed } = batch
    const rows = this.rows
    const futureMs = nowMs + this.#maxFutureSkewMs
    const trailMs = this.#outOfOrdernessMs
    const pipelineMs = this.#watermarks.pipelineMs
    let highestMs = this.#watermarks.highestMs[partition] as number
    let count = 0
    for (let row = 0; row < batch.count; row++) {
      const t = timeMs[row] as number
      if (malformed[row] !== 0) this.#ledger.add(this.#stream, MALFORMED, Math.max(0, highestMs), 1)
      else if (t > futureMs) this.#ledger.add(this.#stream, FUTURE, t, 1)
      else {
        const boundMs = Math.max(highestMs - trailMs, pipelineMs) - this.#allowedLatenessMs
        if (t > highestMs) highestMs = t
        if (t >= boundMs) rows[count++] = row
        else this.#ledger.add(this.#stream, LATE, t, 1)
      }
    }
    this.#watermarks.highestMs[partition] = highestMs
    this.#ledger.read(this.#stream, batch.count)
    return count
  }
}
