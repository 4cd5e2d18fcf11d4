/**
 * Admission: which events of a batch may take part at all. The first operator of either stream.
 *
 * Malformed events go to the ledger at the partition's highest event time so far. `future` (live sources only) and
 * `late` follow SEMANTICS: an event is late when it lies behind max(w_p before it, W) − L. Everything else goes on.
 *
 * W comes in as a floor: what it was when the event was appended to the journal. That gives the classes of today's W,
 * live and whenever the journal is read again. For a partition is active from the append until it has been read, so W
 * has either stayed where it was, or risen since to at most the w_p of that partition; in both cases
 * max(w_p, floor) = max(w_p, W). After a restart W may trail what it was, or come by another way, but the same holds
 * from the restored W on, and max(w_p, floor) is a function of the journal alone. In a bounded replay, where no
 * partition is ever idle, W never exceeds w_p and there is no floor.
 *
 * A1  Rows are looked at in the order of the partition; the highest event time is raised row by row.
 * A2  Malformed and future events move nothing; late ones do, like any other, where they are the highest so far.
 * A3  Every row ends in exactly one of: malformed, future, late, `rows`.
 * A4  max(w_p, floor) is never behind W, or else no event between the two may be there: what an admitted event could
 *     meet may be gone by then. Checked once a batch.
 */
import { TidemarkError } from '../../errors.ts'
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
   * @param arrivalMs the wall clock when the events arrived, or +Infinity in a replay, where nothing is future
   * @param floorMs W when they arrived; −Infinity in a replay
   */
  run(batch: EventBatch, partition: number, arrivalMs: number, floorMs: number): number {
    if (this.rows.length < batch.count) this.rows = new Int32Array(batch.capacity)
    const { timeMs, malformed } = batch
    const rows = this.rows
    const futureMs = arrivalMs + this.#maxFutureSkewMs
    const trailMs = this.#outOfOrdernessMs
    let highestMs = this.#watermarks.highestMs[partition] as number
    const isBehind = Math.max(highestMs - trailMs, floorMs) < this.#watermarks.pipelineMs
    let count = 0
    for (let row = 0; row < batch.count; row++) {
      const t = timeMs[row] as number
      if (malformed[row] !== 0) this.#ledger.add(this.#stream, MALFORMED, Math.max(0, highestMs), 1)
      else if (t > futureMs) this.#ledger.add(this.#stream, FUTURE, t, 1)
      else {
        const boundMs = Math.max(highestMs - trailMs, floorMs) - this.#allowedLatenessMs
        if (t > highestMs) highestMs = t
        if (t >= boundMs) rows[count++] = row
        else this.#ledger.add(this.#stream, LATE, t, 1)
      }
    }
    this.#watermarks.highestMs[partition] = highestMs
    this.#ledger.read(this.#stream, batch.count)
    if (isBehind) this.#refuseForgotten(timeMs, count)
    return count
  }

  #refuseForgotten(timeMs: Float64Array, count: number): void {
    const { pipelineMs } = this.#watermarks
    for (let j = 0; j < count; j++) {
      const t = timeMs[this.rows[j] as number] as number
      if (t < pipelineMs - this.#allowedLatenessMs)
        throw new TidemarkError('INTERNAL', `An event at ${t} ms was admitted behind the watermark ${pipelineMs} ms.`)
    }
  }
}
