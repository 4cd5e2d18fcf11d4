/**
 * A real Kafka that asks for a password, for tests: SASL on its only listener for clients.
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

export interface SaslKafka {
  readonly brokers: string
  readonly username: string
  readonly password: string
  stop(): Promise<void>
}

const USER = { username: 'reader', password: 'a password' }
const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** Starts it on free ports, in a folder of its own; it may take a while until it answers. Call `stop` in `after`. */
export async function startSaslKafka(): Promise<SaslKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-sasl-'))
  const configFile = join(folder, 'server.properties')
  const [broker, controller] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  writeFileSync(configFile, properties(broker, controller, join(folder, 'data')))
  const classPath = ['-cp', join(jarFolder(jarCache(), 'kafka'), '*')]
  const users = MECHANISMS.flatMap((mechanism) => [
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
  return { brokers: broker, ...USER, stop }
}

function properties(broker: string, controller: string, dataFolder: string): string {
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="admin"'
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const listeners = `SASL_PLAINTEXT://${broker},CONTROLLER://${controller}`
  const lines: Readonly<Record<string, string | number>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': controller,
    listeners,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': ['PLAIN', ...MECHANISMS].join(','),
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${plain} user_admin="admin" user_${USER.username}="${USER.password}";`,
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config': scram,
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

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
