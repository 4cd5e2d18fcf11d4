import type { VNode } from 'preact'
import { NOTHING } from '../format/numbers.ts'
import { formatWindow } from '../format/times.ts'
import type { ChartModel } from '../model/chart-model.ts'
import { measureText } from '../model/measures.ts'
import { Name } from './name.tsx'

/** The numbers of a chart, newest first. */
export function ChartTable({ model }: { model: ChartModel }): VNode {
  const newestFirst = model.windowsMs.map((_, index) => model.windowsMs.length - 1 - index)
  return (
    <div class="table-box" role="region" tabIndex={0} aria-label={`${model.plan.title}, table`}>
      <table>
        <caption class="hidden">{model.plan.title}, UTC, newest first</caption>
        <thead>
          <tr>
            <th scope="col">UTC</th>
            {model.series.map(({ slot, name, isOthers }) => (
              <th key={slot} scope="col" class="n">
                <Name text={name} isOthers={isOthers} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newestFirst.map((index) => (
            <TableRow key={model.windowsMs[index]} model={model} index={index} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function TableRow({ model, index }: { model: ChartModel; index: number }): VNode {
  const startMs = model.windowsMs[index] ?? 0
  const isFinal = startMs + model.windowSizeMs <= model.finalUpToMs
  const { measure } = model.plan
  return (
    <tr class={isFinal ? '' : 'is-provisional'}>
      <th scope="row">
        {formatWindow(startMs, model.windowSizeMs)}
        {isFinal ? '' : <span class="hidden"> not final</span>}
      </th>
      {model.series.map(({ slot, cells }) => {
        const cell = cells[index]
        return (
          <td key={slot} class="n">
            {cell === undefined ? (measure.kind === 'ratio' ? NOTHING : '0') : measureText(measure, cell)}
          </td>
        )
      })}
    </tr>
  )
}
