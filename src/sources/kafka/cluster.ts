/**
 * A cluster as a reader needs it: topics and their leaders, offsets, and record batches as they lie in the topic.
 *
 * The client's own consumer makes an object of every record. Its connection and its codec of requests are used instead,
 * with a parser that hands over the bytes (Kafka 3.1 or newer: topics have ids).
 *
 * L1  Whatever fails is a TidemarkError, retryable where a later try may work.
 */
import {
  createAPI,
  fetchV13,
  listOffsetsV7,
  metadataV12,
  ResponseError,
  type API,
  type Connection,
  type Reader,
} from '@platformatic/kafka'
import { TidemarkError } from '../../errors.ts'
import type { KafkaAccess } from '../../sinks/kafka/topics.ts'
import { BlockPool } from './block-pool.ts'
import { Connections } from './connections.ts'
import { BROKERS_FIX, KAFKA_ERROR, notAllowed } from './kafka-errors.ts'
import type { AbortedTransaction } from './record-batch.ts'

/** A topic as its cluster has it now. */
export interface TopicInfo {
  readonly name: string
  /** Another one after the topic was removed and made again. */
  readonly id: string
  /** Node that leads each partition, by the partition's number; −1 where nobody does. */
  readonly leaders: readonly number[]
}

/** A partition to fetch from. */
export interface FetchTarget {
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  /** Of the leader that took in the record before; left out, or −1, where it is not known. */
  readonly leaderEpoch?: number
}

/** What a broker sent of a partition. */
export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  /** Up to here records are readable, open transactions left out. */
  readonly lastStableOffset: number
  readonly highWatermark: number
  /** The first offset that is still there. */
  readonly logStartOffset: number
  /** Where its log and what was read of it part, by the leader epoch that was given; left out where they agree. */
  readonly divergedAt?: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches, the last one perhaps cut. Nobody else uses these bytes. */
  readonly bytes: Uint8Array
  /** Whoever has read the bytes gives them back, to be used again. */
  readonly giveBack?: () => void
}

type MetadataResponse = Awaited<ReturnType<typeof metadataV12.api.async>>

const READ_COMMITTED = 1
const CONSUMER = -1
const EARLIEST = -2n
const LATEST = -1n
const NOTHING = new Uint8Array(0)

export class Cluster {
  readonly brokers: string
  readonly #connections: Connections
  readonly #rawFetch = rawFetch(new BlockPool())
  #addresses = new Map<number, { readonly host: string; readonly port: number }>()

  constructor(access: KafkaAccess) {
    this.brokers = access.brokers
    this.#connections = new Connections(access)
  }

  /**
   * Looks topics up, through the first broker that answers; those that do not exist are left out.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicInfo>> {
    const found = await this.#anyBroker(async (connection) => readMetadata(connection, names))
    this.#addresses = new Map(found.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    return new Map(
      found.topics.flatMap(({ name, topicId, errorCode, partitions }) => {
        if (errorCode === KAFKA_ERROR.topicAuthorizationFailed) throw notAllowed(this.brokers, String(name))
        if (typeof name !== 'string' || partitions.length === 0) return []
        const leaders = partitions
          .toSorted((one, other) => one.partitionIndex - other.partitionIndex)
          .map(({ leaderId }) => leaderId)
        return [[name, { name, id: topicId, leaders }] as const]
      }),
    )
  }

  /**
   * The first offset of each partition that is still there, or the next one to be written.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async offsets(topic: TopicInfo, which: 'earliest' | 'latest'): Promise<readonly number[]> {
    const offsets = topic.leaders.map(() => -1)
    const timestamp = which === 'earliest' ? EARLIEST : LATEST
    for (const leader of new Set(topic.leaders)) {
      const partitions = topic.leaders.flatMap((node, partitionIndex) =>
        node === leader ? [{ partitionIndex, currentLeaderEpoch: -1, timestamp }] : [],
      )
      const answer = await this.#onNode(leader, async (connection) =>
        listOffsetsV7.api.async(connection, CONSUMER, READ_COMMITTED, [{ name: topic.name, partitions }]),
      )
      for (const { partitionIndex, offset } of answer.topics.flatMap((one) => one.partitions))
        offsets[partitionIndex] = Number(offset)
    }
    return offsets
  }

  /**
   * Asks one broker for record batches of partitions it leads; waits up to `maxWaitMs` while it has none.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async fetch(node: number, targets: readonly FetchTarget[], limits: FetchLimits): Promise<FetchedPartition[]> {
    const byTopic = Map.groupBy(targets, ({ topicId }) => topicId)
    const topics = [...byTopic].map(([topicId, ofTopic]) => ({
      topicId,
      partitions: ofTopic.map(({ partition, offset, leaderEpoch = -1 }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(offset),
        lastFetchedEpoch: leaderEpoch,
        partitionMaxBytes: limits.partitionBytes,
      })),
    }))
    const { maxWaitMs, bytes } = limits
    return this.#onNode(node, async (connection) =>
      this.#rawFetch.async(connection, maxWaitMs, 1, bytes, READ_COMMITTED, 0, -1, topics, [], ''),
    )
  }

  /** Ends all connections; what is under way fails. */
  async close(): Promise<void> {
    await this.#connections.close()
  }

