/**
 * Watermarks: how far event time has come, by partition and for the whole pipeline.
 *
 * Partition watermark w_p = highest event time read − out-of-orderness. Pipeline watermark W = the lowest w_p of all
 * partitions that are not idle.
 *
 * W1  w_p and W never go back.
 * W2  A partition that was never read has w_p = −∞; one that ended has w_p = +∞.
 * W3  An idle partition does not hold W back. When it speaks again, W stays where it is.
 */

const ACTIVE = 0
const IDLE = 1
const ENDED = 2

/** Highest event times, idleness and ends of partitions, to which more may come. All times are ms since the epoch. */
export class Watermarks {
  /** Highest event time read from each partition; −∞ before the first. Operators read and raise it in their loops. */
  highestMs: Float64Array
  #state: Uint8Array
  readonly #outOfOrdernessMs: number
  #pipelineMs = -Infinity

  constructor(partitionCount: number, outOfOrdernessMs: number) {
    this.highestMs = new Float64Array(partitionCount).fill(-Infinity)
    this.#state = new Uint8Array(partitionCount)
    this.#outOfOrdernessMs = outOfOrdernessMs
  }

  /**
   * Adds a partition that was never read; returns its index. It holds W where it is until it is read or idle (W1, W2).
   */
  add(): number {
    const index = this.#state.length
    this.highestMs = Float64Array.of(...this.highestMs, -Infinity)
    this.#state = Uint8Array.of(...this.#state, ACTIVE)
    return index
  }

  /** w_p of one partition. */
  ofPartition(partition: number): number {
    if (this.#state[partition] === ENDED) return Infinity
    return (this.highestMs[partition] ?? -Infinity) - this.#outOfOrdernessMs
  }

  /** W, as of the last {@link refresh}. */
  get pipelineMs(): number {
    return this.#pipelineMs
  }

  /** Marks a partition idle, or active again. An ended one stays ended. */
  setIdle(partition: number, idle: boolean): void {
    if (this.#state[partition] !== ENDED) this.#state[partition] = idle ? IDLE : ACTIVE
  }

  isIdle(partition: number): boolean {
    return this.#state[partition] === IDLE
  }

  isEnded(partition: number): boolean {
    return this.#state[partition] === ENDED
  }

  /** Marks the end of a bounded partition. */
  end(partition: number): void {
    this.#state[partition] = ENDED
  }

  /** Takes over what was known of a partition before a restart. */
  restore(partition: number, highestMs: number, state: 'active' | 'idle' | 'ended'): void {
    this.highestMs[partition] = highestMs
    this.#state[partition] = state === 'idle' ? IDLE : state === 'ended' ? ENDED : ACTIVE
  }

  /** Takes over W as it was before a restart (W1). */
  restorePipeline(watermarkMs: number): void {
    this.#pipelineMs = Math.max(this.#pipelineMs, watermarkMs)
  }

  /**
   * Recomputes W and returns it.
   *
   * @param whenAllIdleMs what W may rise to when every partition that has not ended is idle; −∞ leaves it where it is
   */
  refresh(whenAllIdleMs: number = -Infinity): number {
    let lowest = Infinity
    let active = 0
    let idle = 0
    for (let partition = 0; partition < this.#state.length; partition++) {
      if (this.#state[partition] === IDLE) idle++
      if (this.#state[partition] !== ACTIVE) continue
      active++
      lowest = Math.min(lowest, this.ofPartition(partition))
    }
    // Ended partitions hold nothing back; only when all have ended is there nothing more to come.
    const next = active === 0 && idle > 0 ? whenAllIdleMs : lowest
    if (next > this.#pipelineMs) this.#pipelineMs = next
    return this.#pipelineMs
  }

  /** The partition with the lowest w_p of those that are neither idle nor ended; −1 when there is none. */
  slowest(): number {
    let slowest = -1
    let lowest = Infinity
    for (let partition = 0; partition < this.#state.length; partition++) {
      if (this.#state[partition] !== ACTIVE) continue
      const watermarkMs = this.ofPartition(partition)
      if (slowest < 0 || watermarkMs < lowest) {
        slowest = partition
        lowest = watermarkMs
      }
    }
    return slowest
  }
}
