/**
 * Tells Kafka how far a run has counted, as the offsets of a consumer group: `kafka-consumer-groups` and monitoring
 * show the lag from them.
 *
 * G1  Information only: nothing here is ever read back, and no failure reaches the run. A second one in a row is told,
 *     once: the coordinator of a group that is new is seldom there at once. The next epoch's offsets are tried again.
 * G2  Only what the tables hold is told, and one request is under way at a time: of what comes meanwhile, the last.
 */
import { findCoordinatorV4, offsetCommitV8, type Connection } from '@platformatic/kafka'
import { messageOf } from '../../errors.ts'
import type { Log } from '../../runtime/ports.ts'
import type { KafkaAccess } from '../../sinks/kafka/topics.ts'
import { Connections } from './connections.ts'

/** How far a partition of a topic is counted. */
export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  /** Of the next record. */
  readonly offset: number
}

const GROUP_KEY = 0
/** As of a consumer that assigns its partitions by hand: the group has no members. */
const NO_GENERATION = -1
const TOLD_AT = 2

export class GroupOffsets {
  readonly #group: string
  readonly #log: Log
  readonly #connections: Connections
  #waiting: readonly GroupOffset[] | undefined
  #telling: Promise<void> | undefined
  #failures = 0
  #isClosed = false

  constructor(group: string, access: KafkaAccess, log: Log) {
    this.#group = group
    this.#log = log
    // Its own ones: a broker that refuses a group must not cost the connection that records come through.
    this.#connections = new Connections(access)
  }

  /** Tells these offsets as soon as the ones before are told. */
  tell(offsets: readonly GroupOffset[]): void {
    if (this.#isClosed) return
    this.#waiting = offsets
    this.#telling ??= this.#tellAll().finally(() => (this.#telling = undefined))
  }

  /** Lets what is under way end and lets go of the connections. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#telling
    await this.#connections.close()
  }

  async #tellAll(): Promise<void> {
    for (let offsets = this.#waiting; offsets !== undefined; offsets = this.#waiting) {
      this.#waiting = undefined
      try {
        await this.#commit(offsets)
        this.#failures = 0
      } catch (error) {
        this.#complain(error)
      }
    }
  }

  #complain(error: unknown): void {
    const reason = messageOf(error)
    if (++this.#failures === TOLD_AT) this.#log('warn', `The group "${this.#group}" shows no new offsets: ${reason}`)
  }

  async #commit(offsets: readonly GroupOffset[]): Promise<void> {
    const find = async (connection: Connection): ReturnType<typeof findCoordinatorV4.api.async> =>
      findCoordinatorV4.api.async(connection, GROUP_KEY, [this.#group])
    const { coordinators } = await this.#connections.onAny([], find)
    const [coordinator] = coordinators
    if (coordinator === undefined) return
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: null,
      })),
    }))
    await this.#connections.on(`${coordinator.host}:${coordinator.port}`, async (connection) =>
      offsetCommitV8.api.async(connection, this.#group, NO_GENERATION, '', null, topics),
    )
  }
}
