/**
 * How far the pipeline has come, and what it waits for, in words.
 */
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PartitionStatus, PartitionWait, PageStatus } from '../../../src/runtime/status.ts'
import { formatLength, formatWhole } from '../format/times.ts'
import { partitionNames } from './partition-names.ts'

/** Gaps this long between events are chance, whatever the plan says. */
const MIN_GAP_MS = 2_000

/** What a partition waits for, in words. */
export const WAITS: Readonly<Record<PartitionWait, string>> = {
  event: 'an event',
  first_event: 'its first event',
  disk: 'the disk',
  engine: 'the engine',
  database: 'PostgreSQL',
}

export interface Holder {
  readonly text: string
  readonly isWarning: boolean
}

/**
 * Up to which event time everything has been read: the watermark without its allowance for disorder. Of the tables of a
 * Flink job, which tell their watermark only by the windows that are closed, when they were written.
 */
export function readUpToMs({ outOfOrdernessMs }: PagePlan, status: PageStatus): number | null {
  if (isOfJob(status)) return status.committedAtMs
  if (status.watermarkMs !== null) return Math.min(status.watermarkMs + outOfOrdernessMs, status.nowMs)
  return hasEnded(status) ? highestMs(status.partitions) : null
}

/** Whether nobody numbers epochs: a Flink job fills the tables. */
export function isOfJob({ source, epoch }: PageStatus): boolean {
  return source === 'tables' && epoch === null
}

/** Whether the input was bounded and has been read to its end: nothing on the page will change any more. */
export function hasEnded({ partitions }: PageStatus): boolean {
  return partitions.length > 0 && partitions.every(({ state }) => state === 'ended')
}

/** What of a plan says when a source is late. */
export type Allowances = Pick<PagePlan, 'outOfOrdernessMs' | 'idleTimeoutMs'>

/**
 * Which partition holds the result back, and why; undefined when there is nothing to say. Some partition always is the
 * furthest behind: none is named while all are within what the plan allows for disorder and half of its idle timeout.
 */
export function whoHoldsBack(status: PageStatus, allowances: Allowances): Holder | undefined {
  const { partitions, heldBackBy } = status
  const names = partitionNames(partitions)
  const waiting = names.filter((_, index) => partitions[index]?.state === 'waiting')
  const first = waiting[0]
  if (status.watermarkMs === null && first !== undefined) {
    const others = waiting.length === 1 ? '' : ` and ${waiting.length - 1} more`
    return { text: `waiting for the first event of ${first}${others}`, isWarning: false }
  }
  const holder = heldBackBy === null ? undefined : partitions[heldBackBy]
  const name = heldBackBy === null ? undefined : names[heldBackBy]
  if (holder === undefined || name === undefined) return undefined
  const gapMs = Math.max(MIN_GAP_MS, allowances.idleTimeoutMs / 2)
  const allowedMs = allowances.outOfOrdernessMs + gapMs
  if (holder.silentForMs > gapMs) return { text: `${name} ${silenceInWords(holder)}`, isWarning: true }
  const behindMs = holder.behindMs ?? 0
  if (behindMs > allowedMs) return { text: `${name} is ${formatLength(behindMs)} late`, isWarning: true }
  return { text: `All sources on time (within ${formatWhole(allowedMs)})`, isWarning: false }
}

function silenceInWords({ silentForMs, idleInMs, waitsFor }: PartitionStatus): string {
  if (waitsFor === 'disk' || waitsFor === 'engine' || waitsFor === 'database')
    return `holds the result back: its events wait for ${WAITS[waitsFor]}`
  const silence = `has been silent for ${formatLength(silentForMs)}`
  if (idleInMs === null || idleInMs === 0) return `${silence} and holds the result back`
  return `${silence}; results wait for it ${formatLength(idleInMs)} more`
}

/** The newest event time of all partitions, ms; null before the first event. */
export function highestMs(partitions: readonly PartitionStatus[]): number | null {
  const times = partitions.flatMap(({ highestEventTimeMs }) => highestEventTimeMs ?? [])
  return times.length === 0 ? null : Math.max(...times)
}
