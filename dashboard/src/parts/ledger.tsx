import type { VNode } from 'preact'
import { EVENT_CLASSES, type EventClass, type StreamName } from '../../../src/pipeline/plan.ts'
import type { PipelineStatus } from '../../../src/runtime/status.ts'
import { formatCount, formatShare } from '../format/numbers.ts'
import { formatClock, formatDay } from '../format/times.ts'
import { isClassOf } from '../model/event-classes.ts'
import { notCounted } from '../model/not-counted.ts'
import { hasEnded } from '../model/progress.ts'
import { overlay } from '../state/overlay.ts'

const STREAMS: readonly StreamName[] = ['impressions', 'clicks']

/** Every event read and what became of it, as an equation for each stream. A class opens what is known of it. */
export function Ledger({ status, zone }: { status: PipelineStatus; zone: string }): VNode {
  const isBroken = STREAMS.some((stream) => status.ledger[stream].difference !== 0)
  const { startedAtMs } = status
  return (
    <section class={`ledger ${isBroken ? 'is-broken' : ''}`} aria-labelledby="title-ledger">
      <div class="head">
        <h2 id="title-ledger">Every event</h2>
        <p class="sub">
          {hasEnded(status)
            ? 'of the whole log'
            : `since ${formatDay(startedAtMs, zone)}, ${formatClock(startedAtMs, zone)}`}
          <span class="of-all">, whatever range and filters</span>
          {' · not counted: '}
          <b>{STREAMS.map((stream) => notCountedText(status, stream)).join(', ')}</b>
        </p>
      </div>
      {isBroken && (
        <p class="alarm" role="alert">
          The ledger does not add up: events were read that are in no class. Do not trust the numbers on this page.
        </p>
      )}
      <table class="equation">
        <caption class="hidden">Events read by stream, and what became of them</caption>
        <thead>
          <tr>
            <td />
            {STREAMS.map((stream) => (
              <th key={stream} scope="col">
                {stream}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Row label="read" operator="" kind="read" values={STREAMS.map((stream) => status.ledger[stream].read)} />
          {EVENT_CLASSES.map((eventClass, index) => (
            <Row
              key={eventClass}
              label={eventClass.replaceAll('_', ' ')}
              operator={index === 0 ? '=' : '+'}
              kind={eventClass}
              opens={eventClass}
              values={STREAMS.map((stream) =>
                isClassOf(stream, eventClass) ? status.ledger[stream].classes[eventClass] : undefined,
              )}
            />
          ))}
          <Row
            label="difference"
            operator=""
            kind="difference"
            values={STREAMS.map((stream) => status.ledger[stream].difference)}
          />
        </tbody>
      </table>
      <Bar status={status} />
    </section>
  )
}

function notCountedText({ ledger }: PipelineStatus, stream: StreamName): string {
  const { events, share } = notCounted(ledger[stream])
  return `${formatCount(events)} ${stream} (${formatShare(share, share < 0.01 ? 2 : 1)})`
}

interface RowProps {
  readonly label: string
  readonly operator: string
  readonly kind: string
  readonly opens?: EventClass
  readonly values: readonly (number | undefined)[]
}

function Row({ label, operator, kind, opens, values }: RowProps): VNode {
  return (
    <tr class={`is-${kind}`} data-class={kind}>
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
        <td key={STREAMS[index]} class={value === 0 ? 'is-zero' : ''}>
          <span class="op" aria-hidden="true">
            {value === undefined ? '' : operator}
          </span>
          {value === undefined ? '' : formatCount(value)}
        </td>
      ))}
    </tr>
  )
}

/** The classes of all events as one bar. Small ones keep a width that can be seen. */
function Bar({ status }: { status: PipelineStatus }): VNode {
  const counts = EVENT_CLASSES.map((eventClass) => ({
    eventClass,
    events: STREAMS.reduce((sum, stream) => sum + status.ledger[stream].classes[eventClass], 0),
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
