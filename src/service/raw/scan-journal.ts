/**
 * Reads the retained journal for the events of some stretch of time, as the engine decodes them. Only what a question
 * is about is parsed into texts.
 *
 * N1  Nothing that could belong to the stretch is passed over: an event arrives `maxFutureSkew` before its time at the
 *     earliest, and is late once the watermark is past it by the allowed lateness.
 * N2  The engine goes on meanwhile: after {@link SLICE_MS} of work as much time is left to others.
 * N3  No more than {@link MAX_BYTES} are read for one question; more is refused. Where the newest part of a stretch
 *     says what the whole would, it is cut to what is read within seconds.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Disk } from '../../checkpoint/disk/disk.ts'
import { readRetained, type RetainedPartition } from '../../checkpoint/journal/retained.ts'
import { TidemarkError } from '../../errors.ts'
import type { EventBatch } from '../../engine/event-batch.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import type { Positions } from '../../runtime/ports.ts'
import type { Span } from '../../query/view-answer.ts'
import { streamOfPartition } from '../live-partitions.ts'
import type { TailBlock, TailReader } from './tail-reader.ts'

/** How long the thread is kept at a time (N2). */
const SLICE_MS = 8
/** What one question reads at most (N3). */
export const MAX_BYTES: number = 1_024 * 1_048_576

/** An event that is neither malformed nor future nor late; good until the next one. */
export interface ScannedEvent {
  readonly timeMs: number
  readonly partition: string
  readonly batch: EventBatch
  readonly row: number
  /** The record, without white space around it. */
  record(): Uint8Array
}

export interface Scan {
  readonly disk: Disk
  readonly plan: Plan
  readonly partitions: readonly RetainedPartition[]
  readonly positions: Positions
  /** Clicks can belong to it an attribution window after its end. */
  readonly span: Span
}

interface CountedPartitions {
  readonly partitions: readonly Pick<RetainedPartition, 'name'>[]
  readonly positions: Positions
}

/** Partitions that were counted and are not in the journal: those of topics, which keep their own records. */
export function partitionsElsewhere({ partitions, positions }: CountedPartitions): readonly string[] {
  const held = new Set(partitions.map(({ name }) => name))
  return Object.keys(positions).filter((name) => !held.has(name) && positions[name] !== 0)
}

/** When the oldest event that is retained of every partition arrived, ms; −Infinity where none was removed. */
export function retainedFromMs({ partitions }: Pick<Scan, 'partitions'>, plan: Plan): number {
  const { maxFutureSkewMs } = plan.parameters
  return Math.max(
    -Infinity,
    ...partitions.map(({ earliest, segments }) =>
      earliest === 0 ? -Infinity : (segments[0]?.firstArrivalMs ?? Infinity) + maxFutureSkewMs,
    ),
  )
}

/**
 * The newest part of a stretch of time that takes about `maxBytes` to read: the whole, or a half of it, of that a
 * half, and so on, five windows at least.
 *
 * @param nowMs when the events at the positions arrived
 */
export function newestPart(
  scan: Pick<Scan, 'partitions' | 'positions' | 'plan' | 'span'>,
  maxBytes: number,
  nowMs: number,
): Span {
  const { endMs, startMs } = scan.span
  const { windowSizeMs } = scan.plan.parameters
  let windows = Math.ceil((endMs - startMs) / windowSizeMs)
  const partOf = (): Span => ({ startMs: Math.max(startMs, endMs - windows * windowSizeMs), endMs })
  while (windows > MIN_WINDOWS && bytesSince(scan, arrivedFrom(scan.plan, partOf()), nowMs) > maxBytes)
    windows = Math.max(MIN_WINDOWS, windows >> 1)
  return partOf()
}

const MIN_WINDOWS = 5

