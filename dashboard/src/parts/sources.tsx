import type { ComponentChildren, VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PartitionStatus, PartitionWait, PageStatus } from '../../../src/runtime/status.ts'
import { formatBytes, formatCount, NOTHING } from '../format/numbers.ts'
import { formatClock, formatRough } from '../format/times.ts'
import { fullName, partitionNames } from '../model/partition-names.ts'
import { WAITS, whoHoldsBack } from '../model/progress.ts'

const LASTING_MS = 15_000

const NUMBERS = ['Watermark', 'Behind', 'Silent', 'Unread', 'Events'] as const

interface SourcesProps {
  readonly page: PagePlan
  readonly status: PageStatus
  readonly zone: string
}

/** How far every source is, and who holds the result back. On a phone each partition is a card of its own. */
export function Sources({ page, status, zone }: SourcesProps): VNode {
  if (status.source === 'tables') return <SourcesElsewhere />
  const holder = whoHoldsBack(status, page)
  const names = partitionNames(status.partitions)
  return (
    <section class="panel sources" aria-labelledby="title-sources">
      <div class="head">
        <h2 id="title-sources">Sources</h2>
        <p class={holder?.isWarning === true ? 'sub warn' : 'sub'} title={holder?.text}>
          {holder?.text ?? 'nobody holds the result back'}
        </p>
      </div>
      <table>
        <caption class="hidden">Partitions of the sources</caption>
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col">State</th>
            {NUMBERS.map((label) => (
              <th key={label} scope="col" class="n">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {status.partitions.map((partition, index) => (
            <Partition
              key={`${partition.stream} ${partition.partition}`}
              partition={partition}
              name={names[index] ?? partition.name}
              zone={zone}
              isHolding={holder?.isWarning === true && status.heldBackBy === index}
            />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function SourcesElsewhere(): VNode {
  return (
    <section class="panel sources" aria-labelledby="title-sources">
      <div class="head">
        <h2 id="title-sources">Sources</h2>
        <p class="sub">
          read elsewhere: this page reads the tables alone, and knows neither partitions nor raw events. The page of the
          instance that fills them shows both, <code>./tidemark flink status</code> those of a Flink job.
        </p>
      </div>
    </section>
  )
}

interface PartitionProps {
  readonly partition: PartitionStatus
  readonly name: string
  readonly zone: string
  readonly isHolding: boolean
}

function Partition({ partition, name, zone, isHolding }: PartitionProps): VNode {
  const { state, watermarkMs, behindMs, silentForMs, unreadBytes, eventsRead, waitsFor } = partition
  // Everyone waits for something now and then: it is told once it lasts.
  const isLasting = state === 'waiting' || state === 'idle' || (behindMs ?? 0) > LASTING_MS
  const wait = waitsFor === null || !isLasting ? '' : waitInWords(waitsFor)
  return (
    <tr class={isHolding ? 'is-holding' : ''}>
      <th scope="row" title={fullName(partition)}>
        {name}
        {isHolding && <span class="hidden"> (holds the result back)</span>}
      </th>
      <td title={`${state}${wait}`}>
        <span class={`state is-${state}`}>{state}</span>
        <span class="sub wait">{wait}</span>
      </td>
      <Figure label="Watermark">{watermarkMs === null ? NOTHING : formatClock(watermarkMs, zone)}</Figure>
      <Figure label="Behind">{behindMs === null ? NOTHING : formatRough(behindMs)}</Figure>
      <Figure label="Silent">{formatRough(silentForMs)}</Figure>
      <Figure label="Unread">{formatBytes(unreadBytes)}</Figure>
      <Figure label="Events">{formatCount(eventsRead)}</Figure>
    </tr>
  )
}

function waitInWords(waitsFor: PartitionWait): string {
  return waitsFor === 'first_event' ? ', no event yet' : `, waits for ${WAITS[waitsFor]}`
}

/** A number under the heading of its column, which a card shows with it. */
function Figure({ label, children }: { label: (typeof NUMBERS)[number]; children: ComponentChildren }): VNode {
  return (
    <td class="n" data-label={label}>
      {children}
    </td>
  )
}
