import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { formatClock } from '../format/times.ts'
import { answered, isWaiting, mayAsk } from '../live/answers.ts'
import { copyText, downloadText } from '../live/take-away.ts'
import type { ChartModel } from '../model/chart-model.ts'
import { chartInWords } from '../model/chart-in-words.ts'
import { chartExport, toCsv, toJson } from '../model/export.ts'
import { stillInWords } from '../model/still.ts'
import { overlay } from '../state/overlay.ts'
import { marksTrouble } from '../state/shown.ts'
import { view } from '../state/view-state.ts'
import { Chart } from './chart.tsx'
import { ChartChoice } from './chart-choice.tsx'
import { ChartTable } from './chart-table.tsx'
import { Menu, type MenuItem } from './menu.tsx'

export interface ChartPanelProps {
  readonly id: string
  readonly title: string
  /** Undefined while there is nothing to draw. */
  readonly model: ChartModel | undefined
  readonly memberCount: number
  /** What to say in place of a drawing where there is nothing to draw; empty where that is said elsewhere. */
  readonly empty: string | undefined
  /** Whether the tables answer: then it can be chosen what is drawn, and the SQL be shown. */
  readonly isAnswer: boolean
  /** Whether the events behind a number can be had. */
  readonly canDrill: boolean
  /** Number of the chart; the first is the one whose content is chosen. */
  readonly index: number
}

/** A chart with its title, direct labels, values under the cursor, and the same numbers as a table. */
export function ChartPanel(props: ChartPanelProps): VNode {
  const { id, title, model, memberCount, empty, isAnswer, canDrill, index } = props
  const isDrawn = model !== undefined && empty === undefined
  const isTable = useSignal(false)
  const marks = index === 0 ? Object.values(marksTrouble.value)[0] : undefined
  const about =
    model === undefined ? undefined : chartInWords(model, index === 0 ? memberCount : 0, marks !== undefined)
  return (
    <section class={`panel chart-${model?.plan.kind ?? 'none'}`} aria-labelledby={`title-${id}`}>
      <div class="head">
        <h2 id={`title-${id}`}>{title}</h2>
        <p class="sub" title={marks === undefined ? about : marksTitle(marks, model?.zone)}>
          {about}
        </p>
        {index === 0 && mayAsk.value && <ChartChoice />}
        <button
          type="button"
          class="quiet"
          aria-pressed={isTable.value}
          aria-label={`${title} as a table`}
          onClick={() => (isTable.value = !isTable.value)}
        >
          table
        </button>
        {model !== undefined && <Menu label={`More of ${title}`} items={menuItems(props, model)} />}
      </div>
      <div class="chart-box">
        {!isDrawn && empty !== '' && <p class="empty">{empty ?? 'No events yet'}</p>}
        {isDrawn && isTable.value && <ChartTable model={model} canDrill={canDrill} />}
        {isDrawn && !isTable.value && (
          <Chart key={chartKey(model)} model={model} isAnswer={isAnswer} canDrill={canDrill} />
        )}
      </div>
    </section>
  )
}

function marksTitle({ message, sinceMs }: { message: string; sinceMs: number }, zone: string | undefined): string {
  return `What came late and what interrupted results is marked as was known at ${formatClock(sinceMs, zone)}: ${message}`
}

/** What a plot is built for: other data do not build it anew. */
function chartKey({ plan, zone }: ChartModel): string {
  return `${plan.kind} ${zone}`
}

function menuItems({ title, isAnswer, index }: ChartPanelProps, model: ChartModel): readonly MenuItem[] {
  const table = chartExport(model)
  // What is taken away says what it is of, whatever is asked meanwhile.
  const minute = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 16).replaceAll(':', '')
  const file = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}-${minute(model.startMs)}-to-${minute(model.endMs)}`
  const [last, asked] = [answered.value, view.value]
  const of = isWaiting.value && last !== null && asked !== null ? ` of ${stillInWords(last.state, asked).shown}` : ''
  return [
    { text: 'copy as CSV', run: () => copyText(toCsv(table).slice(1), `CSV${of}`) },
    { text: 'download CSV', run: () => downloadText(toCsv(table), `${file}.csv`, 'text/csv') },
    { text: 'copy as JSON', run: () => copyText(toJson(table), `JSON${of}`) },
    { text: 'download JSON', run: () => downloadText(toJson(table), `${file}.json`, 'application/json') },
    ...(isAnswer ? [{ text: 'show the SQL', run: () => (overlay.value = { kind: 'sql', title, index }) }] : []),
  ]
}
