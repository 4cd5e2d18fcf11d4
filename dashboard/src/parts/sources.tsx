import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PartitionStatus, PipelineStatus } from '../../../src/runtime/status.ts'
import { formatBytes, formatCount, NOTHING } from '../format/numbers.ts'
import { formatClock, formatLength } from '../format/times.ts'
import { whoHoldsBack } from '../model/progress.ts'

const LASTING_MS = 15_000

const WAITS = {
  event: 'an event',
  first_event: 'its first event',
  disk: 'the disk',
  engine: 'the engine',
  database: 'PostgreSQL',
} as const

/** How far every source is, and who holds the result back. */
export function Sources({ page, status, zone }: { page: PagePlan; status: PipelineStatus; zone: string }): VNode {
  const holder = whoHoldsBack(page, status)
  return (
    <section class="panel sources" aria-labelledby="title-sources">
      <div class="head">
        <h2 id="title-sources">Sources</h2>
        <p class={holder?.isWarning === true ? 'sub warn' : 'sub'} title={holder?.text}>
          {holder?.text ?? 'nobody holds the result back'}
        </p>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Partitions of the sources">
        <table>
          <thead>
            <tr>
              <th scope="col">Partition</th>
              <th scope="col">State</th>
              <th scope="col" class="n">
                Watermark
              </th>
              <th scope="col" class="n">
                Behind
              </th>
              <th scope="col" class="n">
                Silent
              </th>
              <th scope="col" class="n">
                Unread
              </th>
              <th scope="col" class="n">
                Events
              </th>
            </tr>
          </thead>
          <tbody>
            {status.partitions.map((partition, index) => (
              <Partition
                key={`${partition.stream} ${partition.partition}`}
                partition={partition}
                zone={zone}
                isHolding={status.heldBackBy === index}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Partition(props: { partition: PartitionStatus; zone: string; isHolding: boolean }): VNode {
  const { partition, zone, isHolding } = props
  const { stream, name, state, watermarkMs, behindMs, silentForMs, unreadBytes, eventsRead, waitsFor } = partition
  // Everyone waits for something now and then: it is told once it lasts.
  const isLasting = state === 'waiting' || state === 'idle' || (behindMs ?? 0) > LASTING_MS
  const wait = waitsFor === null || !isLasting ? '' : `, waits for ${WAITS[waitsFor]}`
  return (
    <tr class={isHolding ? 'is-holding' : ''}>
      <th scope="row">
        {stream} / {name}
        {isHolding && <span class="hidden"> (holds the result back)</span>}
      </th>
      <td>
        <span class={`state is-${state}`}>{state}</span>
        <span class="sub">{wait}</span>
      </td>
      <td class="n">{watermarkMs === null ? NOTHING : formatClock(watermarkMs, zone)}</td>
      <td class="n">{behindMs === null ? NOTHING : formatLength(behindMs)}</td>
      <td class="n">{formatLength(silentForMs)}</td>
      <td class="n">{formatBytes(unreadBytes)}</td>
      <td class="n">{formatCount(eventsRead)}</td>
    </tr>
  )
}
