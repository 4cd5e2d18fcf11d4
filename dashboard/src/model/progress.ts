/**
 * How far the pipeline has come, and what it waits for, in words.
 */
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PartitionStatus, PipelineStatus } from '../../../src/runtime/status.ts'
import { formatLength } from '../format/times.ts'

/** From this long a silence on, the partition that holds results back is worth a warning. */
const WORTH_A_WARNING_MS = 3_000

export interface Holder {
  readonly text: string
  readonly isWarning: boolean
}

/** Up to which event time everything has been read: the watermark without its allowance for disorder. */
export function readUpToMs({ outOfOrdernessMs }: PagePlan, status: PipelineStatus): number | null {
  if (status.watermarkMs !== null) return Math.min(status.watermarkMs + outOfOrdernessMs, status.nowMs)
  return hasEnded(status) ? highestMs(status.partitions) : null
}

/** When the tables were last written, ms, where they cannot be now; null where they can, or never were by this run. */
export function standsSinceMs({ database, committedAtMs }: PipelineStatus): number | null {
  return database.state === 'down' ? committedAtMs : null
}

/** Whether the input was bounded and has been read to its end: nothing on the page will change any more. */
export function hasEnded({ partitions }: PipelineStatus): boolean {
  return partitions.length > 0 && partitions.every(({ state }) => state === 'ended')
}

/** Which partition holds the result back, and why; undefined when there is nothing to say. */
export function whoHoldsBack({ idleTimeoutMs }: PagePlan, status: PipelineStatus): Holder | undefined {
  const waiting = status.partitions.filter(({ state }) => state === 'waiting')
  const first = waiting[0]
  if (status.watermarkMs === null && first !== undefined) {
    const others = waiting.length === 1 ? '' : ` and ${waiting.length - 1} more`
    return { text: `waiting for the first event of ${nameOf(first)}${others}`, isWarning: false }
  }
  const holder = status.heldBackBy === null ? undefined : status.partitions[status.heldBackBy]
  if (holder === undefined) return undefined
  if (holder.silentForMs < WORTH_A_WARNING_MS) {
    return { text: `${nameOf(holder)} is the furthest behind`, isWarning: false }
  }
  const leftMs = idleTimeoutMs - holder.silentForMs
  const until = leftMs > 0 ? `; it stops doing so in ${formatLength(leftMs)}` : ''
  const silence = `silent for ${formatLength(holder.silentForMs)}`
  return { text: `${nameOf(holder)} holds the result back: ${silence}${until}`, isWarning: true }
}

/** What the table of the sources calls it: a number counts over all sources of a stream, and is no name in any. */
function nameOf({ stream, name }: PartitionStatus): string {
  return `${stream} / ${name}`
}

function highestMs(partitions: readonly PartitionStatus[]): number | null {
  const times = partitions.flatMap(({ highestEventTimeMs }) => highestEventTimeMs ?? [])
  return times.length === 0 ? null : Math.max(...times)
}
