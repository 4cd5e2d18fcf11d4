/**
 * Which segments of the journal may go: whole ones, the oldest first.
 *
 * K1  Nothing at or above a position that is still needed goes, whatever age and size say.
 * K2  A partition without such a position keeps everything.
 * K3  The last segment that holds a block stays, for its end and its source position.
 */
import type { JournalPartition } from './partition.ts'
import type { Segment } from './segment.ts'

/** How much of the raw events is kept. */
export interface Retention {
  readonly maxAgeMs: number
  /** Of all partitions together. */
  readonly maxBytes: number
}

/** A segment that may go. */
export interface Removal {
  readonly partition: JournalPartition
  readonly segment: Segment
}

interface Candidate extends Removal {
  /** No event in the segment arrived later, ms since the epoch. */
  readonly lastArrivalMs: number
}

/** What goes now, in the order in which it goes. */
export function expired(
  partitions: Iterable<JournalPartition>,
  retention: Retention,
  keepFrom: ReadonlyMap<string, number>,
  nowMs: number,
): readonly Removal[] {
  const all = [...partitions]
  const candidates = all
    .flatMap((partition) => candidatesOf(partition, keepFrom.get(partition.name) ?? 0))
    .sort((a, b) => a.lastArrivalMs - b.lastArrivalMs || a.segment.startOffset - b.segment.startOffset)
  let bytes = 0
  for (const { segments } of all) for (const segment of segments) bytes += sizeOf(segment)
  const removals: Removal[] = []
  const kept = new Set<JournalPartition>()
  for (const { partition, segment, lastArrivalMs } of candidates) {
    const goes = !kept.has(partition) && (bytes > retention.maxBytes || nowMs - lastArrivalMs > retention.maxAgeMs)
    if (goes) {
      bytes -= sizeOf(segment)
      removals.push({ partition, segment })
    } else kept.add(partition)
  }
  return removals
}

function candidatesOf(partition: JournalPartition, keepFrom: number): Candidate[] {
  const { segments } = partition
  const last = segments.findLastIndex(({ byteLength }) => byteLength > 0)
  const candidates: Candidate[] = []
  let lastArrivalMs = -Infinity
  for (const [i, segment] of segments.slice(0, Math.max(0, last)).entries()) {
    if (segment.endOffset > keepFrom) break
    // A clock that went back must not let a segment overtake the one before it.
    lastArrivalMs = Math.max(lastArrivalMs, (segments[i + 1] as Segment).firstArrivalMs)
    candidates.push({ partition, segment, lastArrivalMs })
  }
  return candidates
}

function sizeOf(segment: Segment): number {
  return segment.headerBytes + segment.byteLength
}
