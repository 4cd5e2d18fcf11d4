/**
 * Lines of a simulated log as records of the plan's topics: each with its event's own id as its key, in the partition
 * that the id decides.
 */
import { TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../pipeline/plan.ts'
import type { WriteLines } from '../../traffic/ad-traffic.ts'
import type { LineTarget } from '../../traffic/writers/generate-log.ts'
import { linesOf } from '../../text/lines.ts'
import { keyOf } from './record-key.ts'
import { accessTo, ensureTopics, topicPartitions, type KafkaAddress } from './topics.ts'
import { TopicWriter } from './topic-writer.ts'

/** Takes lines until it is closed. */
export class TopicLines implements LineTarget {
  readonly #plan: Plan
  readonly #writer: TopicWriter

  constructor(plan: Plan, brokers: KafkaAddress) {
    this.#plan = plan
    this.#writer = new TopicWriter(brokers)
  }

  readonly write: WriteLines = (stream, partition, bytes, start, end) => {
    const { topic, idField } = this.#plan.streams[stream]
    for (const value of linesOf(Buffer.from(bytes.slice(start, end).buffer)))
      this.#writer.add({ topic, partition, key: keyOf(value, idField), value })
  }

  async flush(): Promise<void> {
    await this.#writer.flush()
  }

  /** Lets go of the connections. */
  async close(): Promise<void> {
    await this.#writer.close()
  }
}

/**
 * Makes the plan's topics where they are missing.
 *
 * @param partitions how many each is to have; left out, as many as are there, or `otherwise`
 * @returns how many partitions both have
 * @throws TidemarkError KAFKA_UNAVAILABLE; USAGE where a topic has fewer
 */
export async function preparePlanTopics(
  plan: Plan,
  brokers: KafkaAddress,
  partitions: number | undefined,
  otherwise: number,
): Promise<number> {
  const present = await topicPartitions(brokers, topicsOf(plan))
  const fewest = Math.min(...topicsOf(plan).map((name) => present.get(name) ?? Infinity))
  const wanted = partitions ?? (fewest === Infinity ? otherwise : fewest)
  await ensureTopics(
    brokers,
    topicsOf(plan).map((name) => ({ name, partitions: wanted })),
  )
  const narrow = [...present].find(([, count]) => count < wanted)
  if (narrow === undefined) return wanted
  throw new TidemarkError('USAGE', `The topic ${narrow[0]} has ${narrow[1]} partitions, fewer than ${wanted}.`, {
    where: accessTo(brokers).brokers,
    fix: `--partitions ${narrow[1]}`,
  })
}

function topicsOf({ streams }: Plan): string[] {
  return STREAM_NAMES.map((stream: StreamName) => streams[stream].topic)
}
