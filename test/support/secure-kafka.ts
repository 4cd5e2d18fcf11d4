/**
 * A real Kafka that lets in only who it knows, for tests: one listener that asks for a password, one with TLS, one with
 * both.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jarFolder } from '../../src/stack/fetch-jars.ts'
import { jarCache } from '../../src/stack/settings.ts'
import { KEY_PASSWORD, makeCertificates } from './certificates.ts'

export interface SecureKafka {
  /** SASL without TLS. */
  readonly brokers: string
  /** TLS, and nobody is asked who they are. */
  readonly tlsBrokers: string
  /** TLS and SASL; a session by SCRAM-SHA-512 lives {@link SESSION_MS}. */
  readonly tlsSaslBrokers: string
  /** Certificate of the authority that the broker's own is by. It is for `localhost` only. */
  readonly caFile: string
  /** That of another authority of the same name. */
  readonly otherCaFile: string
  readonly username: string
  readonly password: string
  stop(): Promise<void>
}

/** How long a session by SCRAM-SHA-512 over TLS lives, ms. */
export const SESSION_MS = 2_000

const USER = { username: 'reader', password: 'a password' }
const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Starts it on free ports, in a folder of its own; it may take a while until it answers. Call `stop` in `after`. */
export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-secure-'))
  const { caFile, otherCaFile, keyStore } = await makeCertificates(folder)
  const [sasl, tls, both, controller] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const addresses = { sasl: `127.0.0.1:${sasl}`, tls: `localhost:${tls}`, both: `localhost:${both}` }
  const configFile = join(folder, 'server.properties')
  const settings = properties({ ...addresses, controller: `127.0.0.1:${controller}` }, keyStore, join(folder, 'data'))
  writeFileSync(configFile, settings)
  const classPath = ['-cp', join(jarFolder(jarCache(), 'kafka'), '*')]
  const users = SCRAM.flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${USER.username},password=${USER.password}]`,
  ])
  const format = ['format', '--standalone', '-t', 'AAAAAAAAQACAAAAAAAAAAA', '-c', configFile, ...users]
  await promisify(execFile)('java', [...classPath, 'kafka.tools.StorageTool', ...format], { cwd: folder })
  const options = ['-Xmx256m', '-XX:+UseSerialGC']
  const child = spawn('java', [...options, ...classPath, 'kafka.Kafka', configFile], { cwd: folder, stdio: 'ignore' })
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
  const { sasl: brokers, tls: tlsBrokers, both: tlsSaslBrokers } = addresses
  return { brokers, tlsBrokers, tlsSaslBrokers, caFile, otherCaFile, ...USER, stop }
}

interface Addresses {
  readonly sasl: string
  readonly tls: string
  readonly both: string
  readonly controller: string
}

function properties({ sasl, tls, both, controller }: Addresses, keyStore: string, dataFolder: string): string {
  const listeners = `SASL_PLAINTEXT://${sasl},SSL://${tls},SASL_SSL://${both},CONTROLLER://${controller}`
  const lines: Readonly<Record<string, string | number>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': controller,
    listeners,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': ['PLAIN', ...SCRAM].join(','),
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    ...loginSettings('sasl_plaintext'),
    ...loginSettings('sasl_ssl'),
    'listener.name.sasl_ssl.scram-sha-512.connections.max.reauth.ms': SESSION_MS,
    'ssl.keystore.location': keyStore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': KEY_PASSWORD,
    'ssl.key.password': KEY_PASSWORD,
    'log.dirs': dataFolder,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
  }
  return `${Object.entries(lines)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

function loginSettings(listener: string): Readonly<Record<string, string>> {
  const module = 'org.apache.kafka.common.security'
  const user = `user_admin="admin" user_${USER.username}="${USER.password}"`
  const plain = `${module}.plain.PlainLoginModule required username="admin" password="admin" ${user};`
  const scram = `${module}.scram.ScramLoginModule required;`
  return {
    [`listener.name.${listener}.plain.sasl.jaas.config`]: plain,
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
