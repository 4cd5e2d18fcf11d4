/**
 * How the plan says a cluster is reached, with what it only names: files of certificates, a password in the
 * environment.
 */
import { readFileSync } from 'node:fs'
import { messageOf, TidemarkError } from '../../errors.ts'
import type { KafkaSourcePlan } from '../../pipeline/plan.ts'
import type { KafkaAccess } from '../../sinks/kafka/topics.ts'

/**
 * Reads what the source names.
 *
 * @throws TidemarkError KAFKA_REFUSED where a file or the password is missing
 */
export function accessOf(source: KafkaSourcePlan, env: NodeJS.ProcessEnv = process.env): KafkaAccess {
  const { name, brokers, tls, sasl } = source
  const password = sasl === undefined ? undefined : env[sasl.passwordEnv]
  if (sasl !== undefined && (password === undefined || password === ''))
    throw new TidemarkError('KAFKA_REFUSED', `Source "${name}": the variable ${sasl.passwordEnv} holds no password.`, {
      where: `sources.${name}.sasl.passwordEnv`,
      fix: `${sasl.passwordEnv}=… ./tidemark run`,
    })
  return {
    brokers,
    ...(tls === undefined ? {} : { tls: certificates(name, tls) }),
    ...(sasl === undefined || password === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism as 'PLAIN', username: sasl.username, password } }),
  }
}

function certificates(name: string, tls: NonNullable<KafkaSourcePlan['tls']>): NonNullable<KafkaAccess['tls']> {
  const read = (key: 'caFile' | 'certFile' | 'keyFile'): Buffer | undefined => {
    const path = tls[key]
    if (path === undefined) return undefined
    try {
      return readFileSync(path)
    } catch (cause) {
      const reason = messageOf(cause)
      throw new TidemarkError('KAFKA_REFUSED', `Source "${name}": ${path} cannot be read: ${reason}`, {
        where: `sources.${name}.tls.${key}`,
        fix: 'name a file in PEM form that this user can read',
        cause,
      })
    }
  }
  const [ca, cert, key] = [read('caFile'), read('certFile'), read('keyFile')]
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}
