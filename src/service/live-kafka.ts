/**
 * Topics of Kafka as sources of a run. Loaded only for plans that have some: the client of Kafka takes longer to load
 * than all the rest of a start.
 */
import { FUTURE } from '../engine/ledger.ts'
import { STREAM_NAMES, type KafkaSourcePlan, type Plan } from '../pipeline/plan.ts'
import type { Pipeline } from '../runtime/pipeline.ts'
import type { Log, Positions } from '../runtime/ports.ts'
import { TopicIntake } from '../sinks/kafka/topic-intake.ts'
import { TopicWriter } from '../sinks/kafka/topic-writer.ts'
import { topicPartitions } from '../sinks/kafka/topics.ts'
import { accessOf } from '../sources/kafka/access.ts'
import { Cluster } from '../sources/kafka/cluster.ts'
import { GroupOffsets } from '../sources/kafka/group-offsets.ts'
import type { KafkaFolder } from '../sources/kafka/kafka-folder.ts'
import { KafkaSource } from '../sources/kafka/kafka-source.ts'
import { openTopics, type FoundPartition } from '../sources/kafka/open-topics.ts'
import { CLOCK, pause } from './elapsed.ts'
import type { Teardown } from './teardown.ts'

/** A cluster whose topics were found. */
export interface OpenKafka {
  readonly partitions: readonly FoundPartition[]
  /** Makes it a source of a pipeline that has its partitions. */
  readonly sourceOf: (pipeline: Pipeline) => KafkaSource
}

/** A sender waits for all of it: after some seconds it is told to come again. */
const INTAKE_RETRYING = { retries: 3, retryDelay: 300, requestTimeout: 10_000 }
/** Batches under way at once: while brokers keep one, the next are made. */
const INTAKE_WRITERS = 4
const NEVER = new AbortController().signal

/**
 * Finds the topics of the plan's Kafka sources.
 *
 * @throws TidemarkError what `openTopics` throws; the reason of the signal where that is aborted while brokers are
 *   waited for
 */
export async function openKafka(parts: {
  readonly plan: Plan
  readonly folder: KafkaFolder
  readonly positions: Positions
  readonly teardown: Teardown
  readonly log: Log
  readonly signal?: AbortSignal | undefined
}): Promise<readonly OpenKafka[]> {
  const { plan, folder, positions, teardown, log, signal = NEVER } = parts
  const opened: OpenKafka[] = []
  for (const source of plan.sources) {
    if (source.kind !== 'kafka') continue
    const access = accessOf(source)
    const cluster = new Cluster(access)
    teardown.add(() => cluster.close())
    const group = source.group === undefined ? undefined : new GroupOffsets(source.group, access, log)
    if (group !== undefined) teardown.add(() => group.close())
    const wait = async (ms: number): Promise<void> => {
      await pause(ms, signal)
      signal.throwIfAborted()
    }
    const partitions = await openTopics({ source, cluster, folder, positions, pause: wait })
    const found = { source, cluster, group, partitions, folder, log }
    opened.push({ partitions, sourceOf: (pipeline) => kafkaSource(found, pipeline) })
  }
  return opened
}

/** The way from HTTP into the topics of a source; undefined where events over HTTP go to the journal. */
export function openTopicIntake({
  plan,
  teardown,
  log,
}: {
  readonly plan: Plan
  readonly teardown: Teardown
  readonly log: Log
}): TopicIntake | undefined {
  const into = plan.sources.find((source) => source.kind === 'http')?.into
  const source = plan.sources.find(({ name }) => name === into)
  if (source?.kind !== 'kafka') return undefined
  const access = accessOf(source)
  const { impressions, clicks } = plan.streams
  const intake = new TopicIntake({
    source: source.name,
    topics: source.topics,
    idFields: { impressions: impressions.idField, clicks: clicks.idField },
    writers: Array.from({ length: INTAKE_WRITERS }, () => new TopicWriter(access, INTAKE_RETRYING)),
    probe: async () =>
      topicPartitions(
        access,
        STREAM_NAMES.map((stream) => source.topics[stream]),
      ),
    pause,
    log,
  })
  teardown.add(() => intake.close())
  return intake
}

interface FoundCluster {
  readonly source: KafkaSourcePlan
  readonly cluster: Cluster
  readonly group: GroupOffsets | undefined
  readonly partitions: readonly FoundPartition[]
  readonly folder: KafkaFolder
  readonly log: Log
}

function kafkaSource(
  { source, cluster, group, partitions, folder, log }: FoundCluster,
  pipeline: Pipeline,
): KafkaSource {
  const { engine } = pipeline
  return new KafkaSource({
    name: source.name,
    topics: source.topics,
    cluster,
    ...(group === undefined ? {} : { group }),
    partitions: partitions.map((partition) => ({
      ...partition,
      index: pipeline.partitions.findIndex((one) => one.name === partition.name),
    })),
    folder,
    watermarks: engine.watermarks,
    addPartition: (partition) => pipeline.addPartition(partition),
    futureCount: (stream) => engine.ledger.totalOf(stream === 'impressions' ? 0 : 1, FUTURE),
    clock: CLOCK,
    pause,
    log,
  })
}
