/**
 * Sample events of a class from the newest part of the retained journal, and from topics that are small enough.
 *
 * S1  No more than {@link MAX_SAMPLED_BYTES} are judged for one question, the newest, and the answer says how far back
 *     that is.
 * S2  The engine goes on meanwhile (N2 of `scan-journal.ts`) and keeps nothing for it: only who asks pays.
 */
import { readRetained, type RetainedPartition } from '../../checkpoint/journal/retained.ts'
import { STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import type { SampleAnswer, SampleQuery } from '../../query/sample-answer.ts'
import { streamOfPartition } from '../live-partitions.ts'
import { findSamples, needsBothStreams } from './find-samples.ts'
import { giveWay, partitionsElsewhere, type Scan } from './scan-journal.ts'
import type { PartitionTail, TailBlock } from './tail-reader.ts'
import type { TopicTails } from './topic-tails.ts'

/** What one question reads at most (S1): much where a class depends on what came long before, else little. */
const MAX_SAMPLED_BYTES: number = 256 * 1_048_576
const MAX_NEWEST_BYTES = 32 * 1_048_576
/** A partition that is small beside the others is still read so far. */
const MIN_BYTES = 1_048_576

export interface SampleScan extends Omit<Scan, 'span'> {
  readonly epoch: number
  readonly watermarkMs: number
  /** Topics that are read beside the journal. */
  readonly topics: Pick<TopicTails, 'tails' | 'read'>
  readonly maxBytes?: number
}

/** The end of a partition, up to the newest event that is in the tables. */
interface Tail extends PartitionTail {
  readonly partition: RetainedPartition
  readonly fromOffset: number
  readonly toOffset: number
  /** When the oldest event of it came; −Infinity where nothing came before. */
  readonly fromArrivalMs: number
}

/**
 * Reads and judges.
 *
 * @throws TidemarkError JOURNAL_CORRUPT; JOURNAL_MISSING
 */
export async function readSamples(scan: SampleScan, query: SampleQuery): Promise<SampleAnswer> {
  const { plan, epoch, watermarkMs, topics } = scan
  const budget = { sinceMs: performance.now() }
  const tails = await tailsOf(scan, query, () => giveWay(budget))
  const all = [...tails, ...topics.tails]
  const samples = await findSamples({ plan, tails: all, watermarkMs, giveWay: () => giveWay(budget) }, query)
  const fromMs = Math.max(-Infinity, ...tails.map(({ fromArrivalMs }) => fromArrivalMs))
  return {
    class: query.class,
    epoch,
    watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
    looked: {
      fromMs: Number.isFinite(fromMs) ? fromMs : null,
      bytes: sum(tails.map(({ fromOffset, toOffset }) => toOffset - fromOffset)),
      ofBytes: sum(tails.map(({ partition, toOffset }) => toOffset - partition.earliest)),
    },
    toldFromMs: toldFromMs(scan, query, tails),
    topics: topics.read,
    elsewhere: partitionsElsewhere(scan).filter((name) => !topics.read.includes(name)),
    samples,
  }
}

// Of the journal alone: what a partition elsewhere holds may make all of it unsure, whatever its time.
// From then on nothing that came before can have been a copy of a click, or its impression, or a copy of that.
function toldFromMs({ plan }: SampleScan, query: SampleQuery, tails: readonly Tail[]): number | null {
  if (!needsBothStreams(query.class)) return null
  const unseenMs = Math.max(-Infinity, ...tails.map(({ unseenUpToMs }) => unseenUpToMs))
  const { attributionWindowMs, allowedLatenessMs } = plan.parameters
  const periods = query.class === 'repeat' || query.class === 'out_of_window' ? 2 : 1
  return unseenMs === -Infinity ? null : unseenMs + periods * (attributionWindowMs + allowedLatenessMs)
}

// Each partition gives its share: kept for as long as the others, that goes back about as far in time.
async function tailsOf(scan: SampleScan, query: SampleQuery, rest: () => Promise<void>): Promise<readonly Tail[]> {
  const { partitions, positions } = scan
  const { maxBytes = needsBothStreams(query.class) ? MAX_SAMPLED_BYTES : MAX_NEWEST_BYTES } = scan
  const streams: readonly StreamName[] =
    query.stream === undefined || needsBothStreams(query.class) ? STREAM_NAMES : [query.stream]
  const ends = partitions.flatMap((partition) => {
    const stream = streamOfPartition(partition.name)
    const toOffset = positions[partition.name] ?? partition.earliest
    if (stream === undefined || !streams.includes(stream) || toOffset <= partition.earliest) return []
    return [{ stream, partition, toOffset, heldBytes: toOffset - partition.earliest }]
  })
  const share = maxBytes / Math.max(maxBytes, sum(ends.map(({ heldBytes }) => heldBytes)))
  const tails: Tail[] = []
  for (const { stream, partition, toOffset, heldBytes } of ends) {
    const wanted = Math.max(share * heldBytes, Math.min(MIN_BYTES, heldBytes, maxBytes))
    const fromOffset = await blockAt(scan, partition, { offset: toOffset - wanted, end: toOffset }, rest)
    tails.push(tailOf(scan, { stream, partition, fromOffset, toOffset }))
  }
  return tails
}

function tailOf(scan: SampleScan, part: Pick<Tail, 'stream' | 'partition' | 'fromOffset' | 'toOffset'>): Tail {
  const fromArrivalMs = firstArrivalMs(scan, part)
  return {
    ...part,
    name: part.partition.name,
    fromArrivalMs,
    unseenUpToMs: fromArrivalMs + scan.plan.parameters.maxFutureSkewMs,
    blocks: blocksOf(scan, part),
  }
}

/** Offset of the first block that begins at `offset` or later. */
async function blockAt(
  { disk }: SampleScan,
  partition: RetainedPartition,
  { offset, end }: { readonly offset: number; readonly end: number },
  rest: () => Promise<void>,
): Promise<number> {
  if (offset <= partition.earliest) return partition.earliest
  const segment = partition.segments.findLast(({ startOffset }) => startOffset <= offset)
  const reader = readRetained(disk, partition, segment?.startOffset ?? partition.earliest, end)
  try {
    while (reader.position < offset && reader.next() !== undefined) await rest()
    return reader.position
  } finally {
    reader.close()
  }
}

// A clock that was set back makes an earlier arrival the later one.
function firstArrivalMs({ disk }: SampleScan, part: Pick<Tail, 'partition' | 'fromOffset' | 'toOffset'>): number {
  const { partition, fromOffset, toOffset } = part
  if (fromOffset === 0) return -Infinity
  const before = partition.segments.filter(({ startOffset }) => startOffset <= fromOffset)
  const reader = readRetained(disk, partition, fromOffset, toOffset)
  try {
    const own = reader.next()?.arrivalMs ?? -Infinity
    return Math.max(own, ...before.map(({ firstArrivalMs: arrivalMs }) => arrivalMs))
  } finally {
    reader.close()
  }
}

function* blocksOf(
  { disk }: SampleScan,
  { partition, fromOffset, toOffset }: Pick<Tail, 'partition' | 'fromOffset' | 'toOffset'>,
): Generator<TailBlock> {
  const reader = readRetained(disk, partition, fromOffset, toOffset)
  try {
    for (let block = reader.next(); block !== undefined; block = reader.next()) yield block
  } finally {
    reader.close()
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
