/**
 * Who sees which ad of which campaign, and how likely a click is.
 */
import { CODES, FLAGS, TIME_AS_TEXT, type Deliveries } from './deliveries.ts'
import { Incidents } from './incidents.ts'
import type { TrafficLayout } from './layout.ts'
import { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'

export class Population {
  /** Clicks per impression to be expected over a long time, incidents aside. */
  readonly meanClickRatio: number
  readonly #settings: TrafficSettings
  readonly #layout: TrafficLayout
  readonly #random: Random
  readonly #incidents: Incidents
  readonly #clickRatios: Float64Array
  readonly #topCampaigns: number
  /** Text slots that impressions have. */
  readonly #impressionSlots: readonly number[]

  constructor(settings: TrafficSettings, layout: TrafficLayout) {
    this.#settings = settings
    this.#layout = layout
    this.#random = new Random(settings.seed, 'population')
    this.#incidents = new Incidents(settings)
    this.#topCampaigns = Math.ceil(settings.campaigns / 10)
    this.#clickRatios = clickRatios(settings)
    this.meanClickRatio = this.#meanOfRatios()
    this.#impressionSlots = layout.impressions.flatMap(({ role }) => (role.kind === 'text' ? [role.slot] : []))
  }

  /** Fills the codes of an impression and gives the number of its campaign. */
  draw(deliveries: Deliveries, row: number): number {
    const { texts, moneys, campaignSlot } = this.#layout
    const first = row * deliveries.stride + CODES
    const campaign = this.#drawCampaign()
    for (let slot = 0; slot < texts.length; slot++)
      deliveries.ints[first + slot] = slot === campaignSlot ? campaign : this.#random.below(texts[slot]?.everyday ?? 1)
    for (let slot = 0; slot < moneys.length; slot++)
      deliveries.ints[first + texts.length + slot] = this.#random.below(moneys[slot]?.everyday ?? 1)
    const { hostileNames } = this.#settings
    if (hostileNames > 0 && this.#random.chance(hostileNames)) this.#makeHostile(deliveries, row)
    return campaign
  }

  /** How likely an impression of a campaign is clicked. Times must not decrease from call to call. */
  clickProbability(campaign: number, timeMs: number): number {
    const ratio = this.#clickRatios[campaign] ?? 0
    return this.#settings.incidents ? ratio * this.#incidents.factor(campaign, timeMs) : ratio
  }

  #drawCampaign(): number {
    const { campaigns, skew } = this.#settings
    const top = this.#topCampaigns
    if (skew === 0) return this.#random.below(campaigns)
    if (top === campaigns || this.#random.chance(skew)) return this.#random.below(top)
    return top + this.#random.below(campaigns - top)
  }

  #makeHostile(deliveries: Deliveries, row: number): void {
    const { texts, moneys } = this.#layout
    const random = this.#random
    const first = row * deliveries.stride
    const kind = random.below(8)
    const slot = this.#impressionSlots[random.below(this.#impressionSlots.length)]
    if (kind === 0) deliveries.ints[first + FLAGS] = (deliveries.ints[first + FLAGS] ?? 0) | TIME_AS_TEXT
    else if (kind === 1 && moneys.length > 0) {
      const money = random.below(moneys.length)
      deliveries.ints[first + CODES + texts.length + money] = hostileCode(moneys[money], random)
    } else if (slot !== undefined) deliveries.ints[first + CODES + slot] = hostileCode(texts[slot], random)
  }

  #meanOfRatios(): number {
    const { campaigns, skew } = this.#settings
    const top = this.#topCampaigns
    const topShare = top === campaigns ? 1 : skew === 0 ? top / campaigns : skew
    let mean = 0
    for (let campaign = 0; campaign < campaigns; campaign++) {
      const share = campaign < top ? topShare / top : (1 - topShare) / (campaigns - top)
      mean += share * (this.#clickRatios[campaign] ?? 0)
    }
    return mean
  }
}

function hostileCode(
  values: { readonly everyday: number; readonly count: number } | undefined,
  random: Random,
): number {
  return values === undefined ? 0 : random.between(values.everyday, values.count - 1)
}

function clickRatios(settings: TrafficSettings): Float64Array {
  const random = new Random(settings.seed, 'click boosts')
  const { clickRatio, clickBoostMin, clickBoostMax } = settings
  return Float64Array.from({ length: settings.campaigns }, () =>
    Math.min(1, clickRatio * (clickBoostMin + (clickBoostMax - clickBoostMin) * random.unit())),
  )
}