/** About how many bytes arrived from a time on: within a segment as many in every moment. */
function bytesSince(
  { partitions, positions }: Pick<Scan, 'partitions' | 'positions'>,
  fromMs: number,
  nowMs: number,
): number {
  let bytes = 0
  for (const { name, segments, earliest } of partitions) {
    const end = positions[name] ?? earliest
    for (const [index, { startOffset, firstArrivalMs }] of segments.entries()) {
      const next = segments[index + 1] ?? { startOffset: end, firstArrivalMs: nowMs }
      const lastMs = Math.max(firstArrivalMs + 1, next.firstArrivalMs)
      const share = Math.min(1, Math.max(0, (lastMs - fromMs) / (lastMs - firstArrivalMs)))
      bytes += share * Math.max(0, Math.min(next.startOffset, end) - startOffset)
    }
  }
  return bytes
}

// Copies of an event are up to A + L older.
function arrivedFrom({ parameters }: Plan, { startMs }: Span): number {
  return startMs - parameters.attributionWindowMs - parameters.allowedLatenessMs - parameters.maxFutureSkewMs
}

/**
 * Hands over the events of a stream that can have to do with the span, each partition in its own order.
 *
 * @param reader the same for all scans of a question: what ids become differs from one to the other
 * @throws TidemarkError VIEW_TIMEOUT where too much would be read; JOURNAL_CORRUPT; JOURNAL_MISSING
 */
export async function scanJournal(
  scan: Scan,
  stream: StreamName,
  reader: TailReader,
  onEvent: (event: ScannedEvent) => void,
): Promise<void> {
  const budget = { bytes: 0, sinceMs: performance.now() }
  for (const partition of scan.partitions) {
    if (streamOfPartition(partition.name) !== stream) continue
    const blocks = blocksOf(scan, partition, budget)
    const tail = { stream, name: partition.name, unseenUpToMs: -Infinity, blocks }
    await reader.read(
      tail,
      () => giveWay(budget),
      ({ eventClass, timeMs, batch, row, block }) => {
        if (eventClass !== null) return
        const record = (): Uint8Array => block.lines.subarray(batch.byteStart[row], batch.byteEnd[row])
        onEvent({ timeMs, partition: partition.name, batch, row, record })
      },
    )
  }
}

function* blocksOf(
  { disk, plan, positions, span }: Scan,
  partition: RetainedPartition,
  budget: { bytes: number },
): Generator<TailBlock> {
  const { attributionWindowMs, allowedLatenessMs } = plan.parameters
  const end = positions[partition.name] ?? partition.earliest
  const arrivedFromMs = arrivedFrom(plan, span)
  const lateFromMs = span.endMs + attributionWindowMs + allowedLatenessMs
  const from = Math.min(end, startOffset(partition, arrivedFromMs))
  const reader = readRetained(disk, partition, from, end)
  try {
    for (let block = reader.next(); block !== undefined; block = reader.next()) {
      if (block.floorMs > lateFromMs) return
      if (block.arrivalMs < arrivedFromMs) continue
      budget.bytes += block.lines.length
      if (budget.bytes > MAX_BYTES) throw tooMuch()
      yield block
    }
  } finally {
    reader.close()
  }
}

/** Leaves the thread to others once it was kept for a while (N2). */
export async function giveWay(budget: { sinceMs: number }): Promise<void> {
  const workedMs = performance.now() - budget.sinceMs
  if (workedMs < SLICE_MS) return
  await delay(Math.min(workedMs, 100))
  budget.sinceMs = performance.now()
}

function startOffset({ segments, earliest }: RetainedPartition, arrivedFromMs: number): number {
  const later = segments.findIndex(({ firstArrivalMs }) => firstArrivalMs >= arrivedFromMs)
  const first = later < 0 ? segments.at(-1) : segments[Math.max(0, later - 1)]
  return first?.startOffset ?? earliest
}

function tooMuch(): TidemarkError {
  return new TidemarkError('VIEW_TIMEOUT', `More than ${MAX_BYTES / 1_048_576} MiB of events would have to be read.`, {
    fix: 'ask for a shorter time',
  })
}
