/**
 * The cells of one window: for each combination of dimension values a few numbers, side by side in one typed array.
 *
 * As objects, the million cells of an hour of busy traffic took longer to make and to collect than all its lines.
 */

/** Places of the numbers of a cell; the sums, in millionths, follow. All are whole and below 2^53. */
export const IMPRESSIONS = 0
export const CLICKS = 1
/** Counted clicks that happened in this window, whenever their impression did. */
export const CLICKS_BY_CLICK_TIME = 2
export const FIRST_SUM = 3

const FIRST_CAPACITY = 16

export class CellBlock {
  /** Numbers of a cell. */
  readonly stride: number
  /** Combination (or another key) to the place of its first number in {@link values}. */
  readonly places: Map<number, number> = new Map()
  /** Replaced when it grows. */
  values: Float64Array

  constructor(sumCount: number) {
    this.stride = FIRST_SUM + sumCount
    this.values = new Float64Array(this.stride * FIRST_CAPACITY)
  }

  /** Where the numbers of `key` begin; the cell is made, all zero, if missing. */
  placeOf(key: number): number {
    const known = this.places.get(key)
    if (known !== undefined) return known
    const place = this.places.size * this.stride
    this.places.set(key, place)
    if (place === this.values.length) {
      const values = new Float64Array(this.values.length * 2)
      values.set(this.values)
      this.values = values
    }
    return place
  }

  /** Adds to one number of a cell. */
  add(place: number, offset: number, amount: number): void {
    this.values[place + offset] = (this.values[place + offset] ?? 0) + amount
  }

  /** One number of a cell. */
  at(place: number, offset: number): number {
    return this.values[place + offset] ?? 0
  }
}
