import type { VNode } from 'preact'
import { STREAM_NAMES, type LedgerClass, type StreamName } from '../../../src/pipeline/plan.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatCount, formatShare, NOTHING } from '../format/numbers.ts'
import { formatClock, formatDay } from '../format/times.ts'
import { classesOf, eventsOf, isClassOf } from '../model/event-classes.ts'
import { notCounted } from '../model/not-counted.ts'
import { hasEnded } from '../model/progress.ts'
import { overlay } from '../state/overlay.ts'

/** Every event read and what became of it, as an equation for each stream. A class opens what is known of it. */
export function Ledger({ status, zone }: { status: PageStatus; zone: string }): VNode {
  const isBroken = STREAM_NAMES.some((stream) => (status.ledger[stream].difference ?? 0) !== 0)
  return (
    <section class={`ledger ${isBroken ? 'is-broken' : ''}`} aria-labelledby="title-ledger">
      <Head status={status} zone={zone} />
      {isBroken && (
        <p class="alarm" role="alert">
          The ledger does not add up: events were read that are in no class. Do not trust the numbers on this page.
        </p>
      )}
      <Equation status={status} />
      <Bar status={status} />
    </section>
  )
}

function Head({ status, zone }: { status: PageStatus; zone: string }): VNode {
  const since = `${formatDay(status.startedAtMs, zone)}, ${formatClock(status.startedAtMs, zone)}`
  return (
    <div class="head">
      <h2 id="title-ledger">Every event</h2>
      <p class="sub">
        {hasEnded(status)
          ? 'of the whole log'
          : `${status.source === 'tables' ? 'in the tables from' : 'since'} ${since}`}
        <span class="of-all">, whatever range and filters</span>
        {' · not counted: '}
        <b>{STREAM_NAMES.map((stream) => notCountedText(status, stream)).join(', ')}</b>
      </p>
    </div>
  )
}

function Equation({ status }: { status: PageStatus }): VNode {
  const { ledger } = status
  return (
    <table class="equation">
      <caption class="hidden">Events read by stream, and what became of them</caption>
      <thead>
        <tr>
          <td />
          {STREAM_NAMES.map((stream) => (
            <th key={stream} scope="col">
              {stream}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <Row label="read" operator="" kind="read" values={STREAM_NAMES.map((stream) => ledger[stream].read)} />
        {classesOf(status).map((eventClass, index) => (
          <Row
            key={eventClass}
            label={eventClass.replaceAll('_', ' ')}
            operator={index === 0 ? '=' : '+'}
            kind={eventClass}
            opens={eventClass}
            values={STREAM_NAMES.map((stream) =>
              isClassOf(stream, eventClass) ? eventsOf(status, stream, eventClass) : undefined,
            )}
          />
        ))}
        <Row
          label="difference"
          operator=""
          kind="difference"
          title={status.source === 'tables' ? 'Only who reads the sources knows how many events were read' : ''}
          values={STREAM_NAMES.map((stream) => ledger[stream].difference)}
        />
      </tbody>
    </table>
  )
}

function notCountedText({ ledger }: PageStatus, stream: StreamName): string {
  const { events, share } = notCounted(ledger[stream])
  return `${formatCount(events)} ${stream} (${formatShare(share, share < 0.01 ? 2 : 1)})`
}

interface RowProps {
  readonly label: string
  readonly operator: string
  readonly kind: string
  readonly opens?: LedgerClass
  readonly title?: string
  /** Undefined where the stream has no such class, null where nobody can know. */
  readonly values: readonly (number | null | undefined)[]
}

function Row({ label, operator, kind, opens, title = '', values }: RowProps): VNode {
  return (
    <tr class={`is-${kind}`} data-class={kind} title={title}>
      <th scope="row">
        {opens === undefined ? (
          label
        ) : (
          <button
            type="button"
            class="plain"
            title="What it means, its share, and examples"
            onClick={() => (overlay.value = { kind: 'class', eventClass: opens })}
          >
            {label}
          </button>
        )}
      </th>
      {values.map((value, index) => (
        <td key={STREAM_NAMES[index]} class={value === 0 ? 'is-zero' : value === null ? 'is-unknown' : ''}>
          <span class="op" aria-hidden="true">
            {value === undefined ? '' : operator}
          </span>
          {value === undefined ? '' : value === null ? NOTHING : formatCount(value)}
        </td>
      ))}
    </tr>
  )
}

/** The classes of all events as one bar. Small ones keep a width that can be seen. */
function Bar({ status }: { status: PageStatus }): VNode {
  const counts = classesOf(status).map((eventClass) => ({
    eventClass,
    events: STREAM_NAMES.reduce((sum, stream) => sum + eventsOf(status, stream, eventClass), 0),
  }))
  return (
    <div class="bar" aria-hidden="true">
      {counts.map(({ eventClass, events }) => (
        <i
          key={eventClass}
          class={`class-${eventClass}`}
          title={`${eventClass.replaceAll('_', ' ')}: ${formatCount(events)}`}
          style={{ flexGrow: events, minWidth: events > 0 ? '4px' : '0' }}
        />
      ))}
    </div>
  )
}
