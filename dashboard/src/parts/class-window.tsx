import type { VNode } from 'preact'
import { STREAM_NAMES, UNATTRIBUTED, type LedgerClass, type StreamName } from '../../../src/pipeline/plan.ts'
import type { LedgerAnswer } from '../../../src/query/ledger-view.ts'
import { formatCount, formatShare, NOTHING } from '../format/numbers.ts'
import { formatMoment } from '../format/times.ts'
import { canAsk, planAnswer } from '../live/answers.ts'
import { status } from '../live/store.ts'
import { useAnswer } from '../live/use-answer.ts'
import { isAdmin } from '../live/viewer.ts'
import { classInWords, classTitle, eventsOf, isClassOf } from '../model/event-classes.ts'
import { rangeText, screen } from '../state/shown.ts'
import { SAMPLED_CLASSES, type SampledClass } from '../../../src/query/sample-answer.ts'
import { DeadLetters } from './dead-letters.tsx'
import { Samples } from './samples.tsx'
import { Sparkline } from './sparkline.tsx'
import { Window } from './window.tsx'

/** One class of the ledger: what it means, its share of each stream, when its events came, and examples. */
export function ClassWindow({ eventClass }: { eventClass: LedgerClass }): VNode {
  const shown = screen.value
  const path = canAsk.peek() === true && shown !== null ? `/api/v1/ledger?${rangeText(shown)}` : null
  const { answer, problem } = useAnswer<LedgerAnswer>(path)
  // What was answered of another range is not the number of this one.
  const ledger = problem === '' ? answer : null
  return (
    <Window kind="class" title={classTitle(eventClass)}>
      <p>{classInWords(eventClass, planAnswer.value?.plan.parameters)}</p>
      <Shares eventClass={eventClass} ledger={ledger} />
      <Examples eventClass={eventClass} />
      {shown !== null && ledger !== null && (
        <p class="sub">
          The range is {formatMoment(ledger.range.startMs, shown.zone)} to{' '}
          {formatMoment(ledger.range.endMs, shown.zone)}, by the time of the event.
        </p>
      )}
      {problem !== '' && <p role="alert">{problem}</p>}
    </Window>
  )
}

interface SharesProps {
  readonly eventClass: LedgerClass
  readonly ledger: LedgerAnswer | null
}

function Shares({ eventClass, ledger }: SharesProps): VNode {
  return (
    <div class="table-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col" class="n">
              Events
            </th>
            <th scope="col" class="n">
              Share
            </th>
            {ledger !== null && (
              <>
                <th scope="col" class="n">
                  In the range
                </th>
                <th scope="col">Over the range</th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {STREAM_NAMES.filter((stream) => isClassOf(stream, eventClass)).map((stream) => (
            <StreamRow key={stream} stream={stream} eventClass={eventClass} ledger={ledger} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function StreamRow({ stream, eventClass, ledger }: SharesProps & { readonly stream: StreamName }): VNode {
  const all = status.value?.ledger[stream]
  const events = status.value === null ? 0 : eventsOf(status.value, stream, eventClass)
  const own = ledger?.streams.find((one) => one.stream === stream)?.classes.find((one) => one.class === eventClass)
  return (
    <tr>
      <th scope="row">{stream}</th>
      <td class="n">{formatCount(events)}</td>
      <td class="n">{all === undefined || all.read === 0 ? NOTHING : formatShare(events / all.read)}</td>
      {own !== undefined && (
        <>
          <td class="n">{formatCount(own.events)}</td>
          <td class="spark-cell">
            <Sparkline values={own.byBucket} />
          </td>
        </>
      )}
    </tr>
  )
}

/** Events of the class themselves, for those who may see raw records. */
function Examples({ eventClass }: { eventClass: LedgerClass }): VNode | null {
  if (eventClass === 'counted' || eventClass === UNATTRIBUTED) return null
  if (!isAdmin.value) return <p class="sub">Raw records are for administrators.</p>
  if (canAsk.value !== true) return null
  return isSampled(eventClass) ? <Samples key={eventClass} eventClass={eventClass} /> : <DeadLetters />
}

function isSampled(eventClass: LedgerClass): eventClass is SampledClass {
  return (SAMPLED_CLASSES as readonly LedgerClass[]).includes(eventClass)
}
