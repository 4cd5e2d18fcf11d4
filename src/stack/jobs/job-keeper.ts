/**
 * Keeps the Flink jobs of a stack running: a job that its job manager lost is started again from its newest checkpoint.
 *
 * B1  Only jobs whose record says `running` are started, and only while the cluster has none of their name.
 * B2  A job goes on from the newest state that is whole; where it has none, from where it began before. One that then
 *     begins with its topics fills empty tables.
 * B3  What ends on purpose stays ended: topics that ended, a job that was cancelled on Flink's page.
 * B4  A job whose SQL this version writes otherwise is left alone: its state is not understood, and counting anew is
 *     for people to decide.
 * B5  `stop` stops the running jobs with a savepoint each; where that fails, their newest checkpoint takes its place.
 * B6  A job whose state cannot be read, or was seen before and is gone, is left alone as well: that it left none is
 *     believed only of a job of which none was ever seen.
 * B7  Whoever starts a job does so alone (W1 of `start-lock.ts`).
 * B8  A job whose record cannot be read is told of and left alone; the others are looked after as before.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { FolderLock } from '../../database/folder-lock.ts'
import { messageOf, TidemarkError } from '../../errors.ts'
import { scriptHash } from '../../flink/flink-sql.ts'
import { jdbcAddress } from '../../flink/job/jdbc-address.ts'
import {
  cancelJob,
  findJob,
  listJobs,
  startJob,
  stopJob,
  type FlinkCluster,
  type FlinkJob,
} from '../../flink/job/jobs.ts'
import type { FlinkSettings } from '../../flink/settings.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { readJobRecord, readJobRecords, unreadableRecords, writeJobRecord, type JobRecord } from './job-records.ts'
import { isCheckpoint, newestState } from './retained-state.ts'
import { lockStarts } from './start-lock.ts'

const POLL_MS = 1_000
const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 30_000
const STOP_MS = 120_000
const COUNT_AGAIN = './tidemark flink submit --replace counts the topics again'

/** What a keeper has done for a job, for people. */
export interface KeptJob {
  readonly name: string
  readonly revivals: number
  /** Why it was started again last, or could not be. */
  readonly reason: string | undefined
}

export interface JobKeeperOptions {
  readonly home: string
  readonly cluster: FlinkCluster
  /** URL of the stack's own PostgreSQL as it is now. */
  readonly databaseUrl: () => string | undefined
  /** Whether all parts that a job needs to start answer. */
  readonly isReady: () => boolean
  readonly onChange: () => void
  /** Empties the tables of a job that has no state to go on from. */
  readonly emptyTables: (plan: Plan, settings: FlinkSettings) => Promise<void>
}

/** Looks after the jobs of one stack from {@link run} to {@link stop}. */
export class JobKeeper {
  readonly #options: JobKeeperOptions
  readonly #controller = new AbortController()
  readonly #reasons = new Map<string, string>()
  readonly #waits = new Map<string, { readonly forMs: number; readonly untilMs: number }>()
  #looking: Promise<void> = Promise.resolve()

  constructor(options: JobKeeperOptions) {
    this.#options = options
  }

