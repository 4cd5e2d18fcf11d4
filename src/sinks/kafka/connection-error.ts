/**
 * What a client says of brokers that it cannot talk to, as errors that say what to do: what passes, and what no try can
 * mend.
 */
import { codeOf, TidemarkError } from '../../errors.ts'

/** TLS errors that are about the certificate, not about the network. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/

/** An error of the client as one of ours. Retryable unless the broker knows us and refuses, or we cannot trust it. */
export function connectionError(brokers: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause
  const chain = chainOf(cause)
  const reason = chain.at(-1)?.message ?? String(cause)
  const codes = chain.map((error) => codeOf(error) ?? '')
  const texts = chain.map(({ message }) => message).join(' ')
  const details = { where: brokers, cause }
  if (codes.includes('ERR_TLS_CERT_ALTNAME_INVALID'))
    return new TidemarkError('KAFKA_REFUSED', `Kafka at ${brokers} has the certificate of another host: ${reason}`, {
      ...details,
      fix: 'name the brokers, in "brokers" and in their own "advertised.listeners", as their certificates do',
    })
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

function chainOf(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return [error, ...chainOf(first ?? error.cause)]
}
