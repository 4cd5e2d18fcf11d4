/**
 * What a chart shows and what it leaves out, in a line under its title.
 */
import { MINUTE_MS } from '../../../src/time/units.ts'
import { isCompared } from '../charts/plot-data.ts'
import { formatCount } from '../format/numbers.ts'
import { windowInWords } from '../format/times.ts'
import type { ChartModel } from './chart-model.ts'

/** The line of a chart. `memberCount` is how many members it could show; 0 where that is not told. */
export function chartInWords(model: ChartModel, memberCount: number, isMarkedAsBefore: boolean = false): string {
  const { plan, series, isNoisy, windowSizeMs, fillingCount } = model
  const window = windowInWords(windowSizeMs)
  const shown = series.filter(({ isOthers }) => !isOthers).length
  const isLong = windowSizeMs > MINUTE_MS && plan.kind !== 'bars'
  return [
    `by ${plan.axis}${/^\d/.test(window) ? ',' : ''} ${window}`,
    ...(memberCount > shown ? [`${shown} of ${formatCount(memberCount)}`] : []),
    ...(isMarkedAsBefore ? ['marks not new'] : []),
    ...(isNoisy ? [`few events a ${window}`] : []),
    ...comparedText(model),
    ...(fillingCount > 0 && isLong ? [`whole ${/^\d/.test(window) ? 'ones' : `${window}s`} only`] : []),
  ].join(' · ')
}

function comparedText(model: ChartModel): readonly string[] {
  if (model.series.every(({ compared }) => compared === undefined)) return []
  // Of a stack it is one line, of all layers together.
  const isDrawn = model.plan.kind !== 'lines' || isCompared(model)
  return [isDrawn ? 'dotted: compared' : 'compared at the cursor']
}
