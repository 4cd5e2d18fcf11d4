/**
 * Roll-up: adds counted impressions and clicks to the cells of their windows, split by all dimensions at once.
 *
 * What is added here are differences: `finalise.ts` takes them over into the cells of each roll-up and empties this
 * state. So an event costs one cell, however many tables the plan has.
 *
 * U1  An impression is added once, when it is accepted, in the window of its event time.
 * U2  A click is added on both axes or on neither (J3 of `attribute.ts`).
 * U3  A combination's `lastUseMs` is at least the event time of every impression that carries it.
 */
import { windowStartOf } from '../../time/window.ts'
import type { EventBatch } from '../event-batch.ts'
import { CLICKS, IMPRESSIONS, cellWidth } from '../state/cell-block.ts'
import type { ImpressionGranule } from '../state/impression-granule.ts'
import { KeyTable, tupleHashes } from '../state/key-table.ts'
import { Windows } from '../state/windows.ts'
import type { Deduplicate } from './deduplicate.ts'

export class RollUpState {
  /** Combinations of all dimensions of the plan. */
  readonly combinations: KeyTable
  /** Differences by impression minute and by click minute. */
  readonly byImpression: Windows
  readonly byClick: Windows
  /** Latest event time of an impression with each combination (U3). */
  lastUseMs: Float64Array
  readonly #windowSizeMs: number
  readonly #sumCount: number
  #tupleHashes = new Int32Array(0)

  constructor(options: { windowSizeMs: number; dimensionCount: number; sumCount: number }) {
    this.#windowSizeMs = options.windowSizeMs
    this.#sumCount = options.sumCount
    this.combinations = new KeyTable(options.dimensionCount)
    this.byImpression = new Windows(cellWidth(options.sumCount))
    this.byClick = new Windows(cellWidth(options.sumCount))
    this.lastUseMs = new Float64Array(this.combinations.capacity).fill(-Infinity)
  }

  /** Adds the new impressions that `impressions.run` has just accepted and notes their combinations. */
  addImpressions(batch: EventBatch, impressions: Deduplicate<ImpressionGranule>, count: number): void {
    const { fresh, freshGranule, freshRow } = impressions
    if (this.#tupleHashes.length < count) this.#tupleHashes = new Int32Array(batch.capacity)
    const hashes = this.#tupleHashes
    tupleHashes(batch.dimensions, fresh, count, hashes)
    const width = cellWidth(this.#sumCount)
    const { combinations } = this
    const { dimensions, timeMs, sumsMicros } = batch
    for (let j = 0; j < count; j++) {
      const source = fresh[j] as number
      const t = timeMs[source] as number
      const combination = combinations.numberOf(dimensions, source, hashes[j] as number)
      if (combination >= this.lastUseMs.length) this.#growLastUse()
      if (t > (this.lastUseMs[combination] as number)) this.lastUseMs[combination] = t
      ;(freshGranule[j] as ImpressionGranule).combination[freshRow[j] as number] = combination
      const block = this.byImpression.at(windowStartOf(t, this.#windowSizeMs))
      const cell = block.touch(combination)
      const at = cell * width + IMPRESSIONS
      block.values[at] = (block.values[at] as number) + 1
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

  /** Forgets combinations that neither a live impression nor a waiting difference uses. */
  sweep(forgetBeforeMs: number): void {
    const used = new Set<number>()
    for (const block of [...this.byImpression.sorted(), ...this.byClick.sorted()])
      for (let cell = 0; cell < block.count; cell++) used.add(block.keys[cell] as number)
    this.combinations.retain((number) => {
      const keep = used.has(number) || (this.lastUseMs[number] as number) >= forgetBeforeMs
      if (!keep) this.lastUseMs[number] = -Infinity
      return keep
    })
  }

  #growLastUse(): void {
    const larger = new Float64Array(this.combinations.capacity).fill(-Infinity)
    larger.set(this.lastUseMs)
    this.lastUseMs = larger
  }
}

function addTo(windows: Windows, startMs: number, combination: number, clicks: number): void {
  const block = windows.at(startMs)
  const at = block.touch(combination) * block.width + CLICKS
  block.values[at] = (block.values[at] as number) + clicks
}
