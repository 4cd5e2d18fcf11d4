/**
 * All sources of a run as one: the journal, and topics of Kafka beside it.
 *
 * A1  Positions of partitions that this run does not read stay in the epoch: a source that comes back goes on from them.
 */
import { join } from 'node:path'
import type { JournalSource } from '../runtime/journal-source.ts'
import type { LiveSource, OfferLines } from '../runtime/live-run.ts'
import type { Positions } from '../runtime/ports.ts'
import type { IntakeStatus } from '../runtime/status.ts'
import type { TopicIntake } from '../sinks/kafka/topic-intake.ts'
import { KafkaFolder } from '../sources/kafka/kafka-folder.ts'
import type { KafkaSource } from '../sources/kafka/kafka-source.ts'

/** Where a run keeps what it knows of its topics. */
export function kafkaFolder(dataDir: string): KafkaFolder {
  return new KafkaFolder(join(dataDir, 'kafka'))
}

export class LiveSources implements LiveSource {
  readonly #journal: JournalSource
  readonly #kafka: readonly KafkaSource[]
  readonly #away: Positions
  readonly #topicIntake: TopicIntake | undefined

  /**
   * @param committed the positions of the epoch that the tables hold
   * @param topicIntake takes events over HTTP where the journal does not
   */
  constructor(
    journal: JournalSource,
    kafka: readonly KafkaSource[],
    committed: Positions,
    topicIntake: TopicIntake | undefined,
  ) {
    this.#journal = journal
    this.#kafka = kafka
    this.#away = committed
    this.#topicIntake = topicIntake
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
    const status = this.#statusOfIntake()
    const problem = this.#kafka.find((source) => source.problem !== null)?.problem
    return problem === undefined || status.message !== null ? status : { ...status, message: problem }
  }

  #statusOfIntake(): IntakeStatus {
    const status = this.#journal.status()
    if (this.#topicIntake === undefined) return status
    const { problem, queuedBytes } = this.#topicIntake
    const own = { ...status, queuedBytes: status.queuedBytes + queuedBytes }
    return problem === null || status.state !== 'open' ? own : { ...own, state: 'away', message: problem }
  }

  #of(partition: number): JournalSource | KafkaSource {
    return this.#kafka.find((source) => source.owns(partition)) ?? this.#journal
  }
}
