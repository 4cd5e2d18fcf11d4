import type { VNode } from 'preact'
import { visibleName } from '../format/names.ts'
import { status } from '../live/store.ts'
import { partitionName } from '../model/partition-names.ts'

/** Partitions that a sentence names. */
const NAMED = 4

/** A partition as people call it, with its full name for whoever points at it. */
export function PartitionName({ full }: { full: string }): VNode {
  return <bdi title={visibleName(full)}>{nameOfPartition(full)}</bdi>
}

/** Says whose records are not in the journal, where there are such; what is shown beside it leaves them out. */
export function Elsewhere({ partitions }: { partitions: readonly string[] }): VNode | null {
  if (partitions.length === 0) return null
  const more = partitions.length > NAMED ? ` and ${partitions.length - NAMED} more` : ''
  return (
    <p class="elsewhere">
      Read from Kafka: {partitions.slice(0, NAMED).map(nameOfPartition).join(', ')}
      {more}. Kafka keeps these records, Tidemark does not: their events are counted, but cannot be shown here. Read
      them from their topics.
    </p>
  )
}

/** What people call the partition of this full name. */
export function nameOfPartition(full: string): string {
  return visibleName(partitionName(status.value?.partitions ?? [], full))
}
