/**
 * Jobs on a Flink cluster, found by name: started, looked at, stopped with a savepoint, resumed from it.
 *
 * J1  One job of a name runs at a time.
 * J2  A job that is stopped leaves a savepoint, from which it goes on as if it had not been.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { flinkStatements, jobName } from '../flink-sql.ts'
import { literal } from '../quoting.ts'
import type { FlinkSettings } from '../settings.ts'
import { reasonIn, request, runStatements } from './gateway.ts'

/** Where the parts of a Flink cluster answer. */
export interface FlinkCluster {
  readonly gatewayUrl: string
  readonly jobManagerUrl: string
}

/** A job as the cluster lists it. */
export interface FlinkJob {
  readonly id: string
  readonly name: string
  readonly state: string
  /** ms since the epoch. */
  readonly startedMs: number
}

/** How a job is doing. */
export interface FlinkJobHealth {
  readonly job: FlinkJob
  readonly checkpoints: {
    readonly completed: number
    readonly failed: number
    readonly lastCompletedMs: number | undefined
  }
  readonly restarts: number
  /** Why it failed last, in one sentence. */
  readonly lastFailure: string | undefined
}

/** States in which a job no longer does anything. */
const OVER: readonly string[] = ['FINISHED', 'CANCELED', 'FAILED']
const POLL_MS = 250
const STOP_MS = 300_000

/** The newest job of a plan that is not over; undefined where there is none. */
export async function findJob(cluster: FlinkCluster, plan: Plan): Promise<FlinkJob | undefined> {
  interface Listed {
    readonly jid: string
    readonly name: string
    readonly state: string
    readonly 'start-time': number
  }
  const { jobs } = await request<{ jobs: readonly Listed[] }>(cluster.jobManagerUrl, 'GET', '/jobs/overview')
  const own = jobs.filter(({ name, state }) => name === jobName(plan) && !OVER.includes(state))
  const [newest] = own.toSorted((a, b) => b['start-time'] - a['start-time'])
  if (newest === undefined) return undefined
  return { id: newest.jid, name: newest.name, state: newest.state, startedMs: newest['start-time'] }
}

/**
 * Starts the job of a plan.
 *
 * @param savepoint to go on from; without one the job reads the topics from their beginning
 * @returns the job's id
 * @throws TidemarkError FLINK_BUSY where it runs already, FLINK_UNAVAILABLE, FLINK_REFUSED
 */
export async function startJob(
  cluster: FlinkCluster,
  plan: Plan,
  settings: FlinkSettings,
  { signal, savepoint }: { readonly signal: AbortSignal; readonly savepoint?: string | undefined },
): Promise<string> {
  const running = await findJob(cluster, plan)
  if (running !== undefined)
    throw new TidemarkError('FLINK_BUSY', `The job "${running.name}" runs already (${running.id}, ${running.state}).`, {
      fix: './tidemark flink stop',
    })
  const recovery = savepoint === undefined ? [] : [`SET 'execution.state-recovery.path' = ${literal(savepoint)}`]
  const statements = [...recovery, ...flinkStatements(plan, settings).map(({ sql }) => sql)]
  const results = await runStatements(
    cluster.gatewayUrl,
    statements.map((sql) => `${sql};`),
    signal,
  )
  const jobId = results.at(-1)?.jobId
  if (jobId === undefined) throw new TidemarkError('FLINK_REFUSED', 'Flink took the statements and started no job.', {})
  return jobId
}

/** How the job of a plan is doing; undefined where none runs. */
export async function jobHealth(cluster: FlinkCluster, plan: Plan): Promise<FlinkJobHealth | undefined> {
  const job = await findJob(cluster, plan)
  if (job === undefined) return undefined
  interface Checkpoints {
    readonly counts: { readonly completed: number; readonly failed: number; readonly restored: number }
    readonly latest: { readonly completed: { readonly latest_ack_timestamp: number } | null }
  }
  interface Exceptions {
    readonly exceptionHistory: { readonly entries: readonly { readonly stacktrace: string }[] }
  }
  const base = `/jobs/${job.id}`
  const { counts, latest } = await request<Checkpoints>(cluster.jobManagerUrl, 'GET', `${base}/checkpoints`)
  const { exceptionHistory } = await request<Exceptions>(cluster.jobManagerUrl, 'GET', `${base}/exceptions`)
  const [failure] = exceptionHistory.entries
  return {
    job,
    checkpoints: {
      completed: counts.completed,
      failed: counts.failed,
      lastCompletedMs: latest.completed?.latest_ack_timestamp,
    },
    restarts: exceptionHistory.entries.length,
    lastFailure: failure === undefined ? undefined : reasonIn(failure.stacktrace),
  }
}

/**
 * Stops the job of a plan with a savepoint.
 *
 * @returns where the savepoint is; undefined where no job runs
 * @throws TidemarkError FLINK_REFUSED with the reason
 */
export async function stopJob(cluster: FlinkCluster, plan: Plan, signal: AbortSignal): Promise<string | undefined> {
  const job = await findJob(cluster, plan)
  if (job === undefined) return undefined
  const { 'request-id': id } = await request<{ 'request-id': string }>(
    cluster.jobManagerUrl,
    'POST',
    `/jobs/${job.id}/stop`,
    { drain: false, formatType: 'NATIVE' },
  )
  return savepointOf(cluster, `/jobs/${job.id}/savepoints/${id}`, signal)
}

async function savepointOf(cluster: FlinkCluster, path: string, signal: AbortSignal): Promise<string> {
  interface Savepoint {
    readonly status: { readonly id: string }
    readonly operation?: { readonly location?: string; readonly 'failure-cause'?: { readonly 'stack-trace': string } }
  }
  for (let waitedMs = 0; waitedMs < STOP_MS; waitedMs += POLL_MS) {
    signal.throwIfAborted()
    const { status, operation } = await request<Savepoint>(cluster.jobManagerUrl, 'GET', path)
    if (operation?.location !== undefined) return operation.location
    const failure = operation?.['failure-cause']?.['stack-trace']
    if (failure !== undefined || status.id === 'COMPLETED')
      throw new TidemarkError('FLINK_REFUSED', `The savepoint failed: ${reasonIn(failure ?? 'no reason given')}`, {
        fix: './tidemark flink status',
      })
    await delay(POLL_MS)
  }
  throw new TidemarkError('FLINK_REFUSED', `The savepoint is not there after ${STOP_MS / 1_000} s.`, {
    fix: './tidemark flink status',
  })
}
