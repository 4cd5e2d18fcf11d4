/**
 * What can go wrong with topics that are read, as errors that say what to do.
 */
import { TidemarkError } from '../../errors.ts'

/** Errors of Kafka's protocol that matter here, by number. */
export const KAFKA_ERROR = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  unknownTopicId: 100,
} as const

/** The refusal to read a topic. */
export function notAllowed(brokers: string, topic: string): TidemarkError {
  return new TidemarkError('KAFKA_REFUSED', `Kafka at ${brokers} does not allow us to read the topic ${topic}.`, {
    where: topic,
    fix: 'give the user of the source\'s "sasl" the operations Read and Describe on the topic',
  })
}

/** What mends records that brokers hold damaged. */
export const DAMAGE_FIX = 'check the disks of the brokers and start again; `kafka-dump-log` shows what they hold'
/** What mends brokers that do not serve what they were asked for. */
export const BROKERS_FIX = 'check that all brokers of the topic run and have its partitions (`kafka-topics --describe`)'

/** What keeps topics from being read at present. */
export function unreadable(reason: string): TidemarkError {
  return new TidemarkError('KAFKA_UNAVAILABLE', `Kafka cannot be read: ${reason}.`, {
    retryable: true,
    fix: BROKERS_FIX,
  })
}

/** The offsets that are lost, and how to go on without them. */
export function gapError(gap: {
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** The offset after the last one lost; undefined where it is not known what came after `from`. */
  readonly to: number | undefined
  readonly reason: string
}): TidemarkError {
  const { topic, partition, from, to, reason } = gap
  const range =
    to === undefined ? `from offset ${from} on` : `offsets ${from} to ${to - 1} (${to - from} records at most)`
  return new TidemarkError('KAFKA_GAP', `${topic}-${partition}: ${range} can no longer be read: ${reason}.`, {
    where: `${topic}-${partition}`,
    fix: './tidemark run --replace (throws the tables away and counts again what the topics hold)',
  })
}
