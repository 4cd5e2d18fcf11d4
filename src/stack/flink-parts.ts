/**
 * Flink on this machine: a job manager, a task manager with two slots and an SQL gateway, from jars and one
 * configuration.
 *
 * Started without Flink's own scripts, the task manager wants every `taskmanager.memory.*` key said.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { LOG_SETTINGS } from './log-settings.ts'
import { answers, javaCommand, type StackPart } from './part.ts'
import { stackUrls, type StackSettings } from './settings.ts'

const EXPORTS = ['java.rmi/sun.rmi.registry', 'java.security.jgss/sun.security.krb5']
const OPENS = ['lang', 'net', 'io', 'nio', 'lang.reflect', 'text', 'time', 'util', 'util.concurrent']
const MORE_OPENS = ['java.util.concurrent.atomic', 'java.util.concurrent.locks', 'sun.nio.ch']

const JVM_OPTIONS: readonly string[] = [
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  // Times reach PostgreSQL through this zone.
  '-Duser.timezone=UTC',
  ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...[...OPENS.map((name) => `java.${name}`), ...MORE_OPENS].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
]

const NETWORK_MB = 160
const OFF_HEAP_MB = 128

/** Writes Flink's configuration and says how to start its three processes. */
export function flinkParts(settings: StackSettings, jars: string): readonly StackPart[] {
  const folder = join(settings.home, 'flink')
  for (const name of ['conf', 'plugins', 'tmp', 'work', 'checkpoints', 'savepoints'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'conf', 'config.yaml'), configuration(settings, folder))
  writeFileSync(join(folder, 'conf', 'log4j2.properties'), LOG_SETTINGS)
  const { jobManagerUrl, gatewayUrl } = stackUrls(settings.ports)
  const { ports } = settings
  const part = flinkPart(folder, jars)
  const heap = settings.taskManagerHeapMb
  const conf = ['--configDir', join(folder, 'conf')]
  return [
    part({
      name: 'jobmanager',
      mainClass: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
      memory: ['-Xms256m', '-Xmx384m'],
      args: conf,
      address: jobManagerUrl,
      ports: [ports.jobManager, ports.jobManagerRpc, ports.blobs],
      isReady: async () => answers(`${jobManagerUrl}/overview`),
    }),
    part({
      name: 'taskmanager',
      mainClass: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
      memory: [`-Xms${heap}m`, `-Xmx${heap}m`, `-XX:MaxDirectMemorySize=${NETWORK_MB + OFF_HEAP_MB}m`],
      args: conf,
      address: `127.0.0.1:${ports.taskManagerRpc}`,
      ports: [ports.taskManagerRpc, ports.taskManagerData],
      isReady: async () => answers(`${jobManagerUrl}/overview`, '"taskmanagers":1'),
    }),
    part({
      name: 'gateway',
      mainClass: 'org.apache.flink.table.gateway.SqlGateway',
      // Planning makes much garbage in little time, and code that runs once: these three make it shorter.
      memory: ['-Xms512m', '-Xmx512m', '-Xmn256m', '-XX:TieredStopAtLevel=1'],
      args: [],
      address: gatewayUrl,
      ports: [ports.gateway],
      isReady: async () => answers(`${gatewayUrl}/info`),
    }),
  ]
}

type FlinkPart = Omit<StackPart, 'command' | 'env'> & {
  readonly mainClass: string
  readonly memory: readonly string[]
  readonly args: readonly string[]
}

function flinkPart(folder: string, jars: string): (part: FlinkPart) => StackPart {
  const env = { FLINK_CONF_DIR: join(folder, 'conf'), FLINK_PLUGINS_DIR: join(folder, 'plugins'), TZ: 'UTC' }
  const logging = `-Dlog4j.configurationFile=file:${join(folder, 'conf', 'log4j2.properties')}`
  return ({ memory, mainClass, args, ...part }) => ({
    ...part,
    env,
    command: () =>
      javaCommand(
        jars,
        [...memory, '-XX:MetaspaceSize=192m', '-XX:MaxMetaspaceSize=320m', ...JVM_OPTIONS, logging],
        mainClass,
        args,
      ),
  })
}

function configuration({ ports, taskManagerHeapMb }: StackSettings, folder: string): string {
  const url = (name: string): string => pathToFileURL(join(folder, name)).href
  const values: Readonly<Record<string, string | number | boolean>> = {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.rpc.port': ports.jobManagerRpc,
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.memory.heap.size': '384m',
    'jobmanager.memory.off-heap.size': '64m',
    'jobmanager.memory.jvm-metaspace.size': '320m',
    'jobmanager.memory.jvm-overhead.min': '64m',
    'jobmanager.memory.jvm-overhead.max': '64m',
    'blob.server.port': ports.blobs,
    'rest.address': '127.0.0.1',
    'rest.port': ports.jobManager,
    'rest.bind-address': '127.0.0.1',
    'rest.bind-port': ports.jobManager,
    'taskmanager.host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.rpc.port': ports.taskManagerRpc,
    'taskmanager.data.port': ports.taskManagerData,
    'taskmanager.resource-id': 'taskmanager',
    'taskmanager.numberOfTaskSlots': 2,
    'taskmanager.cpu.cores': 2,
    'taskmanager.memory.framework.heap.size': '128m',
    'taskmanager.memory.task.heap.size': `${taskManagerHeapMb - 128}m`,
    'taskmanager.memory.framework.off-heap.size': `${OFF_HEAP_MB / 2}m`,
    'taskmanager.memory.task.off-heap.size': `${OFF_HEAP_MB / 2}m`,
    'taskmanager.memory.managed.size': '256m',
    'taskmanager.memory.network.min': `${NETWORK_MB}m`,
    'taskmanager.memory.network.max': `${NETWORK_MB}m`,
    'taskmanager.memory.jvm-metaspace.size': '320m',
    'taskmanager.memory.jvm-overhead.min': '64m',
    'taskmanager.memory.jvm-overhead.max': '64m',
    'io.tmp.dirs': join(folder, 'tmp'),
    'process.working-dir': join(folder, 'work'),
    'state.backend.type': 'rocksdb',
    'execution.checkpointing.incremental': true,
    'execution.checkpointing.dir': url('checkpoints'),
    'execution.checkpointing.savepoint-dir': url('savepoints'),
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.num-retained': 2,
    // It never gives up: PostgreSQL may be away for long.
    'restart-strategy.type': 'exponential-delay',
    'restart-strategy.exponential-delay.initial-backoff': '1s',
    'restart-strategy.exponential-delay.max-backoff': '30s',
    'restart-strategy.exponential-delay.reset-backoff-threshold': '2min',
    'heartbeat.interval': 5_000,
    'heartbeat.timeout': 30_000,
    // Its own 10 s are short for a busy machine.
    'pekko.ask.timeout': '60s',
    'web.submit.enable': false,
    'sql-gateway.endpoint.rest.address': '127.0.0.1',
    'sql-gateway.endpoint.rest.bind-address': '127.0.0.1',
    'sql-gateway.endpoint.rest.port': ports.gateway,
    // Without it the gateway takes the job manager's.
    'sql-gateway.endpoint.rest.bind-port': ports.gateway,
  }
  return `${Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')}\n`
}
