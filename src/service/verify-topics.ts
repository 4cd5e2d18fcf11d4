/**
 * The partitions of topics that a run has read, as a recount reads them: from where the run began up to its epoch.
 *
 * V1  What retention has removed since cannot be recounted, nor what stands on it: that is refused, with the range.
 */
import { resolve } from 'node:path'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type KafkaSourcePlan, type Plan, type StreamName } from '../pipeline/plan.ts'
import type { Positions } from '../runtime/ports.ts'
import { accessOf } from '../sources/kafka/access.ts'
import { Cluster, type TopicInfo } from '../sources/kafka/cluster.ts'
import type { KafkaFolder, KnownTopic } from '../sources/kafka/kafka-folder.ts'
import { gapError } from '../sources/kafka/kafka-errors.ts'
import { checkOffset, partitionName, recreated } from '../sources/kafka/partition.ts'
import { readPartition } from '../sources/kafka/read-partition.ts'
import type { SpillPartition } from '../verify/spill.ts'
import { kafkaFolder } from './live-sources.ts'

/** Partitions to recount, and what to let go of afterwards. */
export interface TopicPartitions {
  readonly partitions: readonly SpillPartition[]
  close(): Promise<void>
}

/**
 * Finds the partitions of the plan's topics in a data folder's run.
 *
 * @param positions of the epoch to recount
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED, KAFKA_GAP, INPUT_MISSING
 */
export async function topicPartitions(plan: Plan, dataDir: string, positions: Positions): Promise<TopicPartitions> {
  const folder = kafkaFolder(resolve(dataDir))
  const clusters: Cluster[] = []
  const close = async (): Promise<void> => void (await Promise.all(clusters.map(async (one) => one.close())))
  const partitions: SpillPartition[] = []
  try {
    for (const source of plan.sources) {
      if (source.kind !== 'kafka') continue
      const cluster = new Cluster(accessOf(source))
      clusters.push(cluster)
      const found = await cluster.topics(STREAM_NAMES.map((stream) => source.topics[stream]))
      for (const stream of STREAM_NAMES) {
        const known = folder.topicOf(source.name, stream)
        const info = found.get(source.topics[stream])
        if (known === undefined) continue
        if (info === undefined) throw missing(source, known.topic)
        if (info.id !== known.id) throw recreated({ topic: info.name, number: 0, position: 0 })
        partitions.push(...(await ofTopic({ source, cluster, folder, positions, stream, info, known })))
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  return { partitions, close }
}

async function ofTopic(parts: {
  readonly source: KafkaSourcePlan
  readonly cluster: Cluster
  readonly folder: KafkaFolder
  readonly positions: Positions
  readonly stream: StreamName
  readonly info: TopicInfo
  readonly known: KnownTopic
}): Promise<readonly SpillPartition[]> {
  const { source, cluster, folder, positions, stream, info, known } = parts
  const [first, end] = await Promise.all([cluster.offsets(info, 'earliest'), cluster.offsets(info, 'latest')])
  return known.from.flatMap((from, number) => {
    const name = partitionName(source.name, stream, number)
    const to = positions[name]
    if (to === undefined) return []
    const gap = {
      topic: info.name,
      partition: number,
      from,
      reason: 'retention has removed them since they were counted',
    }
    if (from < (first[number] ?? 0) && from < to) throw gapError({ ...gap, to: first[number] ?? 0 })
    checkOffset({ topic: info.name, number, position: to }, 0, end[number] ?? 0)
    const batches = readPartition(cluster, { topic: info, number, from, to, stamps: folder.stampsOf(name) })
    return [{ stream, name, batches }]
  })
}

function missing({ name, brokers }: KafkaSourcePlan, topic: string): TidemarkError {
  return new TidemarkError('INPUT_MISSING', `Source "${name}": there is no topic ${topic} at ${brokers} any more.`, {
    where: topic,
    fix: 'name the cluster that has it in the definition: without its records nothing can be recounted',
  })
}
