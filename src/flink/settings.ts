/**
 * What a job needs to know beside the plan: where Kafka and PostgreSQL are, and how it is to run. No number in a table
 * depends on any of it.
 */
import { DAY_MS, MINUTE_MS } from '../time/units.ts'

/** How a job reads, writes and keeps its state. */
export interface FlinkSettings {
  /** Kafka, as `host:port` with commas between. */
  readonly brokers: string
  /** PostgreSQL as Flink's JDBC connector writes it: `jdbc:postgresql://host:port/database`. */
  readonly jdbcUrl: string
  readonly username: string
  readonly password: string
  /** How many subtasks each operator has. */
  readonly parallelism: number
  readonly stateBackend: 'rocksdb' | 'hashmap'
  readonly checkpointIntervalMs: number
  /** Whether the job ends where the topics end now, with every window final, instead of waiting for more. */
  readonly bounded: boolean
  /** How long keyed state is kept that nobody touches, processing time. It has to outlast every outage. */
  readonly stateTtlMs: number
  /** How long a partition may be silent before it no longer holds the watermark back, processing time. */
  readonly idleTimeoutMs: number
}

/** A local Kafka and PostgreSQL, as `tidemark stack up` starts them. */
export const DEFAULT_FLINK_SETTINGS: FlinkSettings = {
  brokers: '127.0.0.1:9092',
  jdbcUrl: 'jdbc:postgresql://127.0.0.1:5432/tidemark',
  username: 'tidemark',
  password: '',
  parallelism: 2,
  stateBackend: 'rocksdb',
  checkpointIntervalMs: 10_000,
  bounded: false,
  stateTtlMs: DAY_MS,
  idleTimeoutMs: MINUTE_MS,
}
