/**
 * All sources of a run as one: the journal, and topics of Kafka beside it.
 *
 * A1  Positions of partitions that this run does not read stay in the epoch: a source that comes back goes on from
 *     them.
 * A2  While memory is full, of the topics only the partition that W waits for is read on (M4 of `memory-room.ts`): what
 *     others hold would use up the reserve and move nothing. The journal is always read on.
 * A3  Where events over HTTP go into topics, memory that is full closes nothing to those who send: brokers keep the
 *     events.
 */
import { join } from 'node:path'
import type { JournalSource } from '../runtime/journal-source.ts'
import type { LiveSource, OfferLines } from '../runtime/live-run.ts'
import type { MemoryRoom } from '../runtime/memory-room.ts'
import type { Positions } from '../runtime/ports.ts'
import type { IntakeStatus } from '../runtime/status.ts'
import type { TopicIntake } from '../sinks/kafka/topic-intake.ts'
import { KafkaFolder } from '../sources/kafka/kafka-folder.ts'
import type { KafkaSource } from '../sources/kafka/kafka-source.ts'
import type { Watermarks } from '../time/watermarks.ts'

/** Where a run keeps what it knows of its topics. */
export function kafkaFolder(dataDir: string): KafkaFolder {
  return new KafkaFolder(join(dataDir, 'kafka'))
}

type Journal = Pick<JournalSource, 'status' | 'isWithinBlock' | Reading>
type Topics = Pick<KafkaSource, 'owns' | 'problem' | Reading>
type Reading = 'onMore' | 'poll' | 'isOnItsWay' | 'unreadBytes' | 'positions'

export interface LiveSourcesParts {
  readonly journal: Journal
  readonly kafka: readonly Topics[]
  /** The positions of the epoch that the tables hold (A1). */
  readonly away: Positions
  /** Takes events over HTTP where the journal does not. */
  readonly topicIntake: Pick<TopicIntake, 'problem' | 'queuedBytes'> | undefined
  readonly watermarks: Pick<Watermarks, 'slowest'>
  readonly memory: Pick<MemoryRoom, 'isClosed' | 'canFollow'> | undefined
}

export class LiveSources implements LiveSource {
  readonly #parts: LiveSourcesParts

  constructor(parts: LiveSourcesParts) {
    this.#parts = parts
  }

  onMore(listener: () => void): () => void {
    const ends = this.#sources.map((source) => source.onMore(listener))
    return () => {
      for (const end of ends) end()
    }
  }

  get isWithinBlock(): boolean {
    return this.#parts.journal.isWithinBlock
  }

  poll(offer: OfferLines): boolean {
    const { journal, kafka } = this.#parts
    let hasMore = journal.poll(offer)
    for (const source of kafka) hasMore = this.#pollTopics(source, offer) || hasMore
    return hasMore
  }

  isOnItsWay(partition: number): boolean {
    return this.#of(partition).isOnItsWay(partition)
  }

  unreadBytes(partition: number): number {
    return this.#of(partition).unreadBytes(partition)
  }

  positions(): Positions {
    const read = this.#sources.map((source) => source.positions())
    return Object.fromEntries([this.#parts.away, ...read].flatMap((positions) => Object.entries(positions)))
  }

  status(): IntakeStatus {
    const status = this.#statusOfIntake()
    const problem = this.#parts.kafka.find((source) => source.problem !== null)?.problem
    return problem === undefined || status.message !== null ? status : { ...status, message: problem }
  }

  #statusOfIntake(): IntakeStatus {
    const { journal, topicIntake } = this.#parts
    const status = journal.status()
    if (topicIntake === undefined) return status
    const { problem, queuedBytes } = topicIntake
    const state = status.state === 'memory_full' ? 'open' : status.state
    const own = { ...status, state, queuedBytes: status.queuedBytes + queuedBytes }
    return problem === null || state !== 'open' ? own : { ...own, state: 'away', message: problem }
  }

  #of(partition: number): Journal | Topics {
    const { journal, kafka } = this.#parts
    return kafka.find((source) => source.owns(partition)) ?? journal
  }

  get #sources(): readonly (Journal | Topics)[] {
    const { journal, kafka } = this.#parts
    return [journal, ...kafka]
  }

  #pollTopics(source: Topics, offer: OfferLines): boolean {
    const { memory, watermarks } = this.#parts
    if (memory?.isClosed !== true) return source.poll(offer)
    const slowest = watermarks.slowest()
    return memory.canFollow && source.owns(slowest) && source.poll(offer, slowest)
  }
}
