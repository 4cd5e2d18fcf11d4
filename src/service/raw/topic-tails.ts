/**
 * The counted records of topics, as samples are judged from: Kafka keeps them, the journal does not.
 *
 * T1  A partition is read whole, from where the run began to read it, or not at all: when its records came is known of
 *     few of them, so that nothing bounds what came before a part.
 * T2  No more than {@link MAX_TOPIC_RECORDS} are read for one question; where there are more, none are.
 * T3  What cannot be read is named, and nothing is judged as if it were not there. Where a topic breaks off while it is
 *     read, none are.
 * T4  For one question Kafka is waited for no longer than {@link MAX_WAIT_MS}, its partitions together.
 */
import { resolve } from 'node:path'
import { TidemarkError } from '../../errors.ts'
import type { Plan, StreamName } from '../../pipeline/plan.ts'
import type { Positions } from '../../runtime/ports.ts'
import { unreadable } from '../../sources/kafka/kafka-errors.ts'
import type { KafkaFolder } from '../../sources/kafka/kafka-folder.ts'
import type { SpillPartition } from '../../verify/spill.ts'
import { streamOfPartition } from '../live-partitions.ts'
import { kafkaFolder } from '../live-sources.ts'
import type { TopicPartitions } from '../verify-topics.ts'
import type { PartitionTail, TailBlock } from './tail-reader.ts'

/** Records of all topics together that one question reads at most (T2). */
const MAX_TOPIC_RECORDS = 500_000
/** How long brokers may take in all, looking topics up included (T4). */
const MAX_WAIT_MS = 10_000

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
  readonly maxRecords?: number
  readonly maxWaitMs?: number
  /** Finds the partitions; by default in the clusters that the plan names. */
  readonly open?: (plan: Plan, dataDir: string, positions: Positions) => Promise<TopicPartitions>
}

/**
 * Reads with the topics; where one breaks off meanwhile, or Kafka takes too long, once more without any (T3, T4).
 *
 * @throws what `read` throws that is not about Kafka
 */
export async function withTopics<Answer>(
  question: TopicQuestion,
  read: (topics: Pick<TopicTails, 'tails' | 'read'>) => Promise<Answer>,
): Promise<Answer> {
  const topics = await topicTails(question)
  try {
    return await read(topics)
  } catch (error) {
    if (!(error instanceof TidemarkError) || !error.code.startsWith('KAFKA_')) throw error
  } finally {
    await topics.close()
  }
  return read({ tails: question.names.flatMap(unseenTail), read: [] })
}

/** The partitions whole, or as far as they can be had (T3). What is not read is there as a tail without blocks. */
export async function topicTails(question: TopicQuestion): Promise<TopicTails> {
  const { names, maxWaitMs = MAX_WAIT_MS } = question
  const patience = new Patience(maxWaitMs)
  const opened = await openTopics(question, patience)
  const found = opened.partitions.map(({ stream, name, batches }): PartitionTail => {
    return { stream, name, unseenUpToMs: -Infinity, blocks: blocksOf(batches, patience) }
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

const NONE: TopicPartitions = { partitions: [], close: async () => undefined }

async function openTopics(question: TopicQuestion, patience: Patience): Promise<TopicPartitions> {
  const { plan, dataDir, positions, names, maxRecords = MAX_TOPIC_RECORDS, open = openClusters } = question
  if (names.length === 0) return NONE
  let opening: Promise<TopicPartitions> | undefined
  try {
    if (recordsOf(kafkaFolder(resolve(dataDir)), positions, names) > maxRecords) return NONE
    opening = open(plan, dataDir, positions)
    return await patience.wait(opening)
  } catch (error) {
    // What is opened when nobody waits any more is let go of.
    opening?.then(async (late) => late.close()).catch(() => undefined)
    // Brokers that are away, and records that retention has removed: the answer says that they were not looked at.
    if (error instanceof TidemarkError) return NONE
    throw error
  }
}

async function openClusters(plan: Plan, dataDir: string, positions: Positions): Promise<TopicPartitions> {
  // Loaded with the first question: most runs have no topics.
  const { topicPartitions } = await import('../verify-topics.ts')
  return topicPartitions(plan, dataDir, positions)
}

/** How long brokers are still waited for (T4). What is done between two waits takes nothing from it. */
class Patience {
  #leftMs: number

  constructor(maxWaitMs: number) {
    this.#leftMs = maxWaitMs
  }

  /** @throws TidemarkError KAFKA_UNAVAILABLE once the time is up */
  async wait<Value>(coming: Promise<Value>): Promise<Value> {
    const sinceMs = performance.now()
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(unreadable('it takes too long')), Math.max(0, this.#leftMs))
    })
    try {
      return await Promise.race([coming, timeUp])
    } finally {
      clearTimeout(timer)
      this.#leftMs -= performance.now() - sinceMs
    }
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

async function* blocksOf(batches: SpillPartition['batches'], patience: Patience): AsyncGenerator<TailBlock> {
  // Not with `for await`: it would wait for a batch that is given up.
  const coming = batches[Symbol.asyncIterator]()
  for (let next = await patience.wait(coming.next()); next.done !== true; next = await patience.wait(coming.next())) {
    const { arrivalMs, floorMs, lines } = next.value
    const parts = [...lines].flatMap((line) => [line, LINE_FEED])
    yield { arrivalMs, floorMs, lines: Buffer.concat(parts) }
  }
}
