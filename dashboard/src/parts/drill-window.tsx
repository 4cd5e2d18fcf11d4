import { useSignal, type Signal } from '@preact/signals'
import type { VNode } from 'preact'
import type { DrillAnswer, JoinedEvent } from '../../../src/query/raw-answer.ts'
import { visibleName } from '../format/names.ts'
import { formatCount, NOTHING } from '../format/numbers.ts'
import { formatClock, formatDay, formatLength, formatMoment } from '../format/times.ts'
import { planAnswer } from '../live/answers.ts'
import { page } from '../live/store.ts'
import { useAnswer } from '../live/use-answer.ts'
import { filtersInWords, labelOf, sumsOf } from '../model/drill.ts'
import { toggleMember } from '../model/page-state.ts'
import { filterText } from '../model/page-url.ts'
import type { Overlay } from '../state/overlay.ts'
import { view } from '../state/view-state.ts'
import { Name } from './name.tsx'
import { Elsewhere } from './partition-name.tsx'
import { Window } from './window.tsx'

const PAGE_EVENTS = 50

/** The raw events behind a cell, from the retained journal: each impression and what became of the clicks on it. */
export function DrillWindow({ open }: { open: Overlay & { kind: 'drill' } }): VNode | null {
  const offset = useSignal(0)
  const state = view.value
  const zone = state?.zone ?? 'UTC'
  const plan = page.value
  const { windowMs, chart } = open
  const path = drillPath(open, state)
  const asked = useAnswer<DrillAnswer>(`${path}&limit=${PAGE_EVENTS}&offset=${offset.value}`)
  const answer = asked.isCurrent ? asked.answer : null
  const filters = state === null || plan === null ? '' : filtersInWords(plan, cellFilters(open, state))
  const title = `Events of ${formatMoment(windowMs, zone)}${filters === '' ? '' : `: ${filters}`}`
  return (
    <Window kind="drill" title={title}>
      <p class="sub">
        Counted impressions whose minute this is, and the clicks on them
        {chart.axis === 'click' ? ', at the minute of the impression' : ''}.
      </p>
      {asked.problem !== '' && <p role="alert">{asked.problem}</p>}
      {answer === null && asked.problem === '' && <p role="status">Reading the journal: seconds, where much came in</p>}
      {answer !== null && <Elsewhere partitions={answer.elsewhere} />}
      {answer !== null && <Events answer={answer} zone={zone} />}
      {answer !== null && <Pager answer={answer} offset={offset} path={path} />}
    </Window>
  )
}

function drillPath(open: Overlay & { kind: 'drill' }, state: typeof view.value): string {
  const { windowMs, lengthMs } = open
  const span = new URLSearchParams({
    from: new Date(windowMs).toISOString(),
    to: new Date(windowMs + lengthMs).toISOString(),
  }).toString()
  const filters = state === null ? '' : filterText(cellFilters(open, state))
  return `/api/v1/drill?${[span, filters].filter((part) => part !== '').join('&')}`
}

function Pager(props: { answer: DrillAnswer; offset: Signal<number>; path: string }): VNode {
  const { answer, offset, path } = props
  const { eventCount, events } = answer
  const step = (by: number): void => void (offset.value = Math.max(0, offset.value + by))
  const first = formatCount(offset.value + 1)
  const shown = eventCount === 0 ? 'none' : `${first} to ${formatCount(offset.value + events.length)}`
  return (
    <div class="pager">
      <button type="button" class="quiet" disabled={offset.value === 0} onClick={() => step(-PAGE_EVENTS)}>
        before
      </button>
      <span class="sub" role="status">
        {shown} of {formatCount(eventCount)}
      </span>
      <button
        type="button"
        class="quiet"
        disabled={offset.value + PAGE_EVENTS >= eventCount}
        onClick={() => step(PAGE_EVENTS)}
      >
        after
      </button>
      <a class="quiet" href={`${path}&limit=100000&format=csv`} download="events.csv">
        download CSV
      </a>
      <a class="quiet" href={`${path}&limit=100000&format=ndjson`} download="events.ndjson">
        download NDJSON
      </a>
    </div>
  )
}

function cellFilters(
  { chart, member }: Overlay & { kind: 'drill' },
  state: NonNullable<typeof view.value>,
): NonNullable<typeof view.value>['filters'] {
  if (member === null || chart.dimension === null) return state.filters
  const { name } = chart.dimension
  const others = { ...state, filters: state.filters.filter(({ dimension }) => dimension !== name) }
  return toggleMember(others, name, member, 'include').filters
}

function Events({ answer, zone }: { answer: DrillAnswer; zone: string }): VNode {
  const names = Object.keys(answer.events[0]?.dimensions ?? {})
  const plan = planAnswer.value?.plan ?? { measures: [] }
  return (
    <>
      {answer.retainedFromMs !== null && (
        <p class="sub">
          Only what is retained: from {formatDay(answer.retainedFromMs, zone)},{' '}
          {formatClock(answer.retainedFromMs, zone)} on.
        </p>
      )}
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Raw events">
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Impression</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {page.value === null ? name : labelOf(page.value, name)}
                </th>
              ))}
              {sumsOf(plan, '').map(({ field }) => (
                <th key={field} scope="col" class="n">
                  {field}
                </th>
              ))}
              <th scope="col">Clicks</th>
            </tr>
          </thead>
          <tbody>
            {answer.events.map((event) => (
              <EventRow key={event.id} event={event} names={names} zone={zone} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

function EventRow({ event, names, zone }: { event: JoinedEvent; names: readonly string[]; zone: string }): VNode {
  return (
    <tr>
      <td>{formatClock(event.timeMs, zone)}</td>
      <td title={visibleName(event.text)}>
        <Name text={event.id} />
      </td>
      {names.map((name) => (
        <td key={name}>
          <Name text={event.dimensions[name] ?? ''} />
        </td>
      ))}
      {sumsOf(planAnswer.value?.plan ?? { measures: [] }, event.text).map(({ field, text }) => (
        <td key={field} class="n">
          {text ?? NOTHING}
        </td>
      ))}
      <td>
        {event.clicks.length === 0
          ? NOTHING
          : event.clicks
              .map((click) => {
                const lag = click.timeMs - event.timeMs
                const after = lag < 0 ? `${formatLength(-lag)} before` : `after ${formatLength(lag)}`
                return `${click.class.replaceAll('_', ' ')} ${after}`
              })
              .join(', ')}
      </td>
    </tr>
  )
}
