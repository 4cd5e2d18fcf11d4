/**
 * What comes along with an impression: its click, and whatever disturbs the order of things.
 *
 * K1  Everything that will ever name an impression is scheduled when the impression is made, so that a story has an
 *     end (`stories.ts`).
 * K2  The expected number of lines of each kind for each impression is such that the shares of the settings hold for
 *     all lines of the log.
 */
import type { PlanParameters } from '../pipeline/plan.ts'
import {
  CLICK_NUMBER,
  FLAGS,
  IMPRESSION_ID,
  IS_CLICK,
  MAKE_BARELY_ON_TIME,
  MAKE_LATE,
  MAKE_MALFORMED,
  OWN_ID,
  STORY,
  type Deliveries,
} from './deliveries.ts'
import type { Population } from './population.ts'
import { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'

/** What companions ask of the traffic. */
export interface Dispatcher {
  readonly nowMs: number
  /** Schedules a row whose time is set; the arrival is never before `nowMs`. */
  dispatch(row: number, arrivalMs: number): void
  /** Begins a story and gives its number; 0 where nobody asks for the truth. */
  openStory(): number
}

/** Expected lines of each kind for each impression, or for each click. */
interface Expected {
  readonly duplicates: number
  readonly orphans: number
  readonly late: number
  readonly malformed: number
  readonly repeatsPerClick: number
}

/** For each duplicate asked for, ids used again so much later that they are new events. */
const REUSES_PER_DUPLICATE = 0.05

/** For each late event asked for, events that are just not late. */
const BARELY_ON_TIME_PER_LATE = 0.125

export class Companions {
  readonly #settings: TrafficSettings
  readonly #parameters: PlanParameters
  readonly #deliveries: Deliveries
  readonly #population: Population
  readonly #dispatcher: Dispatcher
  readonly #random: Random
  readonly #ids: Random
  readonly #expected: Expected
  readonly #isDisturbed: boolean
  #clickNumber = 0

  constructor(
    settings: TrafficSettings,
    parameters: PlanParameters,
    deliveries: Deliveries,
    population: Population,
    dispatcher: Dispatcher,
  ) {
    this.#settings = settings
    this.#parameters = parameters
    this.#deliveries = deliveries
    this.#population = population
    this.#dispatcher = dispatcher
    this.#random = new Random(settings.seed, 'companions')
    this.#ids = new Random(settings.seed, 'ids')
    this.#expected = expectedLines(settings, population.meanClickRatio)
    const { duplicates, orphans, late, malformed, repeatsPerClick } = this.#expected
    this.#isDisturbed = duplicates + orphans + late + malformed + repeatsPerClick > 0
  }

  /** Makes the impression of `timeMs` and all that comes along with it. */
  begin(timeMs: number): void {
    const row = this.#newImpression(timeMs)
    const campaign = this.#population.draw(this.#deliveries, row)
    const isClicked = this.#random.chance(this.#population.clickProbability(campaign, timeMs))
    if (!this.#isDisturbed) {
      if (isClicked) this.#setStory(row)
      this.#dispatcher.dispatch(row, timeMs + this.#delay())
      if (isClicked) this.#dispatchClick(row)
      return
    }
    const duplicates = this.#random.round(this.#expected.duplicates)
    const reuses = this.#random.round(this.#expected.duplicates * REUSES_PER_DUPLICATE)
    const lateOnes = this.#random.round(this.#expected.late * (1 + BARELY_ON_TIME_PER_LATE))
    if (isClicked || duplicates + reuses + lateOnes > 0) this.#setStory(row)
    const arrivalMs = timeMs + this.#delay()
    this.#dispatcher.dispatch(row, arrivalMs)
    const click = isClicked ? this.#dispatchClick(row) : 0
    for (let i = 0; i < duplicates; i++) this.#duplicate(row, click, arrivalMs)
    for (let i = 0; i < reuses; i++) this.#reuse(row, click)
    for (let i = 0; i < lateOnes; i++) this.#late(row)
    for (let i = this.#random.round(this.#expected.orphans); i > 0; i--) this.#orphan(row)
    for (let i = this.#random.round(this.#expected.malformed); i > 0; i--) this.#malformed(row)
  }

  #newImpression(timeMs: number): number {
    const deliveries = this.#deliveries
    const row = deliveries.allocate()
    const first = row * deliveries.stride
    deliveries.ints[first + FLAGS] = 0
    deliveries.ints[first + STORY] = 0
    deliveries.ints[first + CLICK_NUMBER] = 0
    deliveries.timesMs[row] = timeMs
    this.#drawId(row, OWN_ID)
    deliveries.ints.copyWithin(first + IMPRESSION_ID, first + OWN_ID, first + OWN_ID + 4)
    return row
  }

  /** A random UUID of version 4. */
  #drawId(row: number, field: number): void {
    const { ints, stride } = this.#deliveries
    const first = row * stride + field
    ints[first] = this.#ids.bits()
    ints[first + 1] = (this.#ids.bits() & ~0xf000) | 0x4000
    ints[first + 2] = (this.#ids.bits() & 0x3fffffff) | 0x80000000
    ints[first + 3] = this.#ids.bits()
  }

  #setStory(row: number): void {
    this.#deliveries.ints[row * this.#deliveries.stride + STORY] = this.#dispatcher.openStory()
  }

  #delay(): number {
    return this.#random.below(this.#settings.disorderMs + 1)
  }

  /** A copy of `row` with another time and, where given, further flags. It is not dispatched yet. */
  #copy(row: number, timeMs: number, flags = 0): number {
    const deliveries = this.#deliveries
    const copy = deliveries.copy(row)
    const at = copy * deliveries.stride + FLAGS
    deliveries.ints[at] = (deliveries.ints[at] ?? 0) | flags
    deliveries.timesMs[copy] = timeMs
    return copy
  }

  /** A click, with an id of its own, on the impression in `row`. */
  #newClick(row: number, timeMs: number, flags = 0): number {
    const click = this.#copy(row, timeMs, flags | IS_CLICK)
    this.#clickNumber = (this.#clickNumber + 1) | 0
    this.#deliveries.ints[click * this.#deliveries.stride + CLICK_NUMBER] = this.#clickNumber
    this.#drawId(click, OWN_ID)
    return click
  }

  #dispatchClick(impression: number): number {
    const timeMs = this.#deliveries.timesMs[impression] ?? 0
    const isOnEdge = this.#settings.edgeClicks > 0 && this.#random.chance(this.#settings.edgeClicks)
    const clickMs = timeMs + (isOnEdge ? this.#edgeDelay() : this.#random.between(500, 10_000))
    const click = this.#newClick(impression, clickMs)
    const arrivalMs = clickMs + this.#delay()
    this.#dispatcher.dispatch(click, arrivalMs)
    for (let i = this.#random.round(this.#expected.repeatsPerClick); i > 0; i--)
      this.#repeat(impression, clickMs, arrivalMs)
    return click
  }

  /** From impression to click, on one side or the other of a rule of attribution. */
  #edgeDelay(): number {
    const { attributionWindowMs: a, clockSkewToleranceMs: e, allowedLatenessMs: l } = this.#parameters
    const edges = [-e, -e - 1, 0, a, a + 1, a + l, a + l + 1, -e - l, -e - l - 1]
    const kind = this.#random.below(edges.length + 3)
    if (kind === edges.length) return this.#random.between(a + 1, a + l)
    if (kind === edges.length + 1) return -this.#random.between(0, e)
    return edges[kind] ?? this.#random.between(500, 10_000) + Math.floor(a / 2)
  }

  /** Another click on the same impression; one in three is stamped earlier than the first and arrives after it. */
  #repeat(impression: number, clickMs: number, clickArrivalMs: number): void {
    const isSwap = this.#random.below(3) === 0
    const timeMs = isSwap ? clickMs - this.#random.between(1, 400) : clickMs + this.#random.between(100, 20_000)
    const arrivalMs = isSwap ? clickArrivalMs + this.#random.below(500) : timeMs + this.#delay()
    this.#dispatcher.dispatch(this.#newClick(impression, timeMs), arrivalMs)
  }

  #duplicate(impression: number, click: number, arrivalMs: number): void {
    const kind = this.#random.below(8)
    const original = click !== 0 && kind % 2 === 1 ? click : impression
    const timeMs = this.#deliveries.timesMs[original] ?? 0
    const soonMs = Math.max(arrivalMs, timeMs + this.#settings.disorderMs) + this.#random.below(3_000)
    if (kind < 4) this.#dispatcher.dispatch(this.#copy(original, timeMs), soonMs)
    else if (kind < 6) this.#restamped(original, timeMs + this.#random.between(1, 240_000))
    else if (kind === 6) this.#dispatcher.dispatch(this.#copy(original, timeMs - this.#random.below(60_000)), soonMs)
    else this.#dispatcher.dispatch(this.#copy(original, timeMs), soonMs + this.#random.below(120_000))
  }

  /** The id again, with another time and, for an impression, another campaign. */
  #restamped(original: number, timeMs: number): void {
    const copy = this.#copy(original, timeMs)
    if (!this.#isClick(original)) this.#population.draw(this.#deliveries, copy)
    this.#dispatcher.dispatch(copy, timeMs + this.#delay())
  }

  /** An id again when its first use is as good as forgotten; after an impression's sometimes a click on that one. */
  #reuse(impression: number, click: number): void {
    const { attributionWindowMs, allowedLatenessMs } = this.#parameters
    const original = click !== 0 && this.#random.chance(0.3) ? click : impression
    const beyondMs = this.#random.chance(0.6) ? this.#random.below(2) : this.#random.between(2, 120_000)
    const timeMs = this.#deliveries.timesMs[original] ?? 0
    const againMs = timeMs + attributionWindowMs + allowedLatenessMs + beyondMs
    this.#restamped(original, againMs)
    if (original === click || !this.#random.chance(0.5)) return
    const clickMs = againMs + this.#random.between(-1_000, 10_000)
    this.#dispatcher.dispatch(this.#newClick(impression, clickMs), clickMs + this.#delay())
  }

  /** A late event, or one that is just not late: a fresh impression with or without a click, or a click on `row`. */
  #late(row: number): void {
    const nowMs = this.#dispatcher.nowMs
    const share = BARELY_ON_TIME_PER_LATE / (1 + BARELY_ON_TIME_PER_LATE)
    const flag = this.#random.chance(share) ? MAKE_BARELY_ON_TIME : MAKE_LATE
    const kind = this.#random.below(8)
    const timeMs = this.#deliveries.timesMs[row] ?? 0
    if (kind < 3) {
      this.#dispatcher.dispatch(this.#newClick(row, timeMs, flag), nowMs + this.#random.below(10_000))
      return
    }
    const impression = this.#newImpression(timeMs)
    this.#population.draw(this.#deliveries, impression)
    this.#addFlags(impression, flag)
    if (kind === 7) {
      this.#setStory(impression)
      const click = this.#newClick(impression, timeMs)
      this.#deliveries.ints[click * this.#deliveries.stride + FLAGS] = IS_CLICK
      this.#dispatcher.dispatch(click, timeMs + this.#delay())
    }
    this.#dispatcher.dispatch(impression, nowMs + this.#random.below(10_000))
  }

  /** A click on an impression that never comes. */
  #orphan(impression: number): void {
    const timeMs = (this.#deliveries.timesMs[impression] ?? 0) + this.#random.between(500, 10_000)
    const click = this.#newClick(impression, timeMs)
    this.#deliveries.ints[click * this.#deliveries.stride + STORY] = 0
    this.#drawId(click, IMPRESSION_ID)
    this.#dispatcher.dispatch(click, timeMs + this.#delay())
  }

  /** A malformed line where an impression, or one time in four a click, would have been. */
  #malformed(impression: number): void {
    const timeMs = this.#deliveries.timesMs[impression] ?? 0
    const isClick = this.#random.below(4) === 0
    const row = isClick
      ? this.#newClick(impression, timeMs, MAKE_MALFORMED)
      : this.#copy(impression, timeMs, MAKE_MALFORMED)
    this.#drawId(row, OWN_ID)
    this.#deliveries.ints[row * this.#deliveries.stride + STORY] = 0
    this.#dispatcher.dispatch(row, timeMs + this.#delay())
  }

  #addFlags(row: number, flags: number): void {
    const at = row * this.#deliveries.stride + FLAGS
    this.#deliveries.ints[at] = (this.#deliveries.ints[at] ?? 0) | flags
  }

  #isClick(row: number): boolean {
    return ((this.#deliveries.ints[row * this.#deliveries.stride + FLAGS] ?? 0) & IS_CLICK) !== 0
  }
}

function expectedLines(settings: TrafficSettings, clickRatio: number): Expected {
  const { duplicates, orphans, repeats, late, malformed } = settings
  const linesPerImpression = (1 + clickRatio) / (1 - (duplicates + orphans + repeats + late + malformed))
  return {
    duplicates: duplicates * linesPerImpression,
    orphans: orphans * linesPerImpression,
    late: late * linesPerImpression,
    malformed: malformed * linesPerImpression,
    repeatsPerClick: clickRatio === 0 ? 0 : (repeats * linesPerImpression) / clickRatio,
  }
}
