import { useSignal } from '@preact/signals'
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { DrillAnswer, JoinedEvent } from '../../../src/query/raw-answer.ts'
import { visibleName } from '../format/names.ts'
import { formatCount, NOTHING } from '../format/numbers.ts'
import { formatClock, formatDay, formatLength, formatMoment } from '../format/times.ts'
import { fetchAnswer } from '../live/refused.ts'
import { toggleMember } from '../model/page-state.ts'
import { filterText } from '../model/page-url.ts'
import type { Overlay } from '../state/overlay.ts'
import { view } from '../state/view-state.ts'
import { Name } from './name.tsx'
import { Window } from './window.tsx'

const PAGE_EVENTS = 50

/** The raw events behind a cell, from the retained journal: each impression and what became of the clicks on it. */
export function DrillWindow({ open }: { open: Overlay & { kind: 'drill' } }): VNode | null {
  const offset = useSignal(0)
  const found = useSignal<DrillAnswer | null>(null)
  const problem = useSignal('')
  const state = view.value
  const zone = state?.zone ?? 'UTC'
  const { windowMs, lengthMs, chart, member } = open
  const filters = state === null ? [] : cellFilters(open, state)
  const span = new URLSearchParams({
    from: new Date(windowMs).toISOString(),
    to: new Date(windowMs + lengthMs).toISOString(),
  }).toString()
  const path = `/api/v1/drill?${[span, filterText(filters)].filter((part) => part !== '').join('&')}`
  useEffect(() => {
    const own = new AbortController()
    found.value = null
    fetchAnswer(`${path}&limit=${PAGE_EVENTS}&offset=${offset.value}`, undefined, own.signal).then(
      (answer) => (found.value = answer as DrillAnswer),
      (error: unknown) => {
        if (!own.signal.aborted) problem.value = error instanceof Error ? error.message : 'They cannot be had.'
      },
    )
    return () => own.abort()
  }, [path, offset.value])
  const title = `Events of ${formatMoment(windowMs, zone)}${member === null ? '' : `, ${visibleName(member)}`}`
  const answer = found.value
  return (
    <Window kind="drill" title={title}>
      <p class="sub">
        Counted impressions whose minute this is, and the clicks on them
        {chart.axis === 'click' ? ', at the minute of the impression' : ''}.
      </p>
      {problem.value !== '' && <p role="alert">{problem.value}</p>}
      {answer === null && problem.value === '' && <p role="status">Reading the journal</p>}
      {answer !== null && <Events answer={answer} zone={zone} />}
      {answer !== null && (
        <div class="pager">
          <button
            type="button"
            class="quiet"
            disabled={offset.value === 0}
            onClick={() => (offset.value = Math.max(0, offset.value - PAGE_EVENTS))}
          >
            before
          </button>
          <span class="sub" role="status">
            {answer.eventCount === 0
              ? 'none'
              : `${formatCount(offset.value + 1)} to ${formatCount(offset.value + answer.events.length)}`}{' '}
            of {formatCount(answer.eventCount)}
          </span>
          <button
            type="button"
            class="quiet"
            disabled={offset.value + PAGE_EVENTS >= answer.eventCount}
            onClick={() => (offset.value += PAGE_EVENTS)}
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
      )}
    </Window>
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
                  {name}
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