  async #anyBroker<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const known = [...this.#addresses.values()].map(({ host, port }) => `${host}:${port}`)
    return this.#connections.onAny(known, work)
  }

  async #onNode<T>(node: number, work: (connection: Connection) => Promise<T>): Promise<T> {
    const address = this.#addresses.get(node)
    if (address === undefined)
      throw new TidemarkError('KAFKA_UNAVAILABLE', `A partition has no leader in the cluster at ${this.brokers}.`, {
        where: this.brokers,
        retryable: true,
        fix: BROKERS_FIX,
      })
    return this.#connections.on(`${address.host}:${address.port}`, work)
  }
}

/**
 * Topics that are missing or without a leader make the client's own parser fail; what it parsed is all that is needed.
 */
async function readMetadata(connection: Connection, names: readonly string[]): Promise<MetadataResponse> {
  try {
    return await metadataV12.api.async(connection, [...names], false, false)
  } catch (error) {
    if (error instanceof ResponseError && isMetadata(error['response'])) return error['response']
    throw error
  }
}

function isMetadata(response: unknown): response is MetadataResponse {
  if (typeof response !== 'object' || response === null) return false
  return (
    'brokers' in response && Array.isArray(response.brokers) && 'topics' in response && Array.isArray(response.topics)
  )
}

/** How much a fetch may bring, and how long it may take where there is nothing. */
export interface FetchLimits {
  readonly maxWaitMs: number
  readonly bytes: number
  readonly partitionBytes: number
}

const FETCH_KEY = 1
const FETCH_VERSION = 13

/** A fetch whose answer's blocks are copied to bytes of `pool` as they are. */
function rawFetch(pool: BlockPool): API<Parameters<typeof fetchV13.createRequest>, FetchedPartition[]> {
  return createAPI(FETCH_KEY, FETCH_VERSION, fetchV13.createRequest, (_correlationId, _apiKey, _apiVersion, reader) =>
    readFetch(reader, pool),
  )
}

function readFetch(reader: Reader, pool: BlockPool): FetchedPartition[] {
  reader.readInt32()
  const errorCode = reader.readInt16()
  if (errorCode !== 0) throw new Error(`the broker answers a fetch with error ${errorCode}`)
  reader.readInt32()
  const topics = reader.readArray(
    (r) => {
      const topicId = r.readUUID()
      return r.readArray((partition) => readPartition(partition, topicId, pool), true, false)
    },
    true,
    true,
  )
  return topics.flat()
}

function readPartition(reader: Reader, topicId: string, pool: BlockPool): FetchedPartition {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const highWatermark = Number(reader.readInt64())
  const lastStableOffset = Number(reader.readInt64())
  const logStartOffset = Number(reader.readInt64())
  const aborted = reader.readNullableArray((r) => ({
    producerId: Number(r.readInt64()),
    firstOffset: Number(r.readInt64()),
  }))
  reader.readInt32()
  // Compact records: one more than their length, 0 where there are none at all.
  const length = Math.max(0, reader.readUnsignedVarInt() - 1)
  const block = length === 0 ? { bytes: NOTHING } : ownBytes(reader, length, pool)
  const divergedAt = readDivergence(reader)
  return {
    topicId,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    aborted: aborted ?? [],
    ...(divergedAt === undefined ? {} : { divergedAt }),
    ...block,
  }
}

const DIVERGING_EPOCH = 0

/** Reads the tagged fields of a partition; gives the end offset of a diverging epoch, if there is one. */
function readDivergence(reader: Reader): number | undefined {
  let divergedAt: number | undefined
  for (let fields = reader.readUnsignedVarInt(); fields > 0; fields--) {
    const tag = reader.readUnsignedVarInt()
    const size = reader.readUnsignedVarInt()
    const end = reader.position + size
    if (tag === DIVERGING_EPOCH) {
      reader.readInt32()
      divergedAt = Number(reader.readInt64())
    }
    reader.position = end
  }
  return divergedAt
}

function ownBytes(reader: Reader, length: number, pool: BlockPool): Pick<FetchedPartition, 'bytes' | 'giveBack'> {
  const bytes = pool.take(length)
  let at = 0
  for (const part of reader.buffer.subarray(reader.position, reader.position + length).buffers) {
    bytes.set(part, at)
    at += part.length
  }
  reader.skip(length)
  return { bytes, giveBack: () => pool.giveBack(bytes) }
}
