/**
 * The Flink jobs of a data folder: with what each was started, and whether it should run.
 *
 * R1  A record holds what it takes to start its job again as it was: plan, settings, the state it last began from.
 * R2  It is replaced whole, and for its owner only, as it holds the password of a database.
 * R3  A job whose record says `running` should run: whoever finds it missing from its cluster may start it again. While
 *     someone stops it on purpose, the record says `stopping`.
 * R4  A record that cannot be read, as after a loss of power, is a state of its job alone: the others are read beside
 *     it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, TidemarkError } from '../../errors.ts'
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

/** A record that cannot be read: of its job only the name of the file tells. */
export interface UnreadableRecord {
  readonly name: string
  readonly problem: TidemarkError
}

const ENDING = '.json'
const STATES = ['running', 'stopping', 'stopped', 'finished'] as const
/** What is looked at before anything else is asked of a record. */
const SHAPE = z.looseObject({
  name: z.string(),
  state: z.enum(STATES),
  jobId: z.string(),
  plan: z.looseObject({ name: z.string() }),
  scriptHash: z.string(),
  settings: z.looseObject({ jdbcUrl: z.string() }),
  cluster: z.looseObject({ gatewayUrl: z.string(), jobManagerUrl: z.string() }),
  revivals: z.number(),
})

/** All records of a stack's folder that can be read. */
export function readJobRecords(home: string): readonly JobRecord[] {
  return readAll(home).flatMap((read) => ('problem' in read ? [] : [read]))
}

/** Those that cannot (R4). */
export function unreadableRecords(home: string): readonly UnreadableRecord[] {
  return readAll(home).flatMap((read) => ('problem' in read ? [read] : []))
}

/**
 * The record of a job; undefined where none was started from this folder.
 *
 * @throws TidemarkError INPUT_CORRUPT where it cannot be read
 */
export function readJobRecord(home: string, name: string): JobRecord | undefined {
  const read = readAll(home).find((one) => one.name === name)
  if (read !== undefined && 'problem' in read) throw read.problem
  return read
}

function readAll(home: string): readonly (JobRecord | UnreadableRecord)[] {
  return filesIn(home)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => {
      const path = join(home, 'jobs', file)
      try {
        const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
        if (isRecord(value)) return value
        return unreadable(path, file, 'it holds something else')
      } catch (cause) {
        return unreadable(path, file, messageOf(cause), cause)
      }
    })
}

function filesIn(home: string): readonly string[] {
  try {
    return readdirSync(join(home, 'jobs'))
  } catch {
    return []
  }
}

function isRecord(value: unknown): value is JobRecord {
  return SHAPE.safeParse(value).success
}

function unreadable(path: string, file: string, reason: string, cause?: unknown): UnreadableRecord {
  const name = file.slice(0, -ENDING.length)
  const problem = new TidemarkError('INPUT_CORRUPT', `The record of the job "${name}" cannot be read: ${reason}.`, {
    where: path,
    fix: './tidemark flink stop, then ./tidemark flink submit --replace, which counts the topics again',
    cause,
  })
  return { name, problem }
}

/** Replaces the record of a job, whole. */
export function writeJobRecord(home: string, record: JobRecord): void {
  mkdirSync(join(home, 'jobs'), { recursive: true, mode: 0o700 })
  const file = join(home, 'jobs', `${record.name}.json`)
  writeFileSync(`${file}.partial`, JSON.stringify(record, undefined, 2), { mode: 0o600 })
  renameSync(`${file}.partial`, file)
}
