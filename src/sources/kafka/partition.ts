/**
 * A partition of a topic as the pipeline knows it, and whether it can still be read on from where we are.
 */
import type { TidemarkError } from '../../errors.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import { gapError } from './kafka-errors.ts'

/** A partition of a topic, and where to go on. */
export interface KafkaPartition {
  /** Name in the pipeline. */
  readonly name: string
  readonly stream: StreamName
  readonly topic: string
  readonly topicId: string
  readonly number: number
  readonly position: number
  /** Of the leader that took in the record before `position`; left out where it is not known. */
  readonly leaderEpoch?: number
}

/** Name of a topic's partition in the pipeline. */
export function partitionName(source: string, stream: StreamName, number: number): string {
  return `${source}/${stream}-${number}`
}

/**
 * Checks that a partition can be read on from a position.
 *
 * @throws TidemarkError KAFKA_GAP
 */
export function checkOffset(
  { topic, number, position }: Pick<KafkaPartition, 'topic' | 'number' | 'position'>,
  first: number,
  end: number,
): void {
  const gap = { topic, partition: number }
  if (position < first)
    throw gapError({ ...gap, from: position, to: first, reason: 'retention has removed them before they were read' })
  if (position > end)
    throw gapError({ ...gap, from: end, to: position, reason: 'the partition was cut back after they had been read' })
}

/** The end of a run whose topic is another one now. */
export function recreated({
  topic,
  number,
  position,
}: Pick<KafkaPartition, 'topic' | 'number' | 'position'>): TidemarkError {
  const reason = 'the topic was removed and made again'
  return gapError({ topic, partition: number, from: position, to: undefined, reason })
}
