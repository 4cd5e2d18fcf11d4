import type { VNode } from 'preact'
import { isCut } from '../charts/plot-data.ts'
import { NOTHING } from '../format/numbers.ts'
import { formatWindowOf } from '../format/times.ts'
import { zoneInWords } from '../format/zones.ts'
import type { ChartModel } from '../model/chart-model.ts'
import { measureText } from '../model/measures.ts'
import { overlay } from '../state/overlay.ts'
import { Name } from './name.tsx'

/** The numbers of a chart, newest first. Where raw events can be had, a number opens those behind it. */
export function ChartTable({ model, canDrill }: { model: ChartModel; canDrill: boolean }): VNode {
  const newestFirst = model.windowsMs.map((_, index) => model.windowsMs.length - 1 - index)
  const zone = zoneInWords(model.zone)
  return (
    <div class="table-box" role="region" tabIndex={0} aria-label={`${model.plan.title}, table`}>
      <table>
        <caption class="hidden">
          {model.plan.title}, {zone}, newest first
        </caption>
        <thead>
          <tr>
            <th scope="col">{zone}</th>
            {model.series.map(({ slot, name, isOthers }) => (
              <th key={slot} scope="col" class="n">
                <Name text={name} isOthers={isOthers} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newestFirst.map((index) => (
            <TableRow key={model.windowsMs[index]} model={model} index={index} canDrill={canDrill} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function TableRow({ model, index, canDrill }: { model: ChartModel; index: number; canDrill: boolean }): VNode {
  const startMs = model.windowsMs[index] ?? 0
  const isFinal = model.isFinal[index] ?? false
  const { plan, windowSizeMs } = model
  return (
    <tr class={isFinal ? '' : 'is-provisional'}>
      <th scope="row">
        {formatWindowOf(startMs, windowSizeMs, model.zone, model.endMs - model.startMs)}
        {isFinal ? '' : <span class="hidden"> not final</span>}
        {index === 0 && isCut(model) ? <span class="sub"> a part of it</span> : ''}
      </th>
      {model.series.map(({ slot, cells, name, isOthers }) => {
        const cell = cells[index]
        const text =
          cell === undefined ? (plan.measure.kind === 'ratio' ? NOTHING : '0') : measureText(plan.measure, cell)
        return (
          <td key={slot} class="n">
            {canDrill && cell !== undefined && !isOthers ? (
              <button
                type="button"
                class="plain"
                title="The events behind it"
                onClick={() => {
                  const member = plan.dimension === null ? null : name
                  overlay.value = { kind: 'drill', windowMs: startMs, lengthMs: windowSizeMs, chart: plan, member }
                }}
              >
                {text}
              </button>
            ) : (
              text
            )}
          </td>
        )
      })}
    </tr>
  )
}
