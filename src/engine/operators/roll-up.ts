/**
 * Roll-up: adds counted impressions and clicks to the cells of their windows, split by all dimensions at once.
 *
 * What is added here are differences: `finalise.ts` takes them over into the cells of each roll-up and empties this
 * state. So an event costs one cell, however many tables the plan has.
 *
 * U1  An impression is added once, when it is accepted, in the window of its event time.
 * U2  A click is added on both axes or on neither (J3 of `attribute.ts`).
 * U3  A combination is forgotten only when no remembered impression and no waiting difference carries it.
 */
import { windowStartOf } from '../../time/window.ts'
import type { EventBatch } from '../event-batch.ts'
import type { CellBlock } from '../state/cell-block.ts'
import type { ImpressionGranule } from '../state/impression-granule.ts'
import { KeyTable } from '../state/key-table.ts'
import { Windows } from '../state/windows.ts'
import type { Deduplicate } from './deduplicate.ts'

export class RollUpState {
  /** Combinations of all dimensions of the plan. */
  readonly combinations: KeyTable
  /** Differences by impression minute and by click minute. */
  readonly byImpression: Windows
  readonly byClick: Windows
  readonly #windowSizeMs: number

  constructor(options: { windowSizeMs: number; dimensionCount: number; sumCount: number }) {
    this.#windowSizeMs = options.windowSizeMs
    this.combinations = new KeyTable(options.dimensionCount)
    this.byImpression = new Windows(options.sumCount)
    this.byClick = new Windows(options.sumCount)
  }

  /** Adds the new impressions that `impressions.run` has just accepted and notes their combinations. */
  addImpressions(batch: EventBatch, impressions: Deduplicate<ImpressionGranule>, count: number): void {
    const { fresh, freshGranule, freshRow } = impressions
    const { combinations } = this
    const { dimensions, timeMs, sumsMicros } = batch
    const windowSizeMs = this.#windowSizeMs
    combinations.locate(dimensions, fresh, count)
    let block: CellBlock | undefined
    let startMs = Infinity
    for (let j = 0; j < count; j++) {
      const source = fresh[j] as number
      const t = timeMs[source] as number
      const combination = combinations.numberAt(dimensions, source, j)
      ;(freshGranule[j] as ImpressionGranule).combination[freshRow[j] as number] = combination
      if (block === undefined || t < startMs || t >= startMs + windowSizeMs) {
        startMs = windowStartOf(t, windowSizeMs)
        block = this.byImpression.at(startMs)
      }
      const cell = block.cellOf(combination)
      block.impressions[cell] = (block.impressions[cell] as number) + 1
      for (let sum = 0; sum < sumsMicros.length; sum++)
        block.addSum(cell, sum, (sumsMicros[sum] as Float64Array)[source] as number)
    }
  }

  /** Adds `clicks` (1 or −1) at the minute of an impression at `impressionTimeMs`. */
  addClickOfImpression(impressionTimeMs: number, combination: number, clicks: number): void {
    addTo(this.byImpression, windowStartOf(impressionTimeMs, this.#windowSizeMs), combination, clicks)
  }

  /** Adds `clicks` (1 or −1) at the minute of a click at `clickTimeMs`. */
  addClick(clickTimeMs: number, combination: number, clicks: number): void {
    addTo(this.byClick, windowStartOf(clickTimeMs, this.#windowSizeMs), combination, clicks)
  }

  /** Forgets combinations that neither a remembered impression nor a waiting difference uses. */
  sweep(remembered: Iterable<ImpressionGranule>): void {
    const used = new Uint8Array(this.combinations.end)
    for (const granule of remembered)
      for (let row = 0; row < granule.count; row++) used[granule.combination[row] as number] = 1
    for (const block of [...this.byImpression.sorted(), ...this.byClick.sorted()])
      for (let cell = 0; cell < block.end; cell++) if (block.isUsed(cell)) used[block.keyOf(cell)] = 1
    this.combinations.retain((number) => used[number] === 1)
  }
}

function addTo(windows: Windows, startMs: number, combination: number, clicks: number): void {
  const block = windows.at(startMs)
  const cell = block.cellOf(combination)
  block.clicks[cell] = (block.clicks[cell] as number) + clicks
}
