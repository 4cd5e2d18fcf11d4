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
}

export interface ChartModel {
  readonly plan: ChartPlan
  readonly windowSizeMs: number
  readonly startMs: number
  readonly endMs: number
  readonly finalUpToMs: number
  readonly windowsMs: readonly number[]
  /** The largest first; in a stack the lowest first. */
  readonly series: readonly SeriesModel[]
  /** Whether too few events a window make ratios jumpy. */
  readonly isNoisy: boolean
}

/** The model of a chart. */
export function chartModel(page: PagePlan, chart: ChartPlan, data: ChartData, range: RangeData): ChartModel {
  const { windowSizeMs } = page
  const count = (range.endMs - range.startMs) / windowSizeMs
  const windowsMs = Array.from({ length: count }, (_, index) => range.startMs + index * windowSizeMs)
  const rows = windowsMs.map((startMs) => data.rows[startMs])
  const isNoisy = chart.measure.kind === 'ratio' && mostAreFew(chart.measure, data, rows)
  const toValue = (cell: Values | undefined): number | null => drawnValue(chart, cell, isNoisy)
  const entry = (name: string, slot: number, index: number, isOthers: boolean): SeriesModel => {
    const cells = rows.map((row) => row?.[index])
    return { name, slot, isOthers, cells, values: cells.map(toValue) }
  }
  const named = data.members.map(({ name, slot }, index) => entry(nameOf(chart, name), slot, index, false))
  const others = data.hasOthers ? [entry('others', OTHERS_SLOT, data.members.length, true)] : []
  return { plan: chart, windowSizeMs, ...range, windowsMs, series: [...named, ...others], isNoisy }
}

function nameOf(chart: ChartPlan, name: string): string {
  return chart.dimension === null ? chart.measure.label : name
}

function drawnValue(chart: ChartPlan, cell: Values | undefined, isNoisy: boolean): number | null {
  const { measure } = chart
  if (cell === undefined) return chart.kind === 'lines' ? null : 0
  return measure.kind === 'ratio' && !isNoisy && hasFew(measure, cell) ? null : measureNumber(measure, cell)
}

function mostAreFew(
  measure: PageMeasure & { kind: 'ratio' },
  data: ChartData,
  rows: readonly (readonly Values[] | undefined)[],
): boolean {
  const cells = rows
    .flatMap((row) => row?.slice(0, data.members.length) ?? [])
    .filter(([impressions]) => impressions !== 0)
  return cells.filter((cell) => hasFew(measure, cell)).length > cells.length / 2
}
