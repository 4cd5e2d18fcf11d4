import { useSignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ChartPlan, PagePlan } from '../../../src/pipeline/page.ts'
import type { PageData } from '../../../src/server/page-data.ts'
import { gutterPx, Plot, type Hover, type PlotLabel } from '../charts/plot.ts'
import { windowInWords } from '../format/times.ts'
import { colourChanges } from '../live/theme.ts'
import { chartModel, type ChartModel } from '../model/chart-model.ts'
import { ChartTable } from './chart-table.tsx'
import { ChartTip } from './chart-tip.tsx'
import { Name } from './name.tsx'

/** A chart with its title, direct labels, values under the cursor, and the same numbers as a table. */
export function ChartPanel({ page, chart, data }: { page: PagePlan; chart: ChartPlan; data: PageData }): VNode {
  const isTable = useSignal(false)
  const chartData = data.charts[chart.id]
  const isEmpty = chartData === undefined || data.range.endMs === 0
  const model = isEmpty ? undefined : chartModel(page, chart, chartData, data.range)
  const memberCount = chart.dimension === null ? 0 : (data.boards[chart.dimension.name]?.memberCount ?? 0)
  return (
    <section class={`panel chart-${chart.kind}`} aria-labelledby={`title-${chart.id}`}>
      <div class="head">
        <h2 id={`title-${chart.id}`}>{chart.title}</h2>
        <p class="sub" title={model === undefined ? undefined : subtitle(model, memberCount)}>
          {model === undefined ? '' : subtitle(model, memberCount)}
        </p>
        <button
          type="button"
          class="quiet"
          aria-pressed={isTable.value}
          aria-label={`${chart.title} as a table`}
          onClick={() => (isTable.value = !isTable.value)}
        >
          table
        </button>
      </div>
      <div class="chart-box">
        {model === undefined && <p class="empty">No events yet</p>}
        {model !== undefined && isTable.value && <ChartTable model={model} />}
        {model !== undefined && !isTable.value && <Chart model={model} />}
      </div>
    </section>
  )
}

function subtitle(model: ChartModel, memberCount: number): string {
  const { plan, series, isNoisy, windowSizeMs, finalUpToMs, endMs } = model
  const window = windowInWords(windowSizeMs)
  const shown = series.filter(({ isOthers }) => !isOthers).length
  return [
    plan.axis === 'click' ? `by click ${window}` : `by impression ${window}`,
    ...(memberCount > shown ? [`${shown} largest of ${memberCount}`] : []),
    ...(isNoisy ? [`few events a ${window}`] : []),
    ...(plan.kind === 'lines' && finalUpToMs < endMs ? ['dashed: not final yet'] : []),
  ].join(' · ')
}

function Chart({ model }: { model: ChartModel }): VNode {
  const holder = useRef<HTMLDivElement>(null)
  const plot = useRef<Plot | null>(null)
  const labels = useSignal<readonly PlotLabel[]>([])
  const hover = useSignal<Hover | null>(null)
  useEffect(() => {
    if (holder.current === null) return undefined
    const made = new Plot(holder.current, model, {
      onLabels: (next) => (labels.value = next),
      onHover: (next) => (hover.value = next),
    })
    plot.current = made
    const observer = new ResizeObserver(() => made.resize())
    observer.observe(holder.current)
    const stop = colourChanges.subscribe(() => made.recolour())
    return () => {
      stop()
      observer.disconnect()
      made.destroy()
    }
  }, [])
  useEffect(() => plot.current?.update(model), [model])
  return (
    <div
      class="chart"
      role="group"
      tabIndex={0}
      aria-label={`${model.plan.title}. Left and right arrow keys read it minute by minute.`}
      onKeyDown={(event) => moveCursor(event, model, hover, plot.current)}
      onBlur={() => plot.current?.point(null)}
    >
      <div class="canvas" ref={holder} />
      <Labels labels={labels.value} widthPx={gutterPx(holder.current?.clientWidth ?? 0)} />
      <ChartTip model={model} hover={hover.value} />
    </div>
  )
}

function Labels({ labels, widthPx }: { labels: readonly PlotLabel[]; widthPx: number }): VNode {
  return (
    <div class="labels" aria-hidden="true" style={{ width: `${widthPx - 14}px` }}>
      {labels.map(({ name, slot, isOthers, topPx }) => (
        <div key={`${slot}`} class={`label slot-${slot}`} style={{ transform: `translateY(${topPx - 9}px)` }}>
          <Name text={name} isOthers={isOthers} />
        </div>
      ))}
    </div>
  )
}

function moveCursor(event: KeyboardEvent, model: ChartModel, hover: Signal<Hover | null>, plot: Plot | null): void {
  const last = model.windowsMs.length - 1
  const at = hover.value?.index
  const steps: Record<string, number | null> = {
    ArrowLeft: Math.max(0, (at ?? last + 1) - 1),
    ArrowRight: Math.min(last, (at ?? last - 1) + 1),
    Home: 0,
    End: last,
    Escape: null,
  }
  const step = steps[event.key]
  if (step === undefined) return
  event.preventDefault()
  plot?.point(step)
}
