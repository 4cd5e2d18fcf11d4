/**
 * The counted records of topics, as samples are judged from: Kafka keeps them, the journal does not.
 *
 * T1  A partition is read whole, from where the run began to read it, or not at all: when its records came is known of few
 *     of them, so that nothing bounds what came before a part.
 * T2  No more than {@link MOST_TOPIC_RECORDS} are read for one question; where there are more, none are.
 * T3  What cannot be read is named, and nothing is judged as if it were not there.
 */
import { resolve } from 'node:path'
import { TidemarkError } from '../../errors.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import type { Positions } from '../../runtime/ports.ts'
import type { KafkaFolder } from '../../sources/kafka/kafka-folder.ts'
import type { SpillPartition } from '../../verify/spill.ts'
import { streamOfPartition } from '../live-partitions.ts'
import { kafkaFolder } from '../live-sources.ts'
import type { PartitionTail, TailBlock } from './tail-reader.ts'

/** Records of all topics together that one question reads at most (T2). */
export const MOST_TOPIC_RECORDS = 500_000

const LINE_FEED = Uint8Array.of(0x0a)

export interface TopicTails {
  readonly tails: readonly PartitionTail[]
  /** Partitions that are read. */
  readonly read: readonly string[]
  close(): Promise<void>
}

export interface TopicQuestion {
  readonly plan: Plan
  readonly dataDir: string
  readonly positions: Positions
  /** Partitions that were counted and are not in the journal. */
  readonly names: readonly string[]
  readonly mostRecords?: number
}

/** The partitions whole, or as far as they can be had (T3). What is not read is there as a tail without blocks. */
export async function topicTails(question: TopicQuestion): Promise<TopicTails> {
  const { names } = question
  const opened = await openTopics(question)
  const found = opened.partitions.map(({ stream, name, batches }): PartitionTail => {
    return { stream, name, unseenUpToMs: -Infinity, blocks: blocksOf(batches) }
  })
  const read = found.map(({ name }) => name)
  const unread = names.filter((name) => !read.includes(name)).flatMap(unseenTail)
  return { tails: [...found, ...unread], read, close: async () => opened.close() }
}

/** A partition of which nothing is known: whatever stands on its stream is unsure. */
function unseenTail(name: string): PartitionTail[] {
  const stream = streamOfPartition(name)
  return stream === undefined ? [] : [{ stream, name, unseenUpToMs: Infinity, blocks: [] }]
}

interface OpenTopics {
  readonly partitions: readonly SpillPartition[]
  close(): Promise<void>
}

const NONE: OpenTopics = { partitions: [], close: async () => undefined }

async function openTopics(question: TopicQuestion): Promise<OpenTopics> {
  const { plan, dataDir, positions, names, mostRecords = MOST_TOPIC_RECORDS } = question
  if (names.length === 0 || recordsOf(kafkaFolder(resolve(dataDir)), positions, names) > mostRecords) return NONE
  try {
    // Loaded with the first question: most runs have no topics.
    const { topicPartitions } = await import('../verify-topics.ts')
    return await topicPartitions(plan, dataDir, positions)
  } catch (error) {
    // Brokers that are away, and records that retention has removed: the answer says that they were not looked at.
    if (error instanceof TidemarkError) return NONE
    throw error
  }
}

/** Offsets between where the run began and where it is. */
function recordsOf(folder: KafkaFolder, positions: Positions, names: readonly string[]): number {
  return names.reduce((sum, name) => {
    const [, source = '', number = ''] = /^(.*)\/[^/]*-(\d+)$/.exec(name) ?? []
    const from = folder.topicOf(source, streamOfPartition(name) as StreamName)?.from[Number(number)] ?? 0
    return sum + (positions[name] ?? 0) - from
  }, 0)
}

async function* blocksOf(batches: SpillPartition['batches']): AsyncGenerator<TailBlock> {
  for await (const { arrivalMs, floorMs, lines } of batches) {
    const parts = [...lines].flatMap((line) => [line, LINE_FEED])
    yield { arrivalMs, floorMs, lines: Buffer.concat(parts) }
  }
}
