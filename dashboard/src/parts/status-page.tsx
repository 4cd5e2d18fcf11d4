import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { StreamName } from '../../../src/pipeline/plan.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatBytes, formatCount, formatShare, NOTHING } from '../format/numbers.ts'
import { formatClock, formatLength, formatMinute, formatRough } from '../format/times.ts'
import { link, page, status, waiting } from '../live/store.ts'
import { isLimited } from '../live/viewer.ts'
import { notCounted } from '../model/not-counted.ts'
import { fullName, partitionNames } from '../model/partition-names.ts'
import { nothingComes, writtenUpToMs } from '../model/freshness.ts'
import { verdictOf } from '../model/verdict.ts'
import { rememberedZone } from '../state/preferences.ts'
import { Mark } from './mark.tsx'

/** Whether all is well, for a phone: the verdict first, then the few numbers behind it. */
export function StatusPage(): VNode {
  const plan = page.value
  const now = status.value
  const zone = rememberedZone()
  return (
    <div class="status-sheet">
      <header>
        <Mark />
        <a href="/">the page</a>
      </header>
      <main>
        {plan === null || now === null ? (
          <p class="verdict is-unknown" role="status">
            Connecting
          </p>
        ) : (
          <Known plan={plan} now={now} zone={zone} />
        )}
      </main>
    </div>
  )
}

interface KnownProps {
  readonly plan: PagePlan
  readonly now: PageStatus
  readonly zone: string
}

function Known({ plan, now, zone }: KnownProps): VNode {
  const verdict =
    link.value.state === 'stale'
      ? { tone: 'bad', text: `No word from the server since ${formatClock(link.value.lastMessageMs ?? 0, zone)}` }
      : verdictOf(now, plan, waiting.value)
  return (
    <>
      <p class={`verdict is-${verdict.tone}`} role="status">
        {verdict.text}
      </p>
      <Facts plan={plan} now={now} zone={zone} />
      {!isLimited.value && now.source === 'engine' && <h2>Sources</h2>}
      <SourceList partitions={now.partitions} />
      <p class="sub">times in {zone}</p>
    </>
  )
}

function Facts({ plan, now, zone }: KnownProps): VNode {
  const isStale = link.value.state === 'stale'
  const asOfMs = writtenUpToMs(plan, now, waiting.value)
  // Nobody is behind events that never came.
  const behindMs = asOfMs === null || isStale || nothingComes(now) !== undefined ? null : now.nowMs - asOfMs
  const databaseState = now.database.state === 'none' ? 'not in use' : now.database.state
  return (
    <dl class="facts">
      <Fact name="As of" value={asOfMs === null ? NOTHING : formatClock(asOfMs, zone)} />
      <Fact name="Behind" value={behindMs === null ? NOTHING : formatLength(behindMs)} />
      <Fact name="Final up to" value={now.finalUpToMs === null ? NOTHING : formatMinute(now.finalUpToMs, zone)} />
      <Fact name="PostgreSQL" value={isStale ? NOTHING : databaseState} />
      {!isLimited.value && <FactsOfAll now={now} />}
      {now.epoch !== null && <Fact name="Epoch" value={formatCount(now.epoch)} />}
    </dl>
  )
}

/** What nobody is told who is limited to some members. */
function FactsOfAll({ now }: { now: PageStatus }): VNode {
  return (
    <>
      <NotCounted now={now} stream="impressions" />
      <NotCounted now={now} stream="clicks" />
      {now.source === 'engine' && (
        <Fact
          name="Ledger difference"
          value={formatCount(now.ledger.impressions.difference + now.ledger.clicks.difference)}
        />
      )}
      {now.eventsPerSecond !== null && (
        <Fact name="Events a second" value={formatCount(Math.round(now.eventsPerSecond))} />
      )}
      {now.source === 'engine' && <Fact name="Journal" value={formatBytes(now.intake.journalBytes)} />}
    </>
  )
}

function SourceList({ partitions }: Pick<PageStatus, 'partitions'>): VNode {
  const names = partitionNames(partitions)
  return (
    <ul class="source-list">
      {partitions.map((partition, index) => (
        <li key={`${partition.stream} ${partition.partition}`}>
          <span title={fullName(partition)}>{names[index]}</span>
          <b class={`state is-${partition.state}`}>{partition.state}</b>
          <span class="sub">{formatRough(partition.silentForMs)} silent</span>
        </li>
      ))}
    </ul>
  )
}

function NotCounted({ now, stream }: { now: PageStatus; stream: StreamName }): VNode {
  const { events, share } = notCounted(now.ledger[stream])
  const name = stream === 'clicks' ? 'Clicks not counted' : 'Impressions not counted'
  return <Fact name={name} value={`${formatCount(events)}, ${formatShare(share, 1)}`} />
}

function Fact({ name, value }: { name: string; value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
