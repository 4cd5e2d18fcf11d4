/**
 * One uPlot chart: lines, bars or areas over the windows of the range.
 *
 * C1  New data goes through `update`; nothing is built anew and nothing moves but the data.
 * C2  What is not final is hatched, and lines there are dashed.
 * C3  Labels stand at the right, each beside its series, and never overlap.
 * C4  The cursor of one chart is the cursor of all, at the same time; dragging over a stretch asks for it.
 */
import uPlot from 'uplot'
import { axisText } from '../model/measures.ts'
import { SERIES_COUNT, type ChartModel } from '../model/chart-model.ts'
import type { Annotation } from '../model/annotations.ts'
import { drawAnnotations, drawHatch, drawHatchLabel, drawLabelMarks, type LabelMark } from './drawing.ts'
import { readPalette, slotColour, type Palette } from './palette.ts'
import {
  comparedColumn,
  drawnWindows,
  firstProvisional,
  labelValues,
  lineColumns,
  lonePoint,
  stackColumns,
} from './plot-data.ts'
import { spread } from './spread.ts'
import { tickText, timeTicks } from './time-axis.ts'

/** A label beside the plot. */
export interface PlotLabel {
  readonly name: string
  readonly isOthers: boolean
  readonly slot: number
  /** Middle of the text, px from the top of the chart. */
  readonly topPx: number
}

/** The window under the cursor. */
export interface Hover {
  readonly index: number
  /** Px from the left of the chart. */
  readonly leftPx: number
  readonly isRightHalf: boolean
}

export interface PlotListener {
  readonly onLabels: (labels: readonly PlotLabel[]) => void
  readonly onHover: (hover: Hover | null) => void
  /** A stretch was drawn over with the pointer. */
  readonly onZoom: (startMs: number, endMs: number) => void
  /** The chart was clicked twice. */
  readonly onZoomOut: () => void
}

const AXIS_WIDTH_PX = 46
const AXIS_HEIGHT_PX = 26
const TOP_PX = 20
const LABEL_GAP_PX = 16
const TICK_SPACE_PX = 74
const MIN_SPACED_BAR_PX = 4
/** Stacks are hatched on top of their colours, which must stay what they are. */
const STACK_HATCH_ALPHA = 0.42
/** Shorter drags are clicks of an unsteady hand. */
const MIN_DRAG_PX = 6
const CURSORS = 'time'
const COMPARED_DASH = [2, 4]
const NORMAL_ROOT_PX = 14

/** Px at the right that labels may use, by the width of the chart. */
export function gutterPx(widthPx: number): number {
  return grown(widthPx < 420 ? 84 : widthPx < 560 ? 96 : 112)
}

/** A length that grows with the type of the page, which is larger on large screens. */
function grown(px: number): number {
  return (px * parseFloat(getComputedStyle(document.documentElement).fontSize)) / NORMAL_ROOT_PX
}

function fontOf(): string {
  return `${grown(11.5)}px ui-sans-serif, system-ui, sans-serif`
}

export class Plot {
  readonly #holder: HTMLElement
  readonly #listener: PlotListener
  readonly #plot: uPlot
  #model: ChartModel
  #annotations: readonly Annotation[]
  #palette: Palette

  constructor(holder: HTMLElement, model: ChartModel, annotations: readonly Annotation[], listener: PlotListener) {
    this.#holder = holder
    this.#listener = listener
    this.#model = model
    this.#annotations = annotations
    this.#palette = readPalette(holder)
    this.#plot = new uPlot(this.#options(), this.#columns(), holder)
  }

  update(model: ChartModel, annotations: readonly Annotation[]): void {
    this.#model = model
    this.#annotations = annotations
    this.#plot.setData(this.#columns())
  }

  resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#holder
    if (width === 0 || (width === this.#plot.width && height === this.#plot.height)) return
    this.#plot.setSize({ width, height })
  }

  recolour(): void {
    this.#palette = readPalette(this.#holder)
    this.#plot.redraw()
  }

  /** Puts the cursor on a window, as the arrow keys do; null takes it away. */
  point(index: number | null): void {
    const timeMs = index === null ? undefined : this.#model.windowsMs[index]
    const middleMs = this.#isBars ? this.#model.windowSizeMs / 2 : 0
    const left = timeMs === undefined ? -10 : this.#plot.valToPos(timeMs + middleMs, 'x')
    this.#plot.setCursor({ left, top: left < 0 ? -10 : 10 })
  }

  destroy(): void {
    this.#plot.destroy()
  }

  get #isBars(): boolean {
    return this.#model.plan.kind === 'bars'
  }

