/**
 * Jobs on a Flink cluster, found by name: started, looked at, stopped with a savepoint, resumed from it.
 *
 * J1  One job of a name runs at a time.
 * J2  A job that is stopped leaves a savepoint, from which it goes on as if it had not been.
 * J3  Nothing is prepared for a job, as tables emptied, while one of its name runs.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { MINUTE_MS } from '../../time/units.ts'
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

/** States in which a job no longer does anything. */
const OVER: readonly string[] = ['FINISHED', 'CANCELED', 'FAILED']
const POLL_MS = 250
const STOP_MS = 5 * MINUTE_MS

/** All jobs that a cluster knows of, those that are over included, the newest first. */
export async function listJobs(cluster: FlinkCluster): Promise<readonly FlinkJob[]> {
  interface Listed {
    readonly jid: string
    readonly name: string
    readonly state: string
    readonly 'start-time': number
  }
  const { jobs } = await request<{ jobs: readonly Listed[] }>(cluster.jobManagerUrl, 'GET', '/jobs/overview')
  return jobs
    .map(({ jid, name, state, 'start-time': startedMs }) => ({ id: jid, name, state, startedMs }))
    .toSorted((a, b) => b.startedMs - a.startedMs)
}

/** Whether a job does nothing any more, and never will. */
export function isOver({ state }: FlinkJob): boolean {
  return OVER.includes(state)
}

/** The newest job of a plan that is not over; undefined where there is none. */
export async function findJob(cluster: FlinkCluster, plan: Plan): Promise<FlinkJob | undefined> {
  return (await listJobs(cluster)).find((job) => job.name === jobName(plan) && !isOver(job))
}

/** A checkpoint or a savepoint that a job goes on from. */
export interface SavedState {
  readonly url: string
  /** Whether the job may remove it once it has newer ones, as it does with checkpoints of its own. */
  readonly isOwn: boolean
}

/**
 * Refuses where the job of a plan runs already (J1).
 *
 * @throws TidemarkError FLINK_BUSY, FLINK_UNAVAILABLE
 */
export async function requireNoJob(cluster: FlinkCluster, plan: Plan): Promise<void> {
  const running = await findJob(cluster, plan)
  if (running === undefined) return
  throw new TidemarkError('FLINK_BUSY', `The job "${running.name}" runs already (${running.id}, ${running.state}).`, {
    fix: './tidemark flink stop',
  })
}

/** How a job is started. */
export interface JobStart {
  readonly signal: AbortSignal
  /** What to go on from; without it the job reads the topics from their beginning. */
  readonly from?: SavedState | undefined
  /** What is to be done first, once it is certain that no job of the plan runs (J3). */
  readonly prepare?: (() => Promise<void>) | undefined
}

/**
 * Starts the job of a plan.
 *
 * @returns the job's id
 * @throws TidemarkError FLINK_BUSY where it runs already, FLINK_UNAVAILABLE, FLINK_REFUSED
 */
export async function startJob(
  cluster: FlinkCluster,
  plan: Plan,
  settings: FlinkSettings,
  { signal, from, prepare }: JobStart,
): Promise<string> {
  await requireNoJob(cluster, plan)
  await prepare?.()
  const statements = [...recoveryStatements(from), ...flinkStatements(plan, settings).map(({ sql }) => sql)]
  const results = await runStatements(
    cluster.gatewayUrl,
    statements.map((sql) => `${sql};`),
    signal,
  )
  const jobId = results.at(-1)?.jobId
  if (jobId === undefined)
    throw new TidemarkError('FLINK_REFUSED', 'Flink took the statements and started no job.', {
      fix: 'see what the SQL gateway says of it (./tidemark stack logs), and submit it again',
    })
  return jobId
}

function recoveryStatements(from: SavedState | undefined): readonly string[] {
  if (from === undefined) return []
  return [
    `SET 'execution.state-recovery.path' = ${literal(from.url)}`,
    `SET 'execution.state-recovery.claim-mode' = ${literal(from.isOwn ? 'CLAIM' : 'NO_CLAIM')}`,
  ]
}

/** Ends a job, without a savepoint. */
export async function cancelJob(cluster: FlinkCluster, jobId: string): Promise<void> {
  await request(cluster.jobManagerUrl, 'PATCH', `/jobs/${jobId}?mode=cancel`)
}

/**
 * Stops a job with a savepoint.
 *
 * @returns where the savepoint is
 * @throws TidemarkError FLINK_REFUSED with the reason
 */
export async function stopJob(cluster: FlinkCluster, job: FlinkJob, signal: AbortSignal): Promise<string> {
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