  /** The jobs that were not left alone. */
  get jobs(): readonly KeptJob[] {
    const { home } = this.#options
    const kept = readJobRecords(home)
      .map(({ name, revivals }) => ({ name, revivals, reason: this.#reasons.get(name) }))
      .filter(({ revivals, reason }) => revivals > 0 || reason !== undefined)
    const unreadable = unreadableRecords(home).map(({ name, problem: { message, fix } }) => ({
      name,
      revivals: 0,
      reason: `${message} Nobody starts it again: ${fix}`,
    }))
    return [...kept, ...unreadable]
  }

  /** Looks at every job once a second until {@link stop}. Never rejects. */
  async run(): Promise<void> {
    while (!this.#controller.signal.aborted) {
      if (this.#options.isReady()) {
        this.#looking = this.#look().catch(() => undefined)
        await this.#looking
      }
      await delay(POLL_MS)
    }
  }

  /** Ends {@link run} and stops the running jobs with a savepoint. Never rejects. */
  async stop(): Promise<void> {
    this.#controller.abort()
    await this.#looking
    for (const record of this.#running()) await this.#stopOne(record)
  }

  #running(): readonly JobRecord[] {
    const { home, cluster } = this.#options
    return readJobRecords(home).filter(
      (record) => record.state === 'running' && record.cluster.jobManagerUrl === cluster.jobManagerUrl,
    )
  }

  async #look(): Promise<void> {
    const records = this.#running()
    if (records.length === 0) return
    const jobs = await listJobs(this.#options.cluster)
    for (const record of records) await this.#keep(record, jobs)
  }

  async #keep(record: JobRecord, jobs: readonly FlinkJob[]): Promise<void> {
    const { home, cluster } = this.#options
    const job = jobs.find(({ id }) => id === record.jobId)
    if (job?.state === 'RUNNING') {
      this.#waits.delete(record.name)
      this.#noteState(record)
    }
    if (job?.state === 'FINISHED') writeJobRecord(home, { ...record, state: 'finished' })
    else if (job?.state === 'CANCELED') this.#note(record, 'stopped', 'it was cancelled')
    else if (job === undefined || job.state === 'FAILED') {
      if ((await findJob(cluster, record.plan)) === undefined && this.#isDue(record.name))
        await this.#reviveAlone(record, job === undefined ? 'its job manager lost it' : 'it failed for good')
    }
  }

  /** Leaves a job to whoever is starting one at present, or has since the record was read (B7). */
  async #reviveAlone(record: JobRecord, why: string): Promise<void> {
    const { home } = this.#options
    const lock = this.#lockStarts()
    if (lock === undefined) return
    try {
      const now = readJobRecord(home, record.name)
      if (now?.state === 'running' && now.jobId === record.jobId) await this.#revive(record, why)
    } finally {
      lock.release()
    }
  }

  #lockStarts(): FolderLock | undefined {
    try {
      return lockStarts(this.#options.home)
    } catch (error) {
      if (error instanceof TidemarkError && error.code === 'FLINK_BUSY') return undefined
      throw error
    }
  }

  async #revive(record: JobRecord, why: string): Promise<void> {
    const { home, cluster, databaseUrl, emptyTables } = this.#options
    if (record.scriptHash !== scriptHash(record.plan, record.settings))
      return this.#tell(record, `${why}, and this version's SQL does not understand its state: ${COUNT_AGAIN}`)
    const url = record.usesOwnDatabase ? databaseUrl() : undefined
    const settings = url === undefined ? record.settings : { ...record.settings, ...jdbcAddress(url) }
    try {
      const state = newestState(home, record)
      if (state === undefined && record.hasLeftState === true)
        return this.#tell(record, `${why}, and its checkpoints, which were there, are gone: ${COUNT_AGAIN}`)
      const from = state === undefined ? undefined : { url: state, isOwn: isCheckpoint(home, state) }
      const prepare = from === undefined ? () => emptyTables(record.plan, settings) : undefined
      const jobId = await startJob(cluster, record.plan, settings, { signal: this.#controller.signal, from, prepare })
      if (readJobRecord(home, record.name)?.state !== 'running') {
        // Someone stopped it while it was planned.
        await cancelJob(cluster, jobId)
        return
      }
      const revived = { ...record, settings, cluster, jobId, startedFrom: state, revivals: record.revivals + 1 }
      this.#note(revived, 'running', `${why}; it goes on from ${state ?? 'the beginning of its topics'}`)
    } catch (error) {
      this.#tell(record, `${why}, and cannot be started: ${messageOf(error)}`)
    }
  }

  #tell({ name }: JobRecord, reason: string): void {
    this.#reasons.set(name, reason)
    this.#options.onChange()
  }

  /** Notes that a job which runs has left a state (B6). */
  #noteState(record: JobRecord): void {
    const { home } = this.#options
    if (record.hasLeftState === true || this.#stateOf(record) === undefined) return
    // Someone may have stopped it since it was read.
    const now = readJobRecord(home, record.name)
    if (now?.state === 'running' && now.jobId === record.jobId) writeJobRecord(home, { ...now, hasLeftState: true })
  }

  /** The newest state; undefined also where that cannot be seen now. */
  #stateOf(record: JobRecord): string | undefined {
    try {
      return newestState(this.#options.home, record)
    } catch {
      return undefined
    }
  }

  async #stopOne(record: JobRecord): Promise<void> {
    const { cluster } = this.#options
    try {
      const job = await findJob(cluster, record.plan)
      const savepoint = job === undefined ? undefined : await stopJob(cluster, job, AbortSignal.timeout(STOP_MS))
      this.#note({ ...record, savepoint: savepoint ?? this.#stateOf(record) }, 'stopped', undefined)
    } catch (error) {
      const reason = `it was ended without a savepoint: ${messageOf(error)}`
      this.#note({ ...record, savepoint: this.#stateOf(record) }, 'stopped', reason)
    }
  }

  #note(record: JobRecord, state: JobRecord['state'], reason: string | undefined): void {
    writeJobRecord(this.#options.home, { ...record, state })
    if (reason !== undefined) this.#reasons.set(record.name, reason)
    this.#options.onChange()
  }

  /** Whether a job may be started again now; the next time it has to wait longer, until it has been seen running. */
  #isDue(name: string): boolean {
    const wait = this.#waits.get(name)
    const nowMs = Date.now()
    if (wait !== undefined && nowMs < wait.untilMs) return false
    const forMs = wait === undefined ? FIRST_WAIT_MS : Math.min(wait.forMs * 2, LAST_WAIT_MS)
    this.#waits.set(name, { forMs, untilMs: nowMs + forMs })
    return true
  }
}
