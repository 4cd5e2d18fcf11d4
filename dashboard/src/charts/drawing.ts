/**
 * What is drawn on a chart besides its data: the hatching of provisional windows, and the way from a line's end to its
 * label.
 */
import type uPlot from 'uplot'
import type { SeriesModel } from '../model/chart-model.ts'

const HATCH_STEP_PX = 6

/** A label and the point it belongs to; px from the top of the chart. */
export interface LabelMark {
  readonly series: SeriesModel
  readonly colour: string
  readonly wantedPx: number
  readonly topPx: number
}

/** Hatches the plot from `fromMs` on, and says above it what that means. */
export function drawHatch(
  plot: uPlot,
  fromMs: number,
  colour: string,
  label: { text: string; colour: string; font: string },
): void {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const left = Math.max(bbox.left, plot.valToPos(fromMs, 'x', true))
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
  ctx.strokeStyle = colour
  ctx.lineWidth = devicePixelRatio
  ctx.stroke()
  ctx.restore()
  drawHatchLabel(plot, left, label)
}

function drawHatchLabel(plot: uPlot, left: number, label: { text: string; colour: string; font: string }): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.font = label.font.replace(/^[\d.]+/, (size) => String(Number(size) * devicePixelRatio))
  ctx.fillStyle = label.colour
  ctx.textBaseline = 'bottom'
  const width = ctx.measureText(label.text).width
  // Beside a short stretch at the right edge the text ends where the plot does.
  ctx.fillText(label.text, Math.min(left, bbox.left + bbox.width - width), bbox.top - 4 * devicePixelRatio)
  ctx.restore()
}

/** A dot at each line's end (where `hasDots`), and a thin line to a label that had to make room. */
export function drawLabelMarks(plot: uPlot, marks: readonly LabelMark[], hasDots: boolean): void {
  const { ctx, bbox } = plot
  const right = bbox.left + bbox.width
  const ratio = devicePixelRatio
  ctx.save()
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
