/**
 * What the page shows, kept in memory from the engine's change sets: twice the page's range and a little more.
 *
 * L1  Totals are exact whatever the members are: they come from the roll-ups without dimensions.
 * L2  Memory is bounded: at most `maxMembers` members of a dimension are kept, the rest shows as "others".
 * L3  What is shown is a function of the change sets and of the two times given to `advance`; no clock is read.
 * L4  The range ends with the newest window that has anything, but not beyond the wall clock's window, and not before
 *     the watermark's: one event from the future does not push the last hour off the page, and silence moves it on.
 * L5  The memory ends `AHEAD_MS` after both at most. What is told of later windows waits for them (S5 of
 *     `series-store.ts`), however far ahead the pipeline lets events be.
 */
import type { CellChanges, ChangeSet } from '../pipeline/cells.ts'
import { planPage, type BoardPlan, type ChartPlan, type PagePlan } from '../pipeline/page.ts'
import type { Plan } from '../pipeline/plan.ts'
import { MINUTE_MS } from '../time/units.ts'
import type { Amounts } from './held-cells.ts'
import type { BoardData, BoardRow, ChartData, PageData, PeriodValues, Quantity, Values } from './page-data.ts'
import { Ranking } from './ranking.ts'
import { SeriesStore } from './series-store.ts'

/** How many members a chart shows by name. */
const CHART_MEMBERS = 5
/** How many rows a board has. */
const BOARD_ROWS = 10
/** Rows after these must have at least a thousandth of all, or they are among the others. */
const FIRST_BOARD_ROWS = 6
/** How far the memory reaches beyond the range, so that clocks may be a little fast. */
const AHEAD_MS = 10 * MINUTE_MS
/** Cells kept for each dimension, as members times windows. */
const CELL_BUDGET = 260_000

export interface LiveViewOptions {
  /** Members kept for each dimension; by default as many as the budget allows. */
  readonly maxMembers?: number
  /** How far back the page looks; the plan's page says it unless given. */
  readonly rangeMs?: number
}

/** The page's roll-ups over the last hours, and what is shown of them. */
export class LiveView {
  readonly page: PagePlan
  readonly #rangeWindows: number
  readonly #aheadWindows: number
  readonly #memoryWindows: number
  readonly #stores: ReadonlyMap<string, SeriesStore>
  readonly #rankings: ReadonlyMap<string, Ranking>
  /** Last window of the memory. */
  #newest = -Infinity
  /** Last window that anything was told of. */
  #newestTold = -Infinity
  #earliest = Infinity
  #finalUpToMs = 0
  #nowWindow = Infinity
  #watermarkWindow = -Infinity

