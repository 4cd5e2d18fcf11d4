/**
 * What becomes of events that are neither malformed nor late: duplicates by the event's own id, attribution by the
 * impression's.
 *
 * T1  Copies of one id are offered in the order of arrival, for the first wins. No other order matters.
 * T2  Clicks are attributed when every impression that they could name was offered. One that belongs to none is pending
 *     while an impression that could still be accepted would change that: until W > c + e + 2L.
 */
import type { PlanParameters } from '../pipeline/plan.ts'
import { AcceptedEvents } from './accepted-events.ts'
import type { Tally } from './tally.ts'

/** An impression that was offered. */
export interface Impression {
  readonly id: string
  readonly timeMs: number
  readonly dimensions: readonly string[]
  readonly sumsMicros: readonly number[]
}

/** A click that was offered. */
export interface Click {
  readonly id: string
  readonly impressionId: string
  readonly timeMs: number
}

interface AcceptedImpression extends Omit<Impression, 'id'> {
  /** Event time of the earliest click in its window so far. */
  firstClickMs: number | undefined
}

/** Tells accepted clicks from duplicates. */
export class ClickAdmission {
  readonly #accepted: AcceptedEvents<{ readonly timeMs: number }>
  readonly #tally: Tally

  constructor(parameters: PlanParameters, tally: Tally) {
    this.#accepted = new AcceptedEvents(rememberedMs(parameters))
    this.#tally = tally
  }

  /** Offers a click in the order of arrival. False says that it is a duplicate, of which the tally has been told. */
  offer(click: Click): boolean {
    const isAccepted = this.#accepted.accept(click.id, { timeMs: click.timeMs })
    if (!isAccepted) this.#tally.countEvent('clicks', 'duplicate', click.timeMs)
    return isAccepted
  }
}

/** Accepted impressions, and the clicks that belong to them. */
export class Attribution {
  readonly #impressions: AcceptedEvents<AcceptedImpression>
  readonly #parameters: PlanParameters
  readonly #tally: Tally
  readonly #watermarkMs: number

  /** @param watermarkMs W when all is read */
  constructor(parameters: PlanParameters, tally: Tally, watermarkMs: number) {
    this.#watermarkMs = watermarkMs
    this.#impressions = new AcceptedEvents(rememberedMs(parameters))
    this.#parameters = parameters
    this.#tally = tally
  }

  /** Offers an impression in the order of arrival. */
  offerImpression({ id, timeMs, dimensions, sumsMicros }: Impression): void {
    const isAccepted = this.#impressions.accept(id, { timeMs, dimensions, sumsMicros, firstClickMs: undefined })
    this.#tally.countEvent('impressions', isAccepted ? 'counted' : 'duplicate', timeMs)
  }

  /** Attributes an accepted click, in any order, once all impressions were offered (T2). */
  attributeClick({ impressionId, timeMs: c }: Click): void {
    const { attributionWindowMs: A, clockSkewToleranceMs: e, allowedLatenessMs: L } = this.#parameters
    // t − e ≤ c ≤ t + A, turned round: c − A ≤ t ≤ c + e.
    const impression = this.#impressions.latest(impressionId, c - A, c + e)
    if (impression !== undefined) this.#attribute(impression, c)
    else {
      const isNear = this.#impressions.latest(impressionId, c - A - L, c + e + L) !== undefined
      const unclaimed = this.#watermarkMs > c + e + 2 * L ? 'orphan' : 'pending'
      this.#tally.countEvent('clicks', isNear ? 'out_of_window' : unclaimed, c)
    }
  }

  // The earliest click is the counted one, so each further click leaves the later of two behind as a repeat.
  #attribute(impression: AcceptedImpression, clickMs: number): void {
    const { firstClickMs = Infinity } = impression
    if (firstClickMs !== Infinity) this.#tally.countEvent('clicks', 'repeat', Math.max(firstClickMs, clickMs))
    impression.firstClickMs = Math.min(firstClickMs, clickMs)
  }

  /** Tells the tally of every accepted impression and of the click that counts for it. */
  finish(): void {
    for (const impression of this.#impressions.values()) {
      const { firstClickMs } = impression
      this.#tally.countCells(impression, firstClickMs)
      if (firstClickMs !== undefined) this.#tally.countEvent('clicks', 'counted', firstClickMs)
    }
  }
}

function rememberedMs({ attributionWindowMs, allowedLatenessMs }: PlanParameters): number {
  return attributionWindowMs + allowedLatenessMs
}
