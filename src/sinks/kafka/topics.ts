/**
 * Topics of a Kafka cluster: made where they are missing, removed on request.
 */
import { Admin, type ConnectionOptions } from '@platformatic/kafka'
import { connectionError } from './connection-error.ts'

/** How a cluster is reached. */
export interface KafkaAccess {
  /** `host:port`, with commas between. */
  readonly brokers: string
  readonly tls?: NonNullable<ConnectionOptions['tls']>
  readonly sasl?: NonNullable<ConnectionOptions['sasl']>
}

/** The brokers alone, where they ask for nothing more. */
export type KafkaAddress = string | KafkaAccess

/** A topic as it should be. */
export interface TopicSettings {
  readonly name: string
  readonly partitions: number
}

/** `host:port,host:port` as a list. */
export function brokerList(brokers: string): string[] {
  return brokers
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '')
}

/** An address in its long form. */
export function accessTo(address: KafkaAddress): KafkaAccess {
  return typeof address === 'string' ? { brokers: address } : address
}

/** What a client of the cluster is made with. Certificates are verified, always. */
export function clientOptions(address: KafkaAddress): ClientOptions {
  const { brokers, tls, sasl } = accessTo(address)
  return {
    clientId: 'tidemark',
    bootstrapBrokers: brokerList(brokers),
    ...(tls === undefined ? {} : { tls: { ...tls, rejectUnauthorized: true } }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

interface ClientOptions extends Omit<KafkaAccess, 'brokers'> {
  readonly clientId: string
  readonly bootstrapBrokers: string[]
}

/**
 * Makes the topics that are missing, with as many replicas as the cluster has by default; the others stay as they are.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
 */
export async function ensureTopics(brokers: KafkaAddress, topics: readonly TopicSettings[]): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const present = new Set(await admin.listTopics())
    for (const { name, partitions } of topics) {
      if (!present.has(name)) await admin.createTopics({ topics: [name], partitions })
    }
  })
}

/**
 * How many partitions topics have; those that are missing are left out.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
 */
export async function topicPartitions(
  brokers: KafkaAddress,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  return withAdmin(brokers, async (admin) => {
    const listed = new Set(await admin.listTopics())
    const present = names.filter((name) => listed.has(name))
    const { topics } = await admin.metadata({ topics: present })
    return new Map(present.map((name) => [name, topics.get(name)?.partitionsCount ?? 0]))
  })
}

/**
 * Whether the cluster answers.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
 */
export async function askKafka(brokers: string): Promise<readonly string[]> {
  return withAdmin(brokers, async (admin) => admin.listTopics())
}

/** One piece of work with a client that is closed after it; its errors as ours. */
export async function withAdmin<T>(address: KafkaAddress, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ ...clientOptions(address), retries: 3, timeout: 5_000 })
  try {
    return await work(admin)
  } catch (error) {
    throw connectionError(accessTo(address).brokers, error)
  } finally {
    // What the work found, or why it failed, is what the caller asked for.
    await admin.close().catch(() => undefined)
  }
}
