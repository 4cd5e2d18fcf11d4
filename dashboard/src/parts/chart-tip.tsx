import type { VNode } from 'preact'
import type { Values } from '../../../src/server/page-data.ts'
import { isCut } from '../charts/plot-data.ts'
import type { Hover } from '../charts/plot.ts'
import { formatCount } from '../format/numbers.ts'
import { formatWindowOf } from '../format/times.ts'
import { zoneInWords } from '../format/zones.ts'
import type { Annotation } from '../model/annotations.ts'
import type { ChartModel, SeriesModel } from '../model/chart-model.ts'
import { amountOf, measureText, numberText } from '../model/measures.ts'
import { Name } from './name.tsx'

interface TipProps {
  readonly model: ChartModel
  readonly hover: Hover | null
  readonly annotations: readonly Annotation[]
}

/** The values of the window under the cursor, beside it. */
export function ChartTip({ model, hover, annotations }: TipProps): VNode {
  const startMs = hover === null ? undefined : model.windowsMs[hover.index]
  if (hover === null || startMs === undefined) return <div class="tip" aria-live="polite" hidden />
  const isFinal = model.isFinal[hover.index] ?? false
  const side = hover.isRightHalf ? 'is-left' : 'is-right'
  const endMs = model.windowsMs[hover.index + 1] ?? startMs + model.windowSizeMs
  return (
    <div class={`tip ${side}`} aria-live="polite" style={{ transform: `translateX(${hover.leftPx}px)` }}>
      <div class="tip-box">
        <p class="tip-time">
          {formatWindowOf(startMs, model.windowSizeMs, model.zone, model.endMs - model.startMs)}{' '}
          {zoneInWords(model.zone)} {isFinal ? '' : <span class="sub">not final</span>}{' '}
          {hover.index === 0 && isCut(model) ? <span class="sub">a part of it</span> : ''}
        </p>
        {inReadingOrder(model).map((series) => (
          <p key={series.slot} class="tip-row">
            <i class={`swatch slot-${series.slot}`} />
            <Name text={series.name} isOthers={series.isOthers} />
            <b>{cellText(model, series.cells[hover.index])}</b>
            <ComparedText model={model} value={series.compared?.[hover.index]} />
          </p>
        ))}
        {annotations
          .filter(({ atMs }) => atMs >= startMs && atMs < endMs)
          .map(({ atMs, text }) => (
            <p key={`${atMs} ${text}`} class="tip-mark">
              {text}
            </p>
          ))}
      </div>
    </div>
  )
}

function ComparedText({ model, value }: { model: ChartModel; value: number | null | undefined }): VNode | null {
  if (value === undefined || value === null) return null
  return <span class="sub tip-before">before {numberText(model.plan.measure, value)}</span>
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
