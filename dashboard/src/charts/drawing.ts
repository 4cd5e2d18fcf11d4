/**
 * What is drawn on a chart besides its data: the hatching of provisional windows, and the way from a line's end to its
 * label.
 */
import type uPlot from 'uplot'
import type { Annotation } from '../model/annotations.ts'
import type { SeriesModel } from '../model/chart-model.ts'

const HATCH_STEP_PX = 6

/** A label and the point it belongs to; px from the top of the chart. */
export interface LabelMark {
  readonly series: SeriesModel
  readonly colour: string
  readonly wantedPx: number
  readonly topPx: number
}

/** Hatches the plot from `fromMs` on. */
export function drawHatch(plot: uPlot, fromMs: number, colour: string, alpha: number): void {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const left = hatchLeft(plot, fromMs)
  if (!(left < right)) return
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, bbox.top, right - left, bbox.height)
  ctx.clip()
  ctx.beginPath()
  const step = HATCH_STEP_PX * devicePixelRatio
  for (let x = Math.floor((left - bbox.height) / step) * step; x < right; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height)
    ctx.lineTo(x + bbox.height, bbox.top)
  }
  ctx.globalAlpha = alpha
  ctx.strokeStyle = colour
  ctx.lineWidth = 1.2 * devicePixelRatio
  ctx.setLineDash([])
  ctx.stroke()
  ctx.restore()
}

/** Says above the plot what the hatching means. */
export function drawHatchLabel(
  plot: uPlot,
  fromMs: number,
  { text, colour, font }: { text: string; colour: string; font: string },
): void {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const left = hatchLeft(plot, fromMs)
  if (!(left < right)) return
  ctx.save()
  ctx.font = font.replace(/^[\d.]+/, (size) => String(Number(size) * devicePixelRatio))
  ctx.fillStyle = colour
  ctx.textAlign = 'left'
  ctx.textBaseline = 'bottom'
  // Above a short stretch at the right edge the text ends where the plot does.
  ctx.fillText(text, Math.min(left, right - ctx.measureText(text).width), bbox.top - 3 * devicePixelRatio)
  ctx.restore()
}

function hatchLeft(plot: uPlot, fromMs: number): number {
  return Math.max(plot.bbox.left, plot.valToPos(fromMs, 'x', true))
}

/** A dot at each line's end (where `hasDots`), and a thin line to a label that had to make room. */
export function drawLabelMarks(plot: uPlot, marks: readonly LabelMark[], hasDots: boolean): void {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const ratio = devicePixelRatio
  ctx.save()
  ctx.setLineDash([])
  for (const { colour, wantedPx, topPx } of marks) {
    ctx.strokeStyle = colour
    ctx.fillStyle = colour
    if (hasDots) {
      ctx.beginPath()
      ctx.arc(right, wantedPx * ratio, 2.6 * ratio, 0, 2 * Math.PI)
      ctx.fill()
    }
    ctx.beginPath()
    ctx.lineWidth = ratio
    ctx.moveTo(right + 3 * ratio, wantedPx * ratio)
    ctx.lineTo(right + 10 * ratio, topPx * ratio)
    ctx.stroke()
  }
  ctx.restore()
}

/** A dotted line and a small mark at the foot of the plot where something happened. */
export function drawAnnotations(plot: uPlot, annotations: readonly Annotation[], colour: string): void {
  const { ctx, bbox } = plot
  const ratio = devicePixelRatio
  ctx.save()
  ctx.strokeStyle = colour
  ctx.fillStyle = colour
  ctx.lineWidth = ratio
  for (const { atMs } of annotations) {
    const x = plot.valToPos(atMs, 'x', true)
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.setLineDash([2 * ratio, 3 * ratio])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
    ctx.beginPath()
    ctx.moveTo(x - 4 * ratio, bbox.top + bbox.height + 5 * ratio)
    ctx.lineTo(x + 4 * ratio, bbox.top + bbox.height + 5 * ratio)
    ctx.lineTo(x, bbox.top + bbox.height - ratio)
    ctx.fill()
  }
  ctx.restore()
}
