/**
 * All sources of a run as one: the journal, and topics of Kafka beside it.
 *
 * A1  Positions of partitions that this run does not read stay in the epoch: a source that comes back goes on from them.
 */
import { join } from 'node:path'
import type { Plan } from '../pipeline/plan.ts'
import type { JournalSource } from '../runtime/journal-source.ts'
import type { LiveSource, OfferLines } from '../runtime/live-run.ts'
import type { Pipeline } from '../runtime/pipeline.ts'
import type { Log, Positions } from '../runtime/ports.ts'
import type { IntakeStatus } from '../runtime/status.ts'
import { FUTURE } from '../engine/ledger.ts'
import { accessOf } from '../sources/kafka/access.ts'
import { Cluster } from '../sources/kafka/cluster.ts'
import { GroupOffsets } from '../sources/kafka/group-offsets.ts'
import { KafkaFolder } from '../sources/kafka/kafka-folder.ts'
import { KafkaSource } from '../sources/kafka/kafka-source.ts'
import { openTopics, type FoundPartition } from '../sources/kafka/open-topics.ts'
import { CLOCK, pause } from './elapsed.ts'
import type { Teardown } from './teardown.ts'

/** A cluster whose topics were found; it becomes a source once there is a pipeline. */
export interface OpenKafka {
  readonly name: string
  readonly topics: { readonly impressions: string; readonly clicks: string }
  readonly cluster: Cluster
  readonly group: GroupOffsets | undefined
  readonly partitions: readonly FoundPartition[]
}

const NEVER = new AbortController().signal

/** Where a run keeps what it knows of its topics. */
export function kafkaFolder(dataDir: string): KafkaFolder {
  return new KafkaFolder(join(dataDir, 'kafka'))
}

/**
 * Finds the topics of the plan's Kafka sources.
 *
 * @throws TidemarkError what `openTopics` throws
 */
export async function openKafka(parts: {
  readonly plan: Plan
  readonly folder: KafkaFolder
  readonly positions: Positions
  readonly teardown: Teardown
  readonly log: Log
}): Promise<readonly OpenKafka[]> {
  const { plan, folder, positions, teardown, log } = parts
  const opened: OpenKafka[] = []
  for (const source of plan.sources) {
    if (source.kind !== 'kafka') continue
    const access = accessOf(source)
    const cluster = new Cluster(access)
    teardown.add(() => cluster.close())
    const group = source.group === undefined ? undefined : new GroupOffsets(source.group, access, log)
    if (group !== undefined) teardown.add(() => group.close())
    const wait = async (ms: number): Promise<void> => pause(ms, NEVER)
    const partitions = await openTopics({ source, cluster, folder, positions, pause: wait })
    opened.push({ name: source.name, topics: source.topics, cluster, group, partitions })
  }
  return opened
}

/** Makes it a source of a pipeline that has its partitions. */
export function kafkaSource(
  { name, topics, cluster, group, partitions }: OpenKafka,
  { pipeline, folder, log }: { readonly pipeline: Pipeline; readonly folder: KafkaFolder; readonly log: Log },
): KafkaSource {
  const { engine } = pipeline
  return new KafkaSource({
    name,
    topics,
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

export class LiveSources implements LiveSource {
  readonly #journal: JournalSource
  readonly #kafka: readonly KafkaSource[]
  readonly #away: Positions

  /** @param committed the positions of the epoch that the tables hold */
  constructor(journal: JournalSource, kafka: readonly KafkaSource[], committed: Positions) {
    this.#journal = journal
    this.#kafka = kafka
    this.#away = committed
  }

  onMore(listener: () => void): () => void {
    const ends = [this.#journal, ...this.#kafka].map((source) => source.onMore(listener))
    return () => {
      for (const end of ends) end()
    }
  }

  get isWithinBlock(): boolean {
    return this.#journal.isWithinBlock
  }

  poll(offer: OfferLines): boolean {
    let hasMore = this.#journal.poll(offer)
    for (const source of this.#kafka) hasMore = source.poll(offer) || hasMore
    return hasMore
  }

  isOnItsWay(partition: number): boolean {
    return this.#of(partition).isOnItsWay(partition)
  }

  unreadBytes(partition: number): number {
    return this.#of(partition).unreadBytes(partition)
  }

  positions(): Positions {
    const read = [this.#journal, ...this.#kafka].map((source) => source.positions())
    return Object.fromEntries([this.#away, ...read].flatMap((positions) => Object.entries(positions)))
  }

  status(): IntakeStatus {
    const status = this.#journal.status()
    const problem = this.#kafka.find((source) => source.problem !== null)?.problem
    return problem === undefined || status.message !== null ? status : { ...status, message: problem }
  }

  #of(partition: number): JournalSource | KafkaSource {
    return this.#kafka.find((source) => source.owns(partition)) ?? this.#journal
  }
}
