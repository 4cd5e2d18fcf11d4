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
 * Makes the topics that are missing; the others stay as they are.
 *
 * @throws TidemarkError KAFKA_UNAVAILABLE
 */
export async function ensureTopics(brokers: string, topics: readonly TopicSettings[]): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const present = new Set(await admin.listTopics())
    for (const { name, partitions } of topics) {
      if (!present.has(name)) await admin.createTopics({ topics: [name], partitions, replicas: 1 })
    }
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

async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: 'tidemark', bootstrapBrokers: brokerList(brokers), retries: 3, timeout: 5_000 })
  try {
    return await work(admin)
  } catch (error) {
    throw kafkaUnavailable(brokers, error)
  } finally {
    await admin.close()
  }
}
