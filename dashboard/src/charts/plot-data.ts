/**
 * The columns uPlot draws, from a chart's model. The number of series never changes, so that new data never builds a
 * chart anew: a series without a member holds nothing but gaps.
 */
import { SERIES_COUNT, type ChartModel, type SeriesModel } from '../model/chart-model.ts'

/** A layer with less of the whole than this cannot be seen: it has no label. */
const MIN_LABEL_SHARE = 0.004
const MAX_COMPARED = 2
/** Of fewer windows than this all are drawn: a part is more than nothing. */
const MIN_DRAWN = 3

type Column = (number | null)[]

/** Index of the first window that is not final; the number of windows when all are. */
export function firstProvisional({ windowsMs, isFinal }: ChartModel): number {
  const index = isFinal.indexOf(false)
  return index < 0 ? windowsMs.length : index
}

/**
 * How many windows lines and areas draw. They leave out what still fills: it would look like a fall, and its clicks are
 * still to come. Where it is all there is, it is shown: nothing can look like a fall beside it.
 */
export function drawnWindows({ windowsMs, fillingCount, series }: ChartModel): number {
  const full = Math.max(0, windowsMs.length - fillingCount)
  const hasShown = series.some(({ values }) =>
    values.some((value, index) => index < full && value !== null && value !== 0),
  )
  return hasShown ? full : windowsMs.length
}

/** The one value of a column that has no other: a line through it cannot be seen. Null where a line can. */
export function lonePoint(column: ArrayLike<number | null | undefined>): number[] | null {
  const values = Array.from(column, (value, index) => (value === null || value === undefined ? -1 : index))
  const found = values.filter((index) => index >= 0)
  return found.length === 1 ? found : null
}

/** Whether the range begins within its first window, which therefore holds a part of its events only. */
export function isCut({ windowsMs, startMs }: ChartModel): boolean {
  return (windowsMs[0] ?? startMs) < startMs
}

/** The first window that is drawn: one that is cut would look like a rise from nothing. */
function firstDrawn(model: ChartModel): number {
  return isCut(model) && model.windowsMs.length >= MIN_DRAWN ? 1 : 0
}

/**
 * Three columns for each slot: the final stretch of its line, the provisional one that starts where it ends, and the
 * time it is compared with.
 */
export function lineColumns(model: ChartModel): readonly Column[] {
  const turn = firstProvisional(model)
  const drawn = drawnWindows(model)
  const first = firstDrawn(model)
  return Array.from({ length: SERIES_COUNT }, (_, slot) => model.series.find((series) => series.slot === slot)).flatMap(
    (series) => {
      const lastFinal = lastValueIndex(series, turn - 1)
      return [
        model.windowsMs.map((_, index) =>
          index >= first && index < Math.min(turn, drawn) ? (series?.values[index] ?? null) : null,
        ),
        model.windowsMs.map((_, index) =>
          index >= first && ((index >= turn && index < drawn) || index === lastFinal)
            ? (series?.values[index] ?? null)
            : null,
        ),
        model.windowsMs.map((_, index) =>
          index >= first && isCompared(model) ? (series?.compared?.[index] ?? null) : null,
        ),
      ]
    },
  )
}

/** Lines of another time are drawn beside few lines only: beside many nobody could tell them apart. */
export function isCompared({ series }: ChartModel): boolean {
  return series.filter(({ compared }) => compared !== undefined).length <= MAX_COMPARED
}

/** Index of the last value at or before `index`; −1 where there is none. */
function lastValueIndex(series: SeriesModel | undefined, index: number): number {
  let at = index
  while (at >= 0 && (series?.values[at] ?? null) === null) at--
  return at
}

/**
 * Heights of a stack, the highest first, because what is drawn later covers what is below it.
 */
export function stackColumns(model: ChartModel): readonly Column[] {
  const first = firstDrawn(model)
  const last = model.plan.kind === 'areas' ? drawnWindows(model) : Infinity
  return Array.from({ length: SERIES_COUNT }, (_, layer) => {
    const upTo = model.series.length - layer
    return model.windowsMs.map((_, index) =>
      upTo <= 0 || index < first || index >= last ? null : stackHeight(model, upTo, index),
    )
  })
}

/** The height of the whole stack in the time it is compared with. */
export function comparedColumn(model: ChartModel): Column {
  const { windowsMs, series } = model
  const first = firstDrawn(model)
  const all = series.flatMap(({ compared }) => (compared === undefined ? [] : [compared]))
  // A line along the floor would say that there was something to count.
  const isNothing = all.every((values) => values.every((value) => value === null || value === 0))
  return windowsMs.map((_, index) => {
    const values = isNothing || index < first ? [] : all.map((values) => values[index] ?? null)
    return values.every((value) => value === null) ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  })
}

/** Sum of the lowest `upTo` layers in one window. */
function stackHeight({ series }: ChartModel, upTo: number, index: number): number {
  return series.slice(0, upTo).reduce((sum, { values }) => sum + (values[index] ?? 0), 0)
}

/** Where the label of each series belongs, in units of the y axis; series without anything have none. */
export function labelValues(model: ChartModel): readonly { series: SeriesModel; value: number }[] {
  if (model.plan.kind === 'lines') {
    return model.series.flatMap((series) => {
      const value = series.values[lastValueIndex(series, drawnWindows(model) - 1)]
      return value === null || value === undefined ? [] : [{ series, value }]
    })
  }
  // Labels of bars, too, stand beside the last window that is whole.
  const at = Math.max(0, drawnWindows(model) - 1)
  const sums = model.series.map(({ values }) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0))
  const least = MIN_LABEL_SHARE * sums.reduce((total, sum) => total + sum, 0)
  return model.series.flatMap((series, layer) =>
    (sums[layer] ?? 0) > least
      ? [{ series, value: (stackHeight(model, layer, at) + stackHeight(model, layer + 1, at)) / 2 }]
      : [],
  )
}
