/**
 * Now and then one campaign goes wrong: for some minutes it is clicked two to three times as often, or hardly at all.
 */
import { MINUTE_MS } from '../time/units.ts'
import { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'

/** The incidents of a run, one after the other. */
export class Incidents {
  readonly #random: Random
  readonly #campaigns: number
  #campaign = 0
  #factor = 1
  #startMs: number
  #endMs: number

  constructor(settings: TrafficSettings) {
    this.#random = new Random(settings.seed, 'incidents')
    this.#campaigns = settings.campaigns
    this.#startMs = settings.startMs
    this.#endMs = settings.startMs
  }

  /** By how much a campaign's clicks are multiplied. Times must not decrease from call to call. */
  factor(campaign: number, timeMs: number): number {
    while (timeMs >= this.#endMs) this.#drawNext()
    return campaign === this.#campaign && timeMs >= this.#startMs ? this.#factor : 1
  }

  #drawNext(): void {
    const random = this.#random
    this.#startMs = this.#endMs + random.between(5 * MINUTE_MS, 15 * MINUTE_MS)
    this.#endMs = this.#startMs + random.between(3 * MINUTE_MS, 8 * MINUTE_MS)
    this.#campaign = random.below(this.#campaigns)
    this.#factor = random.chance(0.5) ? 2 + random.unit() : 0.1 + 0.2 * random.unit()
  }
}
