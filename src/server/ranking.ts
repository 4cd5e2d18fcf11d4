/**
 * Which members are shown, in which order and in which colour.
 *
 * R1  Ranks are taken anew only when the range moves on or a member comes or goes: rows do not swap places every
 *     second.
 * R2  A member on a chart keeps its place there until another has 5 % more, and keeps its colour as long as it is
 *     shown.
 * R3  A chart shows nobody with less than 1 % of all, but always the largest: a layer too thin to see explains nothing.
 * R4  Equal members are ordered by name, so that the same cells always give the same page.
 */
import { compareUtf8 } from '../pipeline/table-text.ts'
import type { ChartMember } from './page-data.ts'
import type { SeriesStore } from './series-store.ts'

/** How much more a member must have to push a shown one off a chart. */
const STAY_FACTOR = 1.05
/** Least part of all that a member on a chart has (R3). */
const MIN_CHART_SHARE = 0.01

export class Ranking {
  readonly #store: SeriesStore
  readonly #chartLimit: number
  #key = ''
  #names: readonly string[] = []
  #shown: readonly ChartMember[] = []

  constructor(store: SeriesStore, chartLimit: number) {
    this.#store = store
    this.#chartLimit = chartLimit
  }

  /** All members, the largest first. */
  get names(): readonly string[] {
    return this.#names
  }

  /** Members on charts, the largest first. */
  get shown(): readonly ChartMember[] {
    return this.#shown
  }

  /** Brings the ranks up to date with the windows from `first` up to, but not including, `end`. */
  refresh(first: number, end: number): void {
    const key = `${end} ${this.#store.version}`
    if (key === this.#key) return
    this.#key = key
    const weights = new Map([...this.#store.names()].map((name) => [name, this.#store.impressions(name, first, end)]))
    this.#names = orderedBy(weights, () => 1)
    this.#shown = this.#chooseShown(weights)
  }

  #chooseShown(weights: ReadonlyMap<string, number>): readonly ChartMember[] {
    const slots = new Map(this.#shown.map(({ name, slot }) => [name, slot]))
    const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
    const ranked = orderedBy(weights, (name) => (slots.has(name) ? STAY_FACTOR : 1))
    const large = ranked.filter((name, rank) => rank === 0 || (weights.get(name) ?? 0) >= total * MIN_CHART_SHARE)
    const chosen = new Set(large.slice(0, this.#chartLimit))
    const taken = new Set([...slots].flatMap(([name, slot]) => (chosen.has(name) ? [slot] : [])))
    const free = Array.from({ length: this.#chartLimit }, (_, slot) => slot).filter((slot) => !taken.has(slot))
    return this.#names
      .filter((name) => chosen.has(name))
      .map((name) => ({ name, slot: slots.get(name) ?? free.shift() ?? 0 }))
  }
}

function orderedBy(weights: ReadonlyMap<string, number>, factor: (name: string) => number): readonly string[] {
  return [...weights]
    .map(([name, weight]) => ({ name, weight: weight * factor(name) }))
    .toSorted((a, b) => b.weight - a.weight || compareUtf8(a.name, b.name))
    .map(({ name }) => name)
}