  get #isLines(): boolean {
    return this.#model.plan.kind === 'lines'
  }

  #columns(): uPlot.AlignedData {
    const columns = this.#isLines
      ? lineColumns(this.#model)
      : [...stackColumns(this.#model), comparedColumn(this.#model)]
    return [[...this.#model.windowsMs], ...columns.map((column) => [...column])]
  }

  #options(): uPlot.Options {
    return {
      width: Math.max(this.#holder.clientWidth, 120),
      height: Math.max(this.#holder.clientHeight, 100),
      padding: [grown(TOP_PX), gutterPx(this.#holder.clientWidth), 0, 0],
      legend: { show: false },
      cursor: this.#cursor(),
      scales: { x: { time: false, range: () => this.#timeRange() }, y: { range: (_, __, max) => [0, heightOf(max)] } },
      axes: [this.#timeAxis(), this.#valueAxis()],
      series: [{}, ...(this.#isLines ? this.#lineSeries() : this.#stackSeries())],
      hooks: {
        drawClear: [() => this.#drawBelow()],
        draw: [() => this.#drawAbove()],
        setCursor: [() => this.#tellHover()],
        setSelect: [() => this.#tellZoom()],
      },
    }
  }

  #cursor(): uPlot.Cursor {
    const isShared = (type: string): boolean => type === 'mousemove' || type === 'mouseleave'
    return {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG_PX },
      points: { show: this.#isLines, size: 6 },
      sync: { key: CURSORS, setSeries: false, scales: ['x', null], filters: { pub: isShared, sub: isShared } },
      bind: {
        dblclick: () => () => {
          takeCursorsAway()
          this.#listener.onZoomOut()
          return null
        },
      },
    }
  }

  #tellZoom(): void {
    const { left, width } = this.#plot.select
    if (width < MIN_DRAG_PX) return
    const { windowSizeMs } = this.#model
    const startMs = Math.floor(this.#plot.posToVal(left, 'x') / windowSizeMs) * windowSizeMs
    const endMs = Math.ceil(this.#plot.posToVal(left + width, 'x') / windowSizeMs) * windowSizeMs
    this.#plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    takeCursorsAway()
    this.#listener.onZoom(startMs, Math.max(endMs, startMs + windowSizeMs))
  }

  #timeRange(): [number, number] {
    const { startMs, endMs, windowSizeMs } = this.#model
    const lastPointMs = this.#model.windowsMs[drawnWindows(this.#model) - 1] ?? startMs
    return [startMs, this.#isBars ? endMs : Math.max(lastPointMs, startMs + windowSizeMs)]
  }

  #timeAxis(): uPlot.Axis {
    return {
      size: grown(AXIS_HEIGHT_PX),
      gap: 6,
      font: fontOf(),
      stroke: () => this.#palette['--muted'],
      grid: { show: false },
      ticks: { show: false },
      splits: (plot, _, min, max) => [
        ...timeTicks(min, max, plot.bbox.width / devicePixelRatio / grown(TICK_SPACE_PX), this.#model.zone),
      ],
      values: (_, splits) => splits.map((split) => tickText(split, splits, this.#model.zone)),
    }
  }

  #valueAxis(): uPlot.Axis {
    return {
      size: grown(AXIS_WIDTH_PX),
      gap: 8,
      font: fontOf(),
      space: 44,
      stroke: () => this.#palette['--muted'],
      grid: { stroke: () => this.#palette['--line'], width: 1 },
      ticks: { show: false },
      values: (_, splits) => splits.map((split) => axisText(this.#model.plan.measure, split)),
    }
  }

  #lineSeries(): uPlot.Series[] {
    return Array.from({ length: SERIES_COUNT }, (_, slot) => {
      const stroke = (): string => slotColour(this.#palette, slot)
      const points: uPlot.Series.Points = {
        show: false,
        size: 7,
        stroke,
        fill: stroke,
        filter: (plot, index) => lonePoint(plot.data[index] ?? []),
      }
      const line: uPlot.Series = { stroke, width: 1.75, spanGaps: true, points }
      return [line, { ...line, dash: [4, 3] }, { ...line, width: 1.25, dash: COMPARED_DASH, alpha: 0.75 }]
    }).flat()
  }

  #stackSeries(): uPlot.Series[] {
    const paths = this.#isBars ? barPaths() : undefined
    const compared: uPlot.Series = {
      stroke: () => this.#palette['--ink'],
      width: 1.25,
      dash: COMPARED_DASH,
      points: { show: false },
    }
    const layers = Array.from({ length: SERIES_COUNT }, (_, layer): uPlot.Series => ({
      fill: () => slotColour(this.#palette, this.#model.series[this.#model.series.length - 1 - layer]?.slot ?? 0),
      stroke: () => this.#palette['--paper'],
      width: this.#isBars ? 0 : 1,
      points: { show: false },
      ...(paths === undefined ? {} : { paths }),
    }))
    return [...layers, compared]
  }

  #drawBelow(): void {
    if (this.#isLines) drawHatch(this.#plot, this.#provisionalFromMs(), this.#palette['--line'], 1)
  }

  #drawAbove(): void {
    if (!this.#isLines) drawHatch(this.#plot, this.#provisionalFromMs(), this.#palette['--paper'], STACK_HATCH_ALPHA)
    const label = { text: 'provisional', colour: this.#palette['--muted'], font: fontOf() }
    drawHatchLabel(this.#plot, this.#provisionalFromMs(), label)
    drawAnnotations(this.#plot, this.#annotations, this.#palette['--warn'])
    const marks = this.#labelMarks()
    drawLabelMarks(this.#plot, marks, this.#isLines)
    this.#listener.onLabels(
      marks.map(({ series: { name, slot, isOthers }, topPx }) => ({ name, slot, isOthers, topPx })),
    )
  }

  /** Where the hatching starts: with the first provisional bar, or at the last final point of a line. */
  #provisionalFromMs(): number {
    const first = firstProvisional(this.#model)
    const startMs = this.#model.windowsMs[first] ?? Infinity
    return first === 0 || this.#isBars ? startMs : startMs - this.#model.windowSizeMs
  }

  #labelMarks(): readonly LabelMark[] {
    const plotTop = this.#plot.bbox.top / devicePixelRatio
    const plotHeight = this.#plot.bbox.height / devicePixelRatio
    const labels = labelValues(this.#model)
    const wanted = labels.map(({ value }) => this.#plot.valToPos(value, 'y') + plotTop)
    const places = spread(wanted, grown(LABEL_GAP_PX), plotTop, plotTop + plotHeight)
    return labels.map(({ series }, index) => ({
      series,
      colour: slotColour(this.#palette, series.slot),
      wantedPx: wanted[index] ?? 0,
      topPx: places[index] ?? 0,
    }))
  }

  #tellHover(): void {
    const { left = -10 } = this.#plot.cursor
    if (left < 0) return this.#listener.onHover(null)
    const index = this.#windowAt(this.#plot.posToVal(left, 'x'))
    const plotLeft = this.#plot.bbox.left / devicePixelRatio
    const isRightHalf = left > this.#plot.bbox.width / devicePixelRatio / 2
    this.#listener.onHover({ index, leftPx: plotLeft + left, isRightHalf })
  }

  /** Number of the window at a time: of lines the nearest point, of bars the one it stands in. */
  #windowAt(timeMs: number): number {
    const { windowsMs, windowSizeMs } = this.#model
    const shiftedMs = this.#isBars ? timeMs : timeMs + windowSizeMs / 2
    const after = windowsMs.findIndex((startMs) => startMs > shiftedMs)
    return Math.max(0, after < 0 ? windowsMs.length - 1 : after - 1)
  }
}

/** Of all charts: what was under the cursor is elsewhere once they show another range. */
function takeCursorsAway(): void {
  for (const plot of uPlot.sync(CURSORS).plots) plot.setCursor({ left: -10, top: -10 })
}

/** Bars with a gap between them where there is room for one; gaps of every other pixel would shimmer. */
function barPaths(): uPlot.Series.PathBuilder | undefined {
  const spaced = uPlot.paths.bars?.({ size: [1, 40], align: 1, gap: 1 })
  const tight = uPlot.paths.bars?.({ size: [1], align: 1, gap: 0 })
  if (spaced === undefined || tight === undefined) return undefined
  return (plot, series, first, last) => {
    const barPx = plot.bbox.width / devicePixelRatio / Math.max(1, plot.data[0].length)
    return (barPx < MIN_SPACED_BAR_PX ? tight : spaced)(plot, series, first, last)
  }
}

function heightOf(max: number | null): number {
  return max === null || !(max > 0) ? 1 : max * 1.06
}
