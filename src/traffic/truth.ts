/**
 * The tables and the ledger that SEMANTICS demands of a simulated log, found while it is written.
 *
 * U1  It knows what the traffic meant and sees each line as it is written; it neither reads bytes nor shares code with
 *     the engine or the recount.
 * U2  Every line written is counted in exactly one class once the log is finished.
 * U3  What it keeps is the cells, the ledger and the stories in progress: nothing for each event.
 */
import { cellRowFormatter, formatLedgerRow, type TextRow, type TextTables } from '../pipeline/table-text.ts'
import type { CellChanges } from '../pipeline/cells.ts'
import { EVENT_CLASSES, STREAM_NAMES, summedFields } from '../pipeline/plan.ts'
import type { EventClass, Plan, StreamName, TablePlan } from '../pipeline/plan.ts'
import { CellBlock, CLICKS, CLICKS_BY_CLICK_TIME, FIRST_SUM, IMPRESSIONS } from './cell-block.ts'
import { Combinations } from './combinations.ts'
import { CLICK_NUMBER, CODES, STORY, type Deliveries } from './deliveries.ts'
import type { TrafficLayout } from './layout.ts'
import { OpenStories, type Story, type StoryCounts } from './stories.ts'
import { ledgerIndex, Tallies, type WindowTally } from './tallies.ts'

/** Events read and their classes, by stream. */
export interface TruthTotals {
  readonly read: Readonly<Record<StreamName, number>>
  readonly ledger: Readonly<Record<StreamName, Readonly<Partial<Record<EventClass, number>>>>>
}

interface SummedSlot {
  readonly offset: number
  readonly micros: Float64Array
}

const IMPRESSION_COUNTED = ledgerIndex('impressions', 'counted')
const IMPRESSION_DUPLICATE = ledgerIndex('impressions', 'duplicate')
const IMPRESSION_LATE = ledgerIndex('impressions', 'late')
const CLICK_DUPLICATE = ledgerIndex('clicks', 'duplicate')
const CLICK_LATE = ledgerIndex('clicks', 'late')
const CLICK_ORPHAN = ledgerIndex('clicks', 'orphan')

export class Truth {
  readonly #plan: Plan
  readonly #deliveries: Deliveries
  readonly #combinations: Combinations
  readonly #tallies: Tallies
  readonly #stories = new OpenStories()
  readonly #summed: readonly SummedSlot[]
  readonly #reachMs: number
  readonly #counts: StoryCounts