  constructor(plan: Plan, options: LiveViewOptions = {}) {
    this.page = planPage(plan, options.rangeMs)
    this.#rangeWindows = this.page.rangeMs / this.page.windowSizeMs
    this.#aheadWindows = Math.ceil(AHEAD_MS / this.page.windowSizeMs)
    this.#memoryWindows = 2 * this.#rangeWindows + 2 + this.#aheadWindows
    const memberLimit = options.maxMembers ?? Math.max(100, Math.floor(CELL_BUDGET / this.#memoryWindows))
    const shape = { sumCount: this.page.quantityCount - 2, windowCount: this.#memoryWindows, memberLimit }
    this.#stores = new Map(this.page.rollUps.map(({ name }) => [name, new SeriesStore(shape)]))
    const ranked = [...this.page.boards, ...this.page.charts].map(({ rollUp }) => rollUp)
    this.#rankings = new Map(ranked.map((rollUp) => [rollUp, new Ranking(this.#store(rollUp), CHART_MEMBERS)]))
  }

  /** Takes in what changed. Roll-ups that are not the page's are passed over. */
  apply(changes: ChangeSet): void {
    const own = changes.cells.filter(({ rollUp }) => this.#stores.has(rollUp))
    for (const cells of own) this.#moveOn(cells)
    for (const cells of own) this.#setCells(this.#store(cells.rollUp), cells)
  }

  /** Says what time it is: the wall clock, and the pipeline's watermark (null before there is one). */
  advance(nowMs: number, watermarkMs: number | null): void {
    const { windowSizeMs, finalAfterMs } = this.page
    this.#nowWindow = Math.floor(nowMs / windowSizeMs)
    if (watermarkMs !== null && Number.isFinite(watermarkMs)) {
      this.#watermarkWindow = Math.floor(watermarkMs / windowSizeMs)
      const finalWindow = Math.floor((watermarkMs - finalAfterMs) / windowSizeMs)
      this.#finalUpToMs = Math.max(this.#finalUpToMs, finalWindow * windowSizeMs)
    }
    this.#moveMemory()
  }

  /** What the page shows now. Plain data, made anew each time. */
  snapshot(): PageData {
    const { windowSizeMs, totalRollUp, charts, boards } = this.page
    const end = this.#end()
    const first = end - this.#rangeWindows
    for (const ranking of this.#rankings.values()) ranking.refresh(first, end)
    const range = { startMs: first * windowSizeMs, endMs: end * windowSizeMs, finalUpToMs: this.#finalUpToMs }
    const totals = this.#store(totalRollUp)
    const rows = this.#rows(first, end, (window) => {
      const amounts = totals.sum('', window, window + 1)
      return isZero(amounts) ? undefined : toValues(amounts)
    })
    return {
      range: end === 0 ? { startMs: 0, endMs: 0, finalUpToMs: 0 } : range,
      totals: { ...this.#period(totals, '', end), rows },
      charts: Object.fromEntries(charts.map((chart) => [chart.id, this.#chart(chart, first, end)])),
      boards: Object.fromEntries(boards.map((board) => [board.dimension.name, this.#board(board, end)])),
    }
  }

  /** Number of the window after the last one shown; 0 while there is nothing. */
  #end(): number {
    if (this.#newest === -Infinity) return 0
    return Math.max(this.#watermarkWindow, Math.min(this.#newest, this.#nowWindow)) + 1
  }

  #store(rollUp: string): SeriesStore {
    const store = this.#stores.get(rollUp)
    if (store === undefined) throw new RangeError(`the page has no roll-up "${rollUp}"`)
    return store
  }

  #moveOn(cells: CellChanges): void {
    const { windowSizeMs, totalRollUp } = this.page
    let newestMs = -Infinity
    for (let row = 0; row < cells.count; row++) {
      const startMs = cells.windowStartMs[row] ?? 0
      newestMs = Math.max(newestMs, startMs)
      if (cells.rollUp !== totalRollUp) continue
      this.#earliest = Math.min(this.#earliest, startMs / windowSizeMs)
      if (cells.isFinal[row] === true) this.#finalUpToMs = Math.max(this.#finalUpToMs, startMs + windowSizeMs)
    }
    this.#newestTold = Math.max(this.#newestTold, newestMs / windowSizeMs)
    this.#moveMemory()
  }

  #moveMemory(): void {
    if (this.#newestTold === -Infinity) return
    const limit = Math.max(this.#nowWindow, this.#watermarkWindow) + this.#aheadWindows
    const newest = Math.max(this.#watermarkWindow, Math.min(this.#newestTold, limit))
    if (newest <= this.#newest) return
    this.#newest = newest
    for (const store of this.#stores.values()) store.advance(newest)
  }

  #setCells(store: SeriesStore, cells: CellChanges): void {
    const names = cells.dimensions[0]
    for (let row = 0; row < cells.count; row++) {
      const window = (cells.windowStartMs[row] ?? 0) / this.page.windowSizeMs
      const isRemoved = cells.removed[row] === true
      const sums = cells.sumsMicros.map((column) => (isRemoved ? 0n : (column[row] ?? 0n)))
      const impressions = isRemoved ? 0 : (cells.impressions[row] ?? 0)
      store.set(names?.[row] ?? '', window, [impressions, isRemoved ? 0 : (cells.clicks[row] ?? 0), ...sums])
    }
  }

  #period(store: SeriesStore, name: string, end: number): PeriodValues {
    const length = this.#rangeWindows
    const last = toValues(store.sum(name, end - length, end))
    const beforeStart = end - 1 - 2 * length
    // The first window ever seen may have begun before we did: it is not taken for a whole one.
    if (this.#earliest >= beforeStart || beforeStart <= this.#newest - this.#memoryWindows) return { last }
    return {
      last,
      complete: toValues(store.sum(name, end - 1 - length, end - 1)),
      before: toValues(store.sum(name, beforeStart, end - 1 - length)),
    }
  }

  #chart(chart: ChartPlan, first: number, end: number): ChartData {
    const store = this.#store(chart.rollUp)
    const total = this.#store(chart.totalRollUp)
    const members = this.#shown(chart)
    const named = (from: number, to: number): Amounts[] => members.map(({ name }) => store.sum(name, from, to))
    const hasOthers = !isZero(minus(total.sum('', first, end), named(first, end)))
    const rows = this.#rows(first, end, (window) => {
      const all = total.sum('', window, window + 1)
      if (isZero(all)) return undefined
      const shown = named(window, window + 1)
      return [...shown, ...(hasOthers ? [minus(all, shown)] : [])].map(toValues)
    })
    return { members, hasOthers, rows }
  }

  // Charts of one dimension show the same members in the same colours, also on the click axis.
  #shown(chart: ChartPlan): ChartData['members'] {
    const board = this.page.boards.find(({ dimension }) => dimension.name === chart.dimension?.name)
    return this.#rankings.get(board?.rollUp ?? chart.rollUp)?.shown ?? []
  }

  #rows<Row>(first: number, end: number, row: (window: number) => Row | undefined): Record<string, Row> {
    const rows: Record<string, Row> = {}
    for (let window = first; window < end; window++) {
      const value = row(window)
      if (value !== undefined) rows[window * this.page.windowSizeMs] = value
    }
    return rows
  }

  #board(board: BoardPlan, end: number): BoardData {
    const store = this.#store(board.rollUp)
    const ranking = this.#rankings.get(board.rollUp)
    const names = this.#boardNames(store, ranking?.names ?? [], end)
    const slots = new Map(ranking?.shown.map(({ name, slot }) => [name, slot]))
    const rows = names.map((name) => this.#boardRow(store, name, slots.get(name), end))
    const counts = { memberCount: store.memberCount, isCapped: store.isCapped }
    if (store.memberCount <= rows.length && !store.isCapped) return { rows, ...counts }
    const first = end - this.#rangeWindows
    const named = names.map((name) => store.sum(name, first, end))
    return { rows, ...counts, others: toValues(minus(this.#store(this.page.totalRollUp).sum('', first, end), named)) }
  }

  #boardNames(store: SeriesStore, ranked: readonly string[], end: number): readonly string[] {
    const first = end - this.#rangeWindows
    const least = Number(this.#store(this.page.totalRollUp).sum('', first, end)[0]) / 1_000
    const isLarge = (name: string): boolean => store.impressions(name, first, end) >= least
    return ranked.slice(0, BOARD_ROWS).filter((name, rank) => rank < FIRST_BOARD_ROWS || isLarge(name))
  }

  #boardRow(store: SeriesStore, name: string, slot: number | undefined, end: number): BoardRow {
    const period = this.#period(store, name, end)
    const isAtLeast = store.isAtLeast(name, end - this.#rangeWindows)
    return { name, ...period, ...(slot === undefined ? {} : { slot }), ...(isAtLeast ? { isAtLeast } : {}) }
  }
}

function isZero(amounts: Amounts): boolean {
  return amounts.every((amount) => Number(amount) === 0)
}

function minus(all: Amounts, parts: readonly Amounts[]): Amounts {
  return all.map((amount, index) =>
    typeof amount === 'bigint'
      ? parts.reduce((rest, part) => rest - BigInt(part[index] ?? 0n), amount)
      : parts.reduce((rest, part) => rest - Number(part[index] ?? 0), amount),
  )
}

function toValues(amounts: Amounts): Values {
  return amounts.map((amount): Quantity => {
    const number = Number(amount)
    return Number.isSafeInteger(number) ? number : amount.toString()
  })
}
