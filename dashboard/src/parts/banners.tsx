import type { VNode } from 'preact'
import { inSentence, type PagePlan } from '../../../src/pipeline/page.ts'
import type { PipelineStatus } from '../../../src/runtime/status.ts'
import type { AnswerTrouble } from '../live/answers.ts'
import { formatCount } from '../format/numbers.ts'
import { formatClock, formatLength } from '../format/times.ts'
import { zoneInWords } from '../format/zones.ts'
import { isLimited, viewer } from '../live/viewer.ts'
import { cleanAddress, strays, view } from '../state/view-state.ts'
import { Name } from './name.tsx'

/** Says loudly that the results do not reach PostgreSQL, and what that means. */
export function DatabaseBanner({ status }: { status: PipelineStatus }): VNode | null {
  const { state, sinceMs, waitingCells, intakePaused, message } = status.database
  if (state !== 'down') return null
  return (
    <div class="banner">
      <p role="alert">
        <b>PostgreSQL is down</b> since {formatClock(sinceMs, view.value?.zone)}{' '}
        {zoneInWords(view.value?.zone ?? 'UTC')}.{' '}
        {intakePaused ? 'Intake is paused until it is back; nothing is lost.' : 'Counting goes on; nothing is lost.'}
      </p>
      <p>
        For {formatLength(status.nowMs - sinceMs)}
        {isLimited.value ? '' : `; ${formatCount(waitingCells)} changed cells wait to be written`}.{' '}
        {message !== null && <span class="sub">{message}</span>}
      </p>
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

/** Says why the numbers are not those that were asked for. */
export function AnswerBanner({ trouble }: { trouble: AnswerTrouble }): VNode {
  return (
    <div class="banner">
      <p role="alert">
        <b>The numbers are not new</b> since {formatClock(trouble.sinceMs, view.value?.zone)}: {trouble.message}{' '}
        {trouble.fix}
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