  constructor(plan: Plan, layout: TrafficLayout, deliveries: Deliveries) {
    this.#plan = plan
    this.#deliveries = deliveries
    this.#combinations = new Combinations(plan, layout)
    this.#tallies = new Tallies(plan)
    this.#reachMs = plan.parameters.attributionWindowMs + plan.parameters.allowedLatenessMs
    this.#summed = summedFields(plan).map((field) => {
      const slot = layout.moneyNames.indexOf(field)
      return { offset: CODES + layout.texts.length + slot, micros: layout.moneys[slot]?.micros ?? new Float64Array(0) }
    })
    this.#counts = {
      click: (eventClass, timeMs) => this.#tallies.count(timeMs, ledgerIndex('clicks', eventClass)),
      attribute: (clickTimeMs, impressionTimeMs, cell) => this.#attribute(clickTimeMs, impressionTimeMs, cell),
    }
  }

  /** Stories of which more is to come. */
  get openStories(): number {
    return this.#stories.count
  }

  /** Begins a story; its number goes into the rows of its deliveries. */
  openStory(): number {
    return this.#stories.open()
  }

  /** Says that the delivery in `row` is to come. */
  expect(row: number): void {
    const story = this.#storyOf(row)
    if (story !== undefined) story.awaited++
  }

  /** Counts the impression in `row`, which was written just now. */
  impression(row: number, isLate: boolean): void {
    const timeMs = this.#deliveries.timesMs[row] ?? 0
    if (isLate) this.#tallies.count(timeMs, IMPRESSION_LATE)
    else this.#countImpression(row, timeMs)
    this.#delivered(row)
  }

  #countImpression(row: number, timeMs: number): void {
    const combination = this.#combinations.of(this.#deliveries, row)
    if (this.#storyOf(row)?.acceptImpression(timeMs, combination, this.#reachMs) === false) {
      this.#tallies.count(timeMs, IMPRESSION_DUPLICATE)
      return
    }
    this.#tallies.count(timeMs, IMPRESSION_COUNTED)
    const cells = this.#tallies.windowAt(timeMs).cells
    const cell = cells.cellOf(combination)
    cells.add(cell, IMPRESSIONS, 1)
    const first = row * this.#deliveries.stride
    for (let i = 0; i < this.#summed.length; i++) {
      const sum = this.#summed[i]
      if (sum === undefined) continue
      const code = this.#deliveries.ints[first + sum.offset] ?? 0
      cells.add(cell, FIRST_SUM + i, sum.micros[code] ?? 0)
    }
  }

  /** Counts the click in `row`, which was written just now. */
  click(row: number, isLate: boolean): void {
    const timeMs = this.#deliveries.timesMs[row] ?? 0
    const number = this.#deliveries.ints[row * this.#deliveries.stride + CLICK_NUMBER] ?? 0
    const story = this.#storyOf(row)
    if (isLate) this.#tallies.count(timeMs, CLICK_LATE)
    else if (story === undefined) this.#tallies.count(timeMs, CLICK_ORPHAN)
    else if (!story.acceptClick(number, timeMs, this.#reachMs)) this.#tallies.count(timeMs, CLICK_DUPLICATE)
    this.#delivered(row)
  }

  /** Counts a malformed line, read when the highest event time of its partition was `highestMs`. */
  malformed(stream: StreamName, highestMs: number): void {
    this.#tallies.count(highestMs === -Infinity ? 0 : highestMs, ledgerIndex(stream, 'malformed'))
  }

  /** Settles what is still open: nothing more will be written. */
  finish(): void {
    for (const story of this.#stories.drain()) story.settle(this.#plan.parameters, this.#counts)
  }

  /** Rows of one table of the plan, in the order of its key. Call it after {@link finish}. */
  *rows(table: TablePlan): Generator<TextRow> {
    const format = cellRowFormatter(this.#plan, table)
    for (const window of this.#tallies.inOrder()) {
      const changes = this.#changesOf(table, window)
      for (let row = 0; row < changes.count; row++) yield format(changes, row)
    }
  }

  /** Rows of the ledger, in the order of its key. Call it after {@link finish}. */
  *ledgerRows(): Generator<TextRow> {
    for (const { startMs, ledger } of this.#tallies.inOrder()) {
      for (const stream of STREAM_NAMES.toSorted()) {
        for (const eventClass of EVENT_CLASSES.toSorted()) {
          const events = ledger[ledgerIndex(stream, eventClass)] ?? 0
          const row = {
            count: 1,
            windowStartMs: [startMs],
            stream: [stream],
            eventClass: [eventClass],
            events: [events],
          }
          if (events > 0) yield formatLedgerRow(row, 0)
        }
      }
    }
  }

  /** All tables at once, for comparison. Call it after {@link finish}. */
  tables(): TextTables {
    const tables = new Map<string, readonly TextRow[]>()
    for (const table of this.#plan.tables) tables.set(table.name, [...this.rows(table)])
    return tables.set(this.#plan.ledger.name, [...this.ledgerRows()])
  }

  /** Sums over the whole log. */
  totals(): TruthTotals {
    const read = { impressions: 0, clicks: 0 }
    const ledger: Record<StreamName, Partial<Record<EventClass, number>>> = { impressions: {}, clicks: {} }
    const windows = this.#tallies.inOrder()
    for (const stream of STREAM_NAMES) {
      for (const eventClass of EVENT_CLASSES) {
        const index = ledgerIndex(stream, eventClass)
        const events = windows.reduce((sum, window) => sum + (window.ledger[index] ?? 0), 0)
        ledger[stream][eventClass] = events
        read[stream] += events
      }
    }
    return { read, ledger }
  }

  #storyOf(row: number): Story | undefined {
    return this.#stories.get(this.#deliveries.ints[row * this.#deliveries.stride + STORY] ?? 0)
  }

  #delivered(row: number): void {
    const number = this.#deliveries.ints[row * this.#deliveries.stride + STORY] ?? 0
    const story = this.#stories.get(number)
    if (story === undefined) return
    story.awaited--
    if (story.awaited > 0) return
    story.settle(this.#plan.parameters, this.#counts)
    this.#stories.close(number)
  }

  #attribute(clickTimeMs: number, impressionTimeMs: number, combination: number): void {
    const byImpression = this.#tallies.windowAt(impressionTimeMs).cells
    byImpression.add(byImpression.cellOf(combination), CLICKS, 1)
    const byClick = this.#tallies.windowAt(clickTimeMs).cells
    byClick.add(byClick.cellOf(combination), CLICKS_BY_CLICK_TIME, 1)
  }

  #changesOf(table: TablePlan, window: WindowTally): CellChanges {
    const projection = this.#combinations.projection(table.dimensions)
    const sums = addUp(window.cells, (combination) => projection.keyOf(combination), table.axis)
    const cells = Array.from({ length: sums.count }, (_, cell) => cell).toSorted(
      (a, b) => sums.keyOf(a) - sums.keyOf(b),
    )
    const column = (offset: number): number[] => cells.map((cell) => sums.at(cell, offset))
    const texts = cells.map((cell) => projection.textsOf(sums.keyOf(cell)))
    return {
      rollUp: table.name,
      count: cells.length,
      windowStartMs: cells.map(() => window.startMs),
      dimensions: table.dimensions.map((_, index) => texts.map((row) => row[index] ?? '')),
      impressions: column(IMPRESSIONS),
      clicks: column(CLICKS),
      sumsMicros: this.#summed.map((_, index) => column(FIRST_SUM + index).map(BigInt)),
      isFinal: cells.map(() => true),
      removed: cells.map(() => false),
    }
  }
}

/** Cells added up by `keyOf`, as one axis sees them; cells that the axis does not have are left out. */
function addUp(cells: CellBlock, keyOf: (combination: number) => number, axis: TablePlan['axis']): CellBlock {
  const sums = new CellBlock(cells.stride - FIRST_SUM)
  for (let cell = 0; cell < cells.count; cell++) {
    if (cells.at(cell, axis === 'click' ? CLICKS_BY_CLICK_TIME : IMPRESSIONS) === 0) continue
    const sum = sums.cellOf(keyOf(cells.keyOf(cell)))
    if (axis === 'click') sums.add(sum, CLICKS, cells.at(cell, CLICKS_BY_CLICK_TIME))
    else for (let offset = 0; offset < cells.stride; offset++) sums.add(sum, offset, cells.at(cell, offset))
  }
  return sums
}
