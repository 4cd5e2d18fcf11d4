/**
 * Kafka on this machine: one process that is broker and controller (KRaft), on the loopback interface only.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { askKafka } from '../sinks/kafka/topics.ts'
import { LOG_SETTINGS } from './log-settings.ts'
import { javaCommand, type StackPart } from './part.ts'
import { stackUrls, type StackSettings } from './settings.ts'

const JVM_OPTIONS: readonly string[] = [
  '-Xms256m',
  '-Xmx384m',
  '-XX:MaxDirectMemorySize=256m',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
]

/** Writes Kafka's configuration, formats its storage where that is new, and says how to start it. */
export async function kafkaPart(settings: StackSettings, jars: string): Promise<StackPart> {
  const folder = join(settings.home, 'kafka')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const configFile = join(folder, 'server.properties')
  const logFile = join(folder, 'log4j2.properties')
  writeFileSync(configFile, properties(settings, join(folder, 'data')))
  writeFileSync(logFile, LOG_SETTINGS)
  const logging = `-Dlog4j2.configurationFile=file:${logFile}`
  if (!existsSync(join(folder, 'data', 'meta.properties'))) await format(jars, logging, configFile)
  const { brokers } = stackUrls(settings.ports)
  return {
    name: 'kafka',
    command: () => javaCommand(jars, [...JVM_OPTIONS, logging], 'kafka.Kafka', [configFile]),
    env: {},
    address: brokers,
    ports: [settings.ports.kafka, settings.ports.kafkaController],
    isReady: async () =>
      askKafka(brokers).then(
        () => true,
        () => false,
      ),
  }
}

async function format(jars: string, logging: string, configFile: string): Promise<void> {
  const tool = ['-cp', join(jars, '*'), logging, 'kafka.tools.StorageTool']
  const { stdout } = await promisify(execFile)('java', [...tool, 'random-uuid'])
  const id = stdout.trim().split('\n').at(-1) ?? ''
  await promisify(execFile)('java', [...tool, 'format', '--standalone', '-t', id, '-c', configFile])
}

function properties({ ports }: StackSettings, dataFolder: string): string {
  const [broker, controller] = [`127.0.0.1:${ports.kafka}`, `127.0.0.1:${ports.kafkaController}`]
  const lines: Readonly<Record<string, string | number>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': controller,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataFolder,
    'num.partitions': 4,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': 'false',
    'log.retention.hours': 48,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
  }
  return `${Object.entries(lines)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}
