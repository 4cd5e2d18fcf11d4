/**
 * Combinations of dimension values as numbers (`tallies.ts`, A2), and the way back to texts.
 */
import { TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { compareUtf8 } from '../pipeline/table-text.ts'
import { CODES, type Deliveries } from './deliveries.ts'
import type { TrafficLayout } from './layout.ts'

interface Digit {
  readonly dimension: string
  readonly slot: number
  /** Code of a value to the rank of the text it counts as. */
  readonly ranks: Int32Array
  /** Texts by rank. */
  readonly texts: readonly string[]
}

/** Reads and makes combinations of all dimensions that the tables of a plan have. */
export class Combinations {
  readonly #digits: readonly Digit[]

  /** Throws `STATE_LIMIT` when the dimensions have more combinations than a double can count. */
  constructor(plan: Plan, layout: TrafficLayout) {
    const used = new Set(plan.tables.flatMap((table) => table.dimensions))
    const dimensions = plan.dimensions.filter(({ name }) => used.has(name))
    this.#digits = dimensions.map(({ name, field, missing }) => {
      const slot = layout.textNames.indexOf(field)
      const countedAs = (layout.texts[slot]?.texts ?? []).map((text) => (text === '' ? missing : text))
      const texts = [...new Set(countedAs)].toSorted(compareUtf8)
      const rankOf = new Map(texts.map((text, rank) => [text, rank]))
      return { dimension: name, slot, ranks: Int32Array.from(countedAs, (text) => rankOf.get(text) ?? 0), texts }
    })
    const count = this.#digits.reduce((product, digit) => product * digit.texts.length, 1)
    if (count > Number.MAX_SAFE_INTEGER)
      throw new TidemarkError(
        'STATE_LIMIT',
        `The tables' dimensions have ${count} combinations in simulated traffic (allowed: up to 2^53).`,
        { fix: 'Use fewer dimensions, or fewer users, ads or campaigns, or no hostile names.' },
      )
  }

  /** The combination of the impression in `row`. */
  of(deliveries: Deliveries, row: number): number {
    const first = row * deliveries.stride + CODES
    let combination = 0
    for (const digit of this.#digits) {
      const code = deliveries.ints[first + digit.slot] ?? 0
      combination = combination * digit.texts.length + (digit.ranks[code] ?? 0)
    }
    return combination
  }

  /** What is left of combinations when only `dimensions` count, in that order. */
  projection(dimensions: readonly string[]): Projection {
    return new Projection(this.#digits, dimensions)
  }
}

/** Combinations of some dimensions of all, in an order of their own. */
class Projection {
  readonly #digits: readonly { readonly divisor: number; readonly texts: readonly string[] }[]

  constructor(all: readonly Digit[], dimensions: readonly string[]) {
    this.#digits = dimensions.map((name) => {
      const index = all.findIndex((digit) => digit.dimension === name)
      const divisor = all.slice(index + 1).reduce((product, digit) => product * digit.texts.length, 1)
      return { divisor, texts: all[index]?.texts ?? [''] }
    })
  }

  /** The part of `combination` that counts. Keys of a projection are ordered as numbers (A2). */
  keyOf(combination: number): number {
    let key = 0
    for (const { divisor, texts } of this.#digits)
      key = key * texts.length + (Math.floor(combination / divisor) % texts.length)
    return key
  }

  /** The texts of a key, in the order of the dimensions. */
  textsOf(key: number): string[] {
    let rest = key
    return this.#digits
      .toReversed()
      .map(({ texts }) => {
        const text = texts[rest % texts.length] ?? ''
        rest = Math.floor(rest / texts.length)
        return text
      })
      .toReversed()
  }
}
