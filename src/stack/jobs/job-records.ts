/**
 * The Flink jobs of a data folder: with what each was started, and whether it should run.
 *
 * R1  A record holds what it takes to start its job again as it was: plan, settings, the state it last began from.
 * R2  It is replaced whole, and for its owner only, as it holds the password of a database.
 * R3  A job whose record says `running` should run: whoever finds it missing from its cluster may start it again. While
 *     someone stops it on purpose, the record says `stopping`.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FlinkCluster } from '../../flink/job/jobs.ts'
import type { FlinkSettings } from '../../flink/settings.ts'
import type { Plan } from '../../pipeline/plan.ts'

/** One job as it was started last. */
export interface JobRecord {
  readonly name: string
  readonly state: 'running' | 'stopping' | 'stopped' | 'finished'
  readonly jobId: string
  readonly plan: Plan
  /** Hash of the statements without addresses: equal ones make jobs that understand each other's state. */
  readonly scriptHash: string
  readonly settings: FlinkSettings
  /** Whether the tables are in the stack's own PostgreSQL, whose port may change. */
  readonly usesOwnDatabase: boolean
  readonly cluster: FlinkCluster
  /** The checkpoint or savepoint it began from; undefined where it read the topics from their beginning. */
  readonly startedFrom: string | undefined
  /** The savepoint it was stopped with. */
  readonly savepoint: string | undefined
  /** Whether a checkpoint or a savepoint of it was ever seen: where it has none later, they are lost. */
  readonly hasLeftState?: boolean
  /** How often it was started again because it was gone. */
  readonly revivals: number
}

/** All records of a stack's folder. */
export function readJobRecords(home: string): readonly JobRecord[] {
  let files: readonly string[]
  try {
    files = readdirSync(join(home, 'jobs'))
  } catch {
    return []
  }
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(home, 'jobs', file), 'utf8')) as JobRecord)
}

/** The record of a job; undefined where none was started from this folder. */
export function readJobRecord(home: string, name: string): JobRecord | undefined {
  return readJobRecords(home).find((record) => record.name === name)
}

/** Replaces the record of a job, whole. */
export function writeJobRecord(home: string, record: JobRecord): void {
  mkdirSync(join(home, 'jobs'), { recursive: true, mode: 0o700 })
  const file = join(home, 'jobs', `${record.name}.json`)
  writeFileSync(`${file}.partial`, JSON.stringify(record, undefined, 2), { mode: 0o600 })
  renameSync(`${file}.partial`, file)
}
