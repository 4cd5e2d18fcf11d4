/**
 * Writes records to Kafka: in batches, each record to the partition it was given, in order, once.
 *
 * K1  The producer is idempotent and waits for all replicas: a batch that is sent again is written once.
 * K2  One batch is under way at a time, so that the order within a partition is the order of `add`.
 */
import { Producer } from '@platformatic/kafka'
import { connectionError } from './connection-error.ts'
import { partitionOfKey } from './key-partition.ts'
import { accessTo, clientOptions, type KafkaAddress } from './topics.ts'

/** One record on its way. */
export interface OutgoingRecord {
  readonly topic: string
  /** Left out, the key decides, as it does for every producer that leaves it to its client. */
  readonly partition?: number
  readonly key: Buffer | undefined
  readonly value: Buffer
}

/**
 * How often a batch is tried again, how long apart, and how long an answer may take; the client's own values unless
 * given.
 */
export interface Retrying {
  readonly retries?: number
  readonly retryDelay?: number
  readonly requestTimeout?: number
}

/** When `add` asks for a flush. */
const BATCH_RECORDS = 2_000
/** What one partition may get in a batch: a broker takes 1 MB unless told otherwise. */
const PARTITION_BYTES = 600_000
/** Lengths, time and offset of a record. */
const RECORD_OVERHEAD = 20

/** A writer to one cluster. Close it in any case. */
export class TopicWriter {
  readonly #brokers: string
  readonly #producer: Producer
  #waiting: OutgoingRecord[] = []

  constructor(address: KafkaAddress, retrying: Retrying = {}) {
    this.#brokers = accessTo(address).brokers
    this.#producer = new Producer({
      ...clientOptions(address),
      ...retrying,
      idempotent: true,
      partitioner: partitionOfKey,
    })
  }

  /** Takes a record. Its bytes must not change until it is sent. Says whether it is time to {@link flush}. */
  add(record: OutgoingRecord): boolean {
    this.#waiting.push(record)
    return this.#waiting.length >= BATCH_RECORDS
  }

  /**
   * Sends everything that waits.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async flush(): Promise<void> {
    const records = this.#waiting
    this.#waiting = []
    try {
      for (const batch of batchesOf(records)) {
        const messages = batch.map(({ topic, partition, key, value }) => ({
          topic,
          value,
          ...(partition === undefined ? {} : { partition }),
          ...(key === undefined ? {} : { key }),
        }))
        await this.#producer.send({ messages, idempotent: true, acks: -1 })
      }
    } catch (error) {
      throw connectionError(this.#brokers, error)
    }
  }

  /** Lets go of the connections. What was not flushed is lost. */
  async close(): Promise<void> {
    await this.#producer.close()
  }
}

/** Cuts records, in order, where a partition would get too much at once. */
function* batchesOf(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  const bytes = new Map<string, number>()
  let start = 0
  for (const [index, { topic, partition, key, value }] of records.entries()) {
    const name = `${topic}/${partition}`
    const byteLength = value.length + (key?.length ?? 0) + RECORD_OVERHEAD
    const sum = (bytes.get(name) ?? 0) + byteLength
    bytes.set(name, sum)
    if (sum <= PARTITION_BYTES || index === start) continue
    yield records.slice(start, index)
    start = index
    bytes.clear()
    bytes.set(name, byteLength)
  }
  if (start < records.length) yield records.slice(start)
}
