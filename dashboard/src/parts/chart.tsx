import { useSignal, type Signal } from '@preact/signals'
import type { RefObject, VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { gutterPx, Plot, type Hover, type PlotLabel } from '../charts/plot.ts'
import type { ChartModel } from '../model/chart-model.ts'
import { zoom } from '../state/keys.ts'
import { overlay } from '../state/overlay.ts'
import { colourChanges } from '../state/preferences.ts'
import { annotations } from '../state/shown.ts'
import { go } from '../state/view-state.ts'
import { ChartTip } from './chart-tip.tsx'
import { Name } from './name.tsx'

interface ChartProps {
  readonly model: ChartModel
  readonly isAnswer: boolean
  readonly canDrill: boolean
}

/** The drawing of a chart, its labels and its tip. */
export function Chart({ model, isAnswer, canDrill }: ChartProps): VNode {
  const holder = useRef<HTMLDivElement>(null)
  const labels = useSignal<readonly PlotLabel[]>([])
  const hover = useSignal<Hover | null>(null)
  const plot = usePlot(holder, model, isAnswer, { labels, hover })
  return (
    <div
      class="chart"
      role="group"
      tabIndex={0}
      aria-label={`${model.plan.title}. Left and right arrow keys read it window by window.`}
      onKeyDown={(event) => onKey(event, { model, hover, plot: plot.current, canDrill })}
      onBlur={() => plot.current?.point(null)}
    >
      <div class="canvas" ref={holder} />
      <Labels labels={labels.value} widthPx={gutterPx(holder.current?.clientWidth ?? 0)} />
      <ChartTip model={model} hover={hover.value} annotations={annotations.value} />
    </div>
  )
}

interface PlotSignals {
  readonly labels: Signal<readonly PlotLabel[]>
  readonly hover: Signal<Hover | null>
}

/** A plot in `holder`, made once for each kind of data, that follows the model, the marks, its size and the colours. */
function usePlot(
  holder: RefObject<HTMLDivElement | null>,
  model: ChartModel,
  isAnswer: boolean,
  { labels, hover }: PlotSignals,
): RefObject<Plot | null> {
  const plot = useRef<Plot | null>(null)
  const marks = annotations.value
  useEffect(() => {
    if (holder.current === null) return undefined
    const made = new Plot(holder.current, model, marks, {
      onLabels: (next) => (labels.value = next),
      onHover: (next) => (hover.value = next),
      onZoom: (startMs, endMs) => {
        if (isAnswer) go((state) => ({ ...state, range: { kind: 'fixed', startMs, endMs } }))
      },
      onZoomOut: () => {
        if (isAnswer) zoom()
      },
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
  }, [isAnswer])
  useEffect(() => plot.current?.update(model, marks), [model, marks])
  return plot
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

interface KeyContext {
  readonly model: ChartModel
  readonly hover: Signal<Hover | null>
  readonly plot: Plot | null
  readonly canDrill: boolean
}

function onKey(event: KeyboardEvent, { model, hover, plot, canDrill }: KeyContext): void {
  const last = model.windowsMs.length - 1
  const at = hover.value?.index
  if (event.key === 'Enter' && at !== undefined && canDrill) {
    event.preventDefault()
    const windowMs = model.windowsMs[at] ?? 0
    overlay.value = { kind: 'drill', windowMs, lengthMs: model.windowSizeMs, chart: model.plan, member: null }
    return
  }
  // Escape without a cursor clears the page's filters, as it does anywhere else.
  if (event.key === 'Escape' && at === undefined) return
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
