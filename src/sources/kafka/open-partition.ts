/**
 * A partition while it is read: what was offered of it, and what waits.
 *
 * L1  With each fetch goes the leader epoch of the record before: a broker whose log says otherwise there tells up to
 *     where both agree. What waits from there on is dropped and read anew; what was offered already is a gap.
 */
import type { TidemarkError } from '../../errors.ts'
import type { FetchedPartition } from './cluster.ts'
import { gapError } from './kafka-errors.ts'
import type { KafkaPartition } from './partition.ts'
import { lastBatchOf } from './record-batch.ts'

export interface OpenPartition extends Omit<KafkaPartition, 'position'> {
  readonly index: number
  leader: number
  /** Offset of the next record to offer, and leader epoch of the one before; −1 where it is not known. */
  position: number
  leaderEpoch: number
  /** The same of the next record to ask for. */
  fetchFrom: number
  fetchEpoch: number
  readonly blocks: WaitingBlock[]
  queuedBytes: number
  /** Where the readable records end, and where what is kept begins, as the broker said last. */
  lastStableOffset: number
  firstOffset: number
  /** Whether the broker said last that there is nothing more. */
  isCaughtUp: boolean
}

/** A block, and the leader epoch of its last batch. */
export interface WaitingBlock {
  readonly fetched: FetchedPartition
  readonly leaderEpoch: number
}

/** A partition of which nothing was fetched yet. */
export function openPartition(known: KafkaPartition, index: number, leader: number): OpenPartition {
  const { position, leaderEpoch = -1, ...partition } = known
  return {
    ...partition,
    index,
    leader,
    position,
    leaderEpoch,
    fetchFrom: position,
    fetchEpoch: leaderEpoch,
    blocks: [],
    queuedBytes: 0,
    lastStableOffset: Infinity,
    firstOffset: 0,
    isCaughtUp: false,
  }
}

/**
 * Takes what a broker sent.
 *
 * @returns whether a block of it waits now
 * @throws TidemarkError KAFKA_GAP where what was offered is no longer there (L1)
 */
export function takeAnswer(partition: OpenPartition, fetched: FetchedPartition): boolean {
  const { bytes, lastStableOffset, logStartOffset, highWatermark, divergedAt } = fetched
  if (divergedAt !== undefined) {
    if (divergedAt < partition.position) throw cutBack(partition, divergedAt)
    dropWaiting(partition)
    return false
  }
  partition.lastStableOffset = lastStableOffset
  partition.firstOffset = logStartOffset
  partition.isCaughtUp = bytes.length === 0 && partition.fetchFrom >= highWatermark
  const { next, leaderEpoch } = lastBatchOf(bytes, partition.fetchFrom)
  if (next === partition.fetchFrom) return false
  partition.fetchFrom = next
  partition.fetchEpoch = leaderEpoch
  partition.blocks.push({ fetched, leaderEpoch })
  partition.queuedBytes += bytes.length
  return true
}

/** Whether its broker is known to have more than what was fetched; so is one that was not asked yet. */
export function hasMore({ fetchFrom, lastStableOffset }: OpenPartition): boolean {
  return fetchFrom < lastStableOffset
}

/** Drops what waits: it is asked for again. */
export function dropWaiting(partition: OpenPartition): void {
  for (const { fetched } of partition.blocks.splice(0)) fetched.giveBack?.()
  partition.queuedBytes = 0
  partition.fetchFrom = partition.position
  partition.fetchEpoch = partition.leaderEpoch
  partition.isCaughtUp = false
}

function cutBack({ topic, number, position }: OpenPartition, from: number): TidemarkError {
  const reason = 'the partition was cut back after they had been read, and others may stand in their place'
  return gapError({ topic, partition: number, from, to: position, reason })
}
