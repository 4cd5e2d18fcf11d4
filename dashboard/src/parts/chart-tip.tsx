import type { VNode } from 'preact'
import type { Values } from '../../../src/server/page-data.ts'
import type { Hover } from '../charts/plot.ts'
import { formatCount } from '../format/numbers.ts'
import { formatWindow } from '../format/times.ts'
import type { ChartModel, SeriesModel } from '../model/chart-model.ts'
import { amountOf, measureText } from '../model/measures.ts'
import { Name } from './name.tsx'

/** The values of the window under the cursor, beside it. */
export function ChartTip({ model, hover }: { model: ChartModel; hover: Hover | null }): VNode {
  const startMs = hover === null ? undefined : model.windowsMs[hover.index]
  if (hover === null || startMs === undefined) return <div class="tip" aria-live="polite" hidden />
  const isFinal = startMs + model.windowSizeMs <= model.finalUpToMs
  const side = hover.isRightHalf ? 'is-left' : 'is-right'
  return (
    <div class={`tip ${side}`} aria-live="polite" style={{ transform: `translateX(${hover.leftPx}px)` }}>
      <div class="tip-box">
        <p class="tip-time">
          {formatWindow(startMs, model.windowSizeMs)} UTC {isFinal ? '' : <span class="sub">not final</span>}
        </p>
        {inReadingOrder(model).map((series) => (
          <p key={series.slot} class="tip-row">
            <i class={`swatch slot-${series.slot}`} />
            <Name text={series.name} isOthers={series.isOthers} />
            <b>{cellText(model, series.cells[hover.index])}</b>
          </p>
        ))}
      </div>
    </div>
  )
}

/** As the eye meets them: stacks from the top. */
function inReadingOrder({ plan, series }: ChartModel): readonly SeriesModel[] {
  return plan.kind === 'lines' ? series : series.toReversed()
}

/** A cell in words; a ratio says of how many. */
function cellText({ plan: { measure } }: ChartModel, cell: Values | undefined): string {
  if (cell === undefined) return measure.kind === 'ratio' ? '—' : '0'
  const text = measureText(measure, cell)
  if (measure.kind !== 'ratio' || measure.unit !== 'share') return text
  const [clicks, of] = [amountOf(cell, measure.numerator), amountOf(cell, measure.denominator)]
  return `${text} (${formatCount(clicks)} of ${formatCount(of)})`
}
