/**
 * One chart as numbers: the windows of the range and a value of each member in each of them.
 */
import type { ChartPlan, PageMeasure, PagePlan } from '../../../src/pipeline/page.ts'
import type { ChartData, RangeData, Values } from '../../../src/server/page-data.ts'
import { hasFew, measureNumber } from './measures.ts'

/** Members a chart can show by name, plus one entry for the others. */
export const SERIES_COUNT = 6
/** The slot of "others". */
export const OTHERS_SLOT = 5

export interface SeriesModel {
  readonly name: string
  readonly isOthers: boolean
  /** Number of its colour. */
  readonly slot: number
  /** One for each window; null leaves a gap. */
  readonly values: readonly (number | null)[]
  /** What the values were made from, for words about them. Undefined where the window has nothing. */
  readonly cells: readonly (Values | undefined)[]
  /** The same of the time it is compared with, on the same windows; undefined without a comparison. */
  readonly compared?: readonly (number | null)[]
}

export interface ChartModel {
  readonly plan: ChartPlan
  readonly windowSizeMs: number
  readonly startMs: number
  readonly endMs: number
  /** Time zone of everything that is written on it. */
  readonly zone: string
  readonly windowsMs: readonly number[]
  /** Of each window, whether it will not change any more. What is final comes first. */
  readonly isFinal: readonly boolean[]
  /** How many windows at the end still take events in. */
  readonly fillingCount: number
  /** The largest first; in a stack the lowest first. */
  readonly series: readonly SeriesModel[]
  /** Whether too few events a window make ratios jumpy. */
  readonly isNoisy: boolean
}

/** One member of a chart before it is drawn. */
export interface SeriesCells {
  readonly name: string
  readonly slot: number
  readonly isOthers: boolean
  readonly cells: readonly (Values | undefined)[]
  readonly compared?: readonly (Values | undefined)[]
}

/** Everything of a chart but its series. */
export type ChartFrame = Omit<ChartModel, 'series' | 'isNoisy'>

/** A chart of these cells. */
export function modelOfCells(frame: ChartFrame, series: readonly SeriesCells[]): ChartModel {
  const { plan } = frame
  const isNoisy = plan.measure.kind === 'ratio' && mostAreFew(plan.measure, series)
  const draw = (cells: readonly (Values | undefined)[]): (number | null)[] =>
    cells.map((cell) => drawnValue(plan, cell, isNoisy))
  return {
    ...frame,
    isNoisy,
    series: series.map(({ compared, ...rest }) => {
      const drawn = { ...rest, values: draw(rest.cells) }
      return compared === undefined ? drawn : { ...drawn, compared: draw(compared) }
    }),
  }
}

/** The model of a chart of the live feed. */
export function chartModel(page: PagePlan, chart: ChartPlan, data: ChartData, range: RangeData): ChartModel {
  const { windowSizeMs } = page
  const { startMs, endMs, finalUpToMs } = range
  const count = (endMs - startMs) / windowSizeMs
  const windowsMs = Array.from({ length: count }, (_, index) => startMs + index * windowSizeMs)
  const rows = windowsMs.map((windowMs) => data.rows[windowMs])
  const isFinal = windowsMs.map((windowMs) => windowMs + windowSizeMs <= finalUpToMs)
  const cellsAt = (index: number): (Values | undefined)[] => rows.map((row) => row?.[index])
  const named = data.members.map(({ name, slot }, index) => {
    return { name: nameOf(chart, name), slot, isOthers: false, cells: cellsAt(index) }
  })
  const rest = { name: 'others', slot: OTHERS_SLOT, isOthers: true, cells: cellsAt(data.members.length) }
  const frame = { plan: chart, windowSizeMs, startMs, endMs, windowsMs, isFinal }
  return modelOfCells(
    { ...frame, zone: 'UTC', fillingCount: finalUpToMs < endMs ? 1 : 0 },
    data.hasOthers ? [...named, rest] : named,
  )
}

function nameOf(chart: ChartPlan, name: string): string {
  return chart.dimension === null ? chart.measure.label : name
}

function drawnValue(chart: ChartPlan, cell: Values | undefined, isNoisy: boolean): number | null {
  const { measure } = chart
  if (cell === undefined) return measure.kind === 'ratio' ? null : 0
  return measure.kind === 'ratio' && !isNoisy && hasFew(measure, cell) ? null : measureNumber(measure, cell)
}

function mostAreFew(measure: PageMeasure & { kind: 'ratio' }, series: readonly SeriesCells[]): boolean {
  const cells = series
    .filter(({ isOthers }) => !isOthers)
    .flatMap((one) => one.cells)
    .filter((cell) => cell !== undefined && cell[0] !== 0)
  return cells.filter((cell) => cell !== undefined && hasFew(measure, cell)).length > cells.length / 2
}
