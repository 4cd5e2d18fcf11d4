/**
 * What the stack is to be: which parts, on which ports, in which folders, with how much memory.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * What `--only` may name. Flink is a job manager, a task manager and an SQL gateway; traffic is simulated, into Kafka.
 */
export const STACK_GROUPS = ['kafka', 'flink', 'postgres', 'superset', 'traffic'] as const

/** What is started unless told otherwise: everything but simulated traffic. */
export const DEFAULT_GROUPS: readonly (typeof STACK_GROUPS)[number][] = ['kafka', 'flink', 'postgres', 'superset']

export type StackGroup = (typeof STACK_GROUPS)[number]

/** Ports on the loopback interface. */
export interface StackPorts {
  readonly kafka: number
  readonly kafkaController: number
  readonly jobManager: number
  readonly jobManagerRpc: number
  readonly taskManagerRpc: number
  readonly taskManagerData: number
  readonly blobs: number
  readonly gateway: number
  readonly superset: number
}

export interface StackSettings {
  /** Everything the stack writes, but for the jars. */
  readonly home: string
  readonly cacheDir: string
  readonly groups: readonly StackGroup[]
  readonly ports: StackPorts
  /** Heap of Flink's task manager, MB. */
  readonly taskManagerHeapMb: number
  /** Simulated impressions a second; left out, as many as the generator's preset has. */
  readonly trafficRate?: number | undefined
  /** PostgreSQL keeps its files in `postgres/` below it. */
  readonly dataDir: string
}

/** Kafka at `base`, the others behind it in a row. */
export function portsFrom(kafka: number, flink: number, superset: number = DEFAULT_PORTS.superset): StackPorts {
  return {
    kafka,
    kafkaController: kafka + 1,
    jobManager: flink,
    jobManagerRpc: flink + 1,
    gateway: flink + 2,
    taskManagerRpc: flink + 3,
    taskManagerData: flink + 4,
    blobs: flink + 5,
    superset,
  }
}

/** The first port of Kafka and of Flink, and that of Superset, unless told otherwise. */
export const DEFAULT_PORTS = { kafka: 9092, flink: 8081, superset: 8088 } as const

/** Where the jars are kept, for all checkouts of a user. */
export function jarCache(env: NodeJS.ProcessEnv = process.env): string {
  const given = env['TIDEMARK_STACK_CACHE']
  if (given !== undefined && given !== '') return resolve(given)
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tidemark', 'stack')
}

/** Where the stack of a data folder is. */
export function stackHome(dataDir: string): string {
  return resolve(dataDir, 'stack')
}

/** Where Superset's metadata, key and password are kept. */
export function supersetHome(home: string): string {
  return join(home, 'superset')
}

/** Addresses others use. */
export interface StackUrls {
  readonly brokers: string
  readonly jobManagerUrl: string
  readonly gatewayUrl: string
  readonly supersetUrl: string
}

export function stackUrls(ports: StackPorts): StackUrls {
  return {
    brokers: `127.0.0.1:${ports.kafka}`,
    jobManagerUrl: `http://127.0.0.1:${ports.jobManager}`,
    gatewayUrl: `http://127.0.0.1:${ports.gateway}`,
    supersetUrl: `http://127.0.0.1:${ports.superset}`,
  }
}
