import type { VNode } from 'preact'
import { inSentence, type PagePlan } from '../../../src/pipeline/page.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { answered, trouble, type AnswerTrouble } from '../live/answers.ts'
import { status, waiting } from '../live/store.ts'
import { stalledForMs } from '../model/freshness.ts'
import { stillInWords } from '../model/still.ts'
import { formatCount } from '../format/numbers.ts'
import { formatClock, formatLength } from '../format/times.ts'
import { zoneInWords } from '../format/zones.ts'
import { isLimited, viewer } from '../live/viewer.ts'
import { cleanAddress, strays, view } from '../state/view-state.ts'
import { Name } from './name.tsx'

/** Says loudly that the results do not reach PostgreSQL, and what that means. */
export function DatabaseBanner({ status: now }: { status: PageStatus }): VNode | null {
  const { state, sinceMs, waitingCells, intakePaused, message } = now.database
  if (state !== 'down') return null
  if (now.source === 'tables') return <UnreadBanner status={now} />
  return (
    <div class="banner">
      <p role="alert">
        <b>PostgreSQL is down</b> since {formatClock(sinceMs, view.value?.zone)}{' '}
        {zoneInWords(view.value?.zone ?? 'UTC')}.{' '}
        {intakePaused ? 'Intake is paused until it is back; nothing is lost.' : 'Counting goes on; nothing is lost.'}
      </p>
      <p>
        For {formatLength(now.nowMs - sinceMs)}
        {isLimited.value ? '' : `; ${formatCount(waitingCells)} changed cells wait to be written`}.{' '}
        {message !== null && <span class="sub">{message}</span>}
      </p>
    </div>
  )
}

/** Says that tables which somebody else fills cannot be read: how their writer fares nobody here knows. */
function UnreadBanner({ status: { database } }: { status: PageStatus }): VNode {
  return (
    <div class="banner">
      <p role="alert">
        <b>PostgreSQL cannot be read</b> since {formatClock(database.sinceMs, view.value?.zone)}{' '}
        {zoneInWords(view.value?.zone ?? 'UTC')}. What is shown is what was read last.
      </p>
      {database.message !== null && <p class="sub">{database.message}</p>}
    </div>
  )
}

/** Says calmly what is not shown, and why. */
export function LimitedNote({ page }: { page: PagePlan }): VNode {
  const labelOf = (name: string): string =>
    page.boards.find(({ dimension }) => dimension.name === name)?.dimension.label ?? name
  return (
    <p class="limited sub">
      You see{' '}
      {viewer.value?.scope.map(({ dimension, members }, index) => (
        <span key={dimension}>
          {index > 0 && ', and '}
          {inSentence(labelOf(dimension))}{' '}
          {members.map((member, at) => (
            <span key={member}>
              {at > 0 && ', '}
              <b>
                <Name text={member} />
              </b>
            </span>
          ))}
        </span>
      ))}{' '}
      alone. The ledger, sources and raw events hold those of others too, and are not shown.
    </p>
  )
}

/** Says that nobody answers, and how to go on; the header says since when. */
export function StoppedBanner({ reason }: { reason: string }): VNode {
  const isKnown = reason !== '' && !reason.startsWith('The server')
  return (
    <div class="banner">
      <p role="alert">
        <b>{isKnown ? reason : 'The run has stopped, or cannot be reached.'}</b> What is shown is what came last.
      </p>
      <p class="sub">
        Where it has stopped, start it again as before, such as with <code>./tidemark run …</code>; the page goes on by
        itself.
      </p>
    </div>
  )
}

/** Says what the numbers are of while those that are asked for do not come. */
export function StillBanner({ isStale }: { isStale: boolean }): VNode | null {
  const [last, asked, now] = [answered.value, view.value, status.value]
  if (last === null || asked === null) return null
  const words = stillInWords(last.state, asked)
  const isSilent = now !== null && (now.database.state === 'down' || stalledForMs(now, waiting.value) !== null)
  const reason = trouble.value === null ? '' : `${trouble.value.message} ${capitalised(trouble.value.fix)}`.trim()
  // What was said of the question before says more than that nothing comes.
  const silence = isStale ? 'the server does not answer.' : 'PostgreSQL does not answer.'
  const why = isSilent || (isStale && reason === '') ? silence : reason
  return (
    <div class={`banner ${why === '' ? 'is-note' : ''}`}>
      <p role="alert">
        <b>Still {words.shown}.</b> {capitalised(words.asked)}{' '}
        {why === '' ? 'takes longer than usual.' : `cannot be read now: ${why}`}
      </p>
    </div>
  )
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Says why the numbers are not those that were asked for. */
export function AnswerBanner({ trouble: problem }: { trouble: AnswerTrouble }): VNode {
  return (
    <div class="banner">
      <p role="alert">
        <b>The numbers are not new</b> since {formatClock(problem.sinceMs, view.value?.zone)}: {problem.message}{' '}
        {problem.fix}
      </p>
    </div>
  )
}

/** Says what of the address could not be read, and what is allowed there. */
export function StrayBanner(): VNode | null {
  if (strays.value.length === 0) return null
  return (
    <div class="banner is-note">
      <p role="status">
        <b>Part of the address is not understood</b> and left out: the numbers are not limited to it.{' '}
        <button type="button" class="quiet" onClick={cleanAddress}>
          dismiss
        </button>
      </p>
      <ul class="strays">
        {strays.value.map(({ key, value, allowed }) => (
          <li key={key}>
            <b>
              <Name text={`${key}=${value}`} />
            </b>{' '}
            <span class="sub">allowed: {allowed}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
