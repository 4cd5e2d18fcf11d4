/**
 * What can go wrong with Kafka, as errors that say what to do: what passes, and what no try can mend.
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

/** TLS errors that are about the certificate, not about the network. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/

/** An error of the client as one of ours. Retryable unless the broker knows us and refuses, or we cannot trust it. */
export function connectionError(brokers: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause
  const chain = chainOf(cause)
  const reason = chain.at(-1)?.message ?? String(cause)
  const codes = chain.map((error) => ('code' in error ? String(error.code) : ''))
  const texts = chain.map(({ message }) => message).join(' ')
  const details = { where: brokers, cause }
  if (codes.some((code) => CERTIFICATE.test(code)))
    return new TidemarkError('KAFKA_REFUSED', `The certificate of Kafka at ${brokers} cannot be trusted: ${reason}`, {
      ...details,
      fix: 'name the certificate of its authority with "tls": { "caFile": … } in the source',
    })
  if (/Broker requires TLS/.test(texts))
    return new TidemarkError('KAFKA_REFUSED', `Kafka at ${brokers} speaks TLS only.`, {
      ...details,
      fix: '"tls": {} in the source, with the "caFile" of its authority where that is not a public one',
    })
  if (codes.includes('PLT_KFK_AUTHENTICATION') || /SASL/.test(texts))
    return new TidemarkError('KAFKA_REFUSED', `Kafka at ${brokers} refuses the credentials: ${texts.slice(0, 300)}`, {
      ...details,
      fix: 'check mechanism, username and the variable that "passwordEnv" names in the source\'s "sasl"',
    })
  const isHungUp = /Connection closed|disconnected before secure TLS/.test(reason)
  return new TidemarkError('KAFKA_UNAVAILABLE', `Kafka at ${brokers} cannot be used: ${reason}`, {
    ...details,
    retryable: true,
    fix: isHungUp
      ? 'check "tls" and "sasl" of the source: a broker hangs up on whoever does not speak as its port wants it'
      : 'check the address and that the broker runs (./tidemark stack up --only kafka starts one here)',
  })
}

/** The refusal to read a topic. */
export function notAllowed(brokers: string, topic: string): TidemarkError {
  return new TidemarkError('KAFKA_REFUSED', `Kafka at ${brokers} does not allow us to read the topic ${topic}.`, {
    where: topic,
    fix: 'give the user of the source\'s "sasl" the operations Read and Describe on the topic',
  })
}

/** What keeps topics from being read at present. */
export function unreadable(reason: string): TidemarkError {
  return new TidemarkError('KAFKA_UNAVAILABLE', `Kafka cannot be read: ${reason}.`, { retryable: true })
}

function chainOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return [error, ...chainOf(first ?? error.cause)]
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
