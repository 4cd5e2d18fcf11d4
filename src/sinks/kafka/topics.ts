/**
 * Topics of a Kafka cluster: made where they are missing, removed on request.
 */
import { Admin } from '@platformatic/kafka'
import { TidemarkError } from '../../errors.ts'

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

/** An error of the client as one of ours, with the broker it was about. */
export function kafkaUnavailable(brokers: string, cause: unknown): TidemarkError {
  const reason = cause instanceof Error ? innermost(cause).message : String(cause)
  return new TidemarkError('KAFKA_UNAVAILABLE', `Kafka at ${brokers} cannot be used: ${reason}`, {
    where: brokers,
    retryable: true,
    fix: './tidemark stack up --only kafka',
    cause,
  })
}

function innermost(error: Error): Error {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  const inner = first ?? error.cause
  return inner instanceof Error ? innermost(inner) : error
}

/**
 * Makes the topics that are missing, with as many replicas as the cluster has by default; the others stay as they are.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function ensureTopics(brokers: string, topics: readonly TopicSettings[]): Promise<void> {
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
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function topicPartitions(brokers: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  return withAdmin(brokers, async (admin) => {
    const listed = new Set(await admin.listTopics())
    const present = names.filter((name) => listed.has(name))
    const { topics } = await admin.metadata({ topics: present })
    return new Map(present.map((name) => [name, topics.get(name)?.partitionsCount ?? 0]))
  })
}

/**
 * Removes topics that are there.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function deleteTopics(brokers: string, names: readonly string[]): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const present = new Set(await admin.listTopics())
    const topics = names.filter((name) => present.has(name))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  })
}

/**
 * Whether the cluster answers.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function askKafka(brokers: string): Promise<readonly string[]> {
  return withAdmin(brokers, async (admin) => admin.listTopics())
}

/** One piece of work with a client that is closed after it; its errors as ours. */
export async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'tidemark', bootstrapBrokers: brokerList(brokers), retries: 3, timeout: 5_000 })
  try {
    return await work(admin)
  } catch (error) {
    throw kafkaUnavailable(brokers, error)
  } finally {
    await admin.close()
  }
}
