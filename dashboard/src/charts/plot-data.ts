/**
 * The columns uPlot draws, from a chart's model. The number of series never changes, so that new data never builds a
 * chart anew: a series without a member holds nothing but gaps.
 */
import { SERIES_COUNT, type ChartModel, type SeriesModel } from '../model/chart-model.ts'

type Column = (number | null)[]

/** Index of the first window that is not final; the number of windows when all are. */
export function firstProvisional({ windowsMs, windowSizeMs, finalUpToMs }: ChartModel): number {
  const index = windowsMs.findIndex((startMs) => startMs + windowSizeMs > finalUpToMs)
  return index < 0 ? windowsMs.length : index
}

/** Two columns for each slot: the final stretch of its line, and the provisional one that starts where it ends. */
export function lineColumns(model: ChartModel): readonly Column[] {
  const turn = firstProvisional(model)
  return Array.from({ length: SERIES_COUNT }, (_, slot) => model.series.find((series) => series.slot === slot)).flatMap(
    (series) => {
      const lastFinal = lastValueIndex(series, turn - 1)
      return [
        model.windowsMs.map((_, index) => (index < turn ? (series?.values[index] ?? null) : null)),
        model.windowsMs.map((_, index) =>
          index >= turn || index === lastFinal ? (series?.values[index] ?? null) : null,
        ),
      ]
    },
  )
}

/** Index of the last value at or before `index`; −1 where there is none. */
function lastValueIndex(series: SeriesModel | undefined, index: number): number {
  let at = index
  while (at >= 0 && (series?.values[at] ?? null) === null) at--
  return at
}

/**
 * Heights of a stack, the highest first, because what is drawn later covers what is below it. Areas leave the newest
 * window out: it is still filling, and would look like a fall.
 */
export function stackColumns(model: ChartModel): readonly Column[] {
  const last = model.plan.kind === 'areas' && model.windowsMs.length > 1 ? model.windowsMs.length - 1 : Infinity
  return Array.from({ length: SERIES_COUNT }, (_, layer) => {
    const upTo = model.series.length - layer
    return model.windowsMs.map((_, index) => (upTo <= 0 || index >= last ? null : stackHeight(model, upTo, index)))
  })
}

/** Sum of the lowest `upTo` layers in one window. */
export function stackHeight({ series }: ChartModel, upTo: number, index: number): number {
  return series.slice(0, upTo).reduce((sum, { values }) => sum + (values[index] ?? 0), 0)
}

/** Where the label of each series belongs, in units of the y axis; series without anything have none. */
export function labelValues(model: ChartModel): readonly { series: SeriesModel; value: number }[] {
  if (model.plan.kind === 'lines') {
    return model.series.flatMap((series) => {
      const value = series.values[lastValueIndex(series, series.values.length - 1)]
      return value === null || value === undefined ? [] : [{ series, value }]
    })
  }
  // The newest window has hardly begun: labels stand beside the one before.
  const at = Math.max(0, model.windowsMs.length - 2)
  return model.series.flatMap((series, layer) =>
    series.values.some((value) => (value ?? 0) > 0)
      ? [{ series, value: (stackHeight(model, layer, at) + stackHeight(model, layer + 1, at)) / 2 }]
      : [],
  )
}
