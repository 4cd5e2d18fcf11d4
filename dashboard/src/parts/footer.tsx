import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatCount, NOTHING, THIN_SPACE } from '../format/numbers.ts'
import { formatClock, formatMinute } from '../format/times.ts'
import { isLimited } from '../live/viewer.ts'
import { provisionalText } from '../model/finality.ts'
import { hasEnded, whoHoldsBack } from '../model/progress.ts'
import type { Screen } from '../model/screen.ts'

const DATABASE_WORDS = { starting: 'starting', up: 'up', down: 'down', none: 'not in use' } as const

interface FooterProps {
  readonly page: PagePlan
  readonly status: PageStatus
  readonly screen: Screen
  /** Whether nobody answers. */
  readonly isStale: boolean
}

/** What is final and how the pipeline is doing: the line that stays in sight where there is room. */
export function Footer({ page, status, screen, isStale }: FooterProps): VNode {
  const provisional = provisionalText(screen)
  if (hasEnded(status)) return <FooterOfEnded status={status} />
  const holder = whoHoldsBack(status, page)
  const { database, epochDurationMs } = status
  return (
    <footer>
      <span>
        Final up to <b>{status.finalUpToMs === null ? NOTHING : formatMinute(status.finalUpToMs, screen.zone)}</b>
      </span>
      {provisional !== undefined && <span class="finality">{provisional}</span>}
      {/* What goes on now nobody knows where nobody answers. */}
      <span
        class={`holder ${holder?.isWarning === true && !isStale ? 'warn' : ''}`}
        title={isStale ? '' : holder?.text}
      >
        {!isStale && holder?.text}
      </span>
      <span>
        Watermark <b>{status.watermarkMs === null ? NOTHING : formatClock(status.watermarkMs, screen.zone)}</b>
      </span>
      {status.epoch !== null && (
        <span class="epoch">
          Epoch <b>{formatCount(status.epoch)}</b>
          {epochDurationMs !== null && `, ${formatCount(Math.round(epochDurationMs))}${THIN_SPACE}ms`}
        </span>
      )}
      {!isLimited.value && !isStale && <Rate eventsPerSecond={status.eventsPerSecond} />}
      <span class={database.state === 'down' && !isStale ? 'down' : ''}>
        PostgreSQL <b>{isStale ? NOTHING : DATABASE_WORDS[database.state]}</b>
        {!isStale &&
          database.state !== 'up' &&
          database.waitingCells > 0 &&
          `, ${formatCount(database.waitingCells)} cells wait`}
      </span>
    </footer>
  )
}

/** A log that was read to its end waits for nothing. */
function FooterOfEnded({ status }: { status: PageStatus }): VNode {
  const { partitions, eventsPerSecond } = status
  return (
    <footer>
      <span>Everything is final</span>
      <span>
        <b>{formatCount(partitions.length)}</b> partitions, read to their end
      </span>
      <Rate eventsPerSecond={eventsPerSecond} />
    </footer>
  )
}

function Rate({ eventsPerSecond }: { eventsPerSecond: number | null }): VNode | null {
  if (eventsPerSecond === null) return null
  return (
    <span class="rate">
      <b>{eventsPerSecond < 100 ? eventsPerSecond.toFixed(1) : formatCount(Math.round(eventsPerSecond))}</b> events/s
    </span>
  )
}
