/**
 * How long clicks take, from a sample of impressions: a share of them by id, so that a click is always looked at
 * together with its impression.
 *
 * G1  Of more than {@link MAX_SAMPLED} impressions one in four stays, of those that are still too many one in four
 *     again.
 * G2  Which stay depends on their ids alone: on no order, and on nothing that was seen before.
 */
import type { EventBatch } from '../../engine/event-batch.ts'
import { AcceptedEvents } from '../../verify/accepted-events.ts'
import { idHashOf, idKeyOf } from './tail-reader.ts'

/** Impressions of a sample at most. */
const MAX_SAMPLED = 150_000
const SAMPLES: readonly number[] = [1, 4, 16, 64, 256, 1_024, 4_096]

/** Where an event is in a batch. */
interface BatchedEvent {
  readonly timeMs: number
  readonly batch: Pick<EventBatch, 'id' | 'impressionId'>
  readonly row: number
}

interface Sampled {
  readonly timeMs: number
  readonly hash: number
  /** Of its earliest click; infinite while there is none. */
  lagMs: number
}

export class LagSample {
  readonly #rememberedMs: number
  readonly #accepted: AcceptedEvents<{ readonly timeMs: number }>
  readonly #sampled = new Map<string, Sampled>()
  #oneIn = 1
  #taken = 0

  /**
   * @param rememberedMs A + L: how far apart two events of one id are no duplicates, and a click may be from its
   *   impression
   */
  constructor(rememberedMs: number) {
    this.#rememberedMs = rememberedMs
    this.#accepted = new AcceptedEvents(rememberedMs)
  }

  /** The sample is one impression in so many. */
  get oneIn(): number {
    return this.#oneIn
  }

  /** One for each impression of the sample; infinite where no click came. */
  get lagsMs(): readonly number[] {
    return [...this.#sampled.values()].map(({ lagMs }) => lagMs)
  }

  /**
   * Takes an impression; whether it is one of those that were asked for is looked at only where it is of the sample.
   */
  addImpression({ timeMs, batch, row }: BatchedEvent, isAsked: () => boolean): void {
    const hash = idHashOf(batch.id, row)
    if (hash % this.#oneIn !== 0) return
    const key = idKeyOf(batch.id, row)
    if (!this.#accepted.accept(key, { timeMs })) return
    this.#taken++
    if (isAsked()) this.#sampled.set(key, { timeMs, hash, lagMs: Infinity })
    if (this.#taken > MAX_SAMPLED) this.#thin()
  }

  /** Takes a click; all impressions come before. */
  addClick({ timeMs, batch, row }: BatchedEvent): void {
    const impression = this.#sampled.get(idKeyOf(batch.impressionId, row))
    if (impression === undefined) return
    const lagMs = timeMs - impression.timeMs
    if (Math.abs(lagMs) <= this.#rememberedMs) impression.lagMs = Math.min(impression.lagMs, lagMs)
  }

  #thin(): void {
    this.#oneIn = SAMPLES.find((candidate) => candidate > this.#oneIn) ?? this.#oneIn
    for (const [key, { hash }] of this.#sampled) if (hash % this.#oneIn !== 0) this.#sampled.delete(key)
    this.#taken = Math.ceil(this.#taken / 4)
  }
}
