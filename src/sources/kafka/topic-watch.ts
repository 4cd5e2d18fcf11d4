/**
 * What becomes of the topics while they are read: who leads each partition, and which partitions are new.
 *
 * H1  A partition that is added to a topic is picked up and read from its first offset; where its reading began is on
 *     disk before.
 * H2  A topic that was removed and made again ends the run: offsets of one say nothing of the other.
 */
import { STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import type { Log } from '../../runtime/ports.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import type { KafkaFolder } from './kafka-folder.ts'
import { unreadable } from './kafka-errors.ts'
import type { OpenPartition } from './open-partition.ts'
import { partitionName, recreated, type KafkaPartition } from './partition.ts'
import { TOPICS, type Problems } from './problems.ts'

export interface TopicWatchOptions {
  /** Name of the source. */
  readonly name: string
  readonly cluster: Pick<Cluster, 'topics'>
  readonly topics: Readonly<Record<StreamName, string>>
  /** Those of the source, as they are at any moment. */
  readonly partitions: readonly OpenPartition[]
  readonly folder: KafkaFolder
  readonly problems: Problems
  /** Aborted when the source stops. */
  readonly signal: AbortSignal
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
  /** How often topics are looked up. */
  readonly refreshMs: number
  /** Makes a partition one of the source's. */
  readonly add: (partition: KafkaPartition, leader: number) => void
  /** Told after each time that the topics were looked up. */
  readonly onLookedUp: () => void
}

export class TopicWatch {
  readonly #options: TopicWatchOptions

  constructor(options: TopicWatchOptions) {
    this.#options = options
  }

  /** Looks the topics up now and then, until the signal is aborted. */
  async run(): Promise<void> {
    const { signal, pause, refreshMs } = this.#options
    while (!signal.aborted) {
      await pause(refreshMs, signal)
      if (!signal.aborted) await this.lookUp()
    }
  }

  /** Looks the topics up; what fails is told. */
  async lookUp(): Promise<void> {
    const { problems } = this.#options
    try {
      await this.#refresh()
      problems.become(TOPICS, null)
    } catch (error) {
      problems.tell(TOPICS, error)
    }
  }

  async #refresh(): Promise<void> {
    const { cluster, topics, signal, onLookedUp } = this.#options
    const found = await cluster.topics(STREAM_NAMES.map((stream) => topics[stream]))
    if (signal.aborted) return
    for (const stream of STREAM_NAMES) {
      const info = found.get(topics[stream])
      if (info === undefined) throw unreadable(`the topic ${topics[stream]} is not there`)
      this.#compare(stream, info)
    }
    onLookedUp()
  }

  #compare(stream: StreamName, info: TopicInfo): void {
    const own = this.#options.partitions.filter((partition) => partition.stream === stream)
    const changed = own.find(({ topicId }) => topicId !== info.id)
    if (changed !== undefined) throw recreated(changed)
    for (const partition of own) partition.leader = info.leaders[partition.number] ?? -1
    const added = info.leaders.slice(own.length)
    if (added.length > 0) this.#pickUp(stream, info, own.length)
  }

  #pickUp(stream: StreamName, info: TopicInfo, first: number): void {
    const { name: source, folder, add, log } = this.#options
    const before = folder.topicOf(source, stream)?.from ?? []
    const from = info.leaders.map((_, number) => before[number] ?? 0)
    folder.remember(source, stream, { topic: info.name, id: info.id, from })
    for (let number = first; number < info.leaders.length; number++) {
      const name = partitionName(source, stream, number)
      add({ name, stream, topic: info.name, topicId: info.id, number, position: 0 }, info.leaders[number] ?? -1)
    }
    log(
      'info',
      `The topic ${info.name} has ${info.leaders.length} partitions now; the new ones are read from the start.`,
    )
  }
}
