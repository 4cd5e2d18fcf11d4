/**
 * How a job is doing, by what its cluster says of it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Plan } from '../../pipeline/plan.ts'
import { reasonIn, request } from './gateway.ts'
import type { FlinkCluster, FlinkJob } from './jobs.ts'

/** How a job is doing. */
export interface FlinkJobHealth {
  readonly job: FlinkJob
  readonly checkpoints: {
    readonly completed: number
    readonly failed: number
    readonly lastCompletedMs: number | undefined
  }
  readonly restarts: number
  /**
   * The pipeline's watermark as SEMANTICS has it; undefined until each partition has had an event since the job's last
   * start.
   */
  readonly watermarkMs: number | undefined
  /** Why it failed last, in one sentence. */
  readonly lastFailure: string | undefined
}

/** The plan's watermark stands behind Flink's by this operator, which waits for both streams. */
const BEHIND_BOTH_STREAMS = 'IntervalJoin'
const POLL_MS = 250
const GATHER_MS = 2_000

/** How a job that its cluster knows is doing. */
export async function jobHealth(cluster: FlinkCluster, plan: Plan, job: FlinkJob): Promise<FlinkJobHealth> {
  interface Checkpoints {
    readonly counts: { readonly completed: number; readonly failed: number }
    readonly latest: { readonly completed: { readonly latest_ack_timestamp: number } | null }
  }
  interface Exceptions {
    readonly exceptionHistory: { readonly entries: readonly { readonly stacktrace: string }[] }
  }
  const ask = async <T>(path: string): Promise<T> => request<T>(cluster.jobManagerUrl, 'GET', `/jobs/${job.id}${path}`)
  const { counts, latest } = await ask<Checkpoints>('/checkpoints')
  const { exceptionHistory } = await ask<Exceptions>('/exceptions')
  const watermarkMs = await watermarkOf(ask, plan)
  // Behind the watermark, for which Flink was made to gather its metrics.
  const [restarts] = await ask<readonly Metric[]>('/metrics?get=numRestarts')
  const [failure] = exceptionHistory.entries
  return {
    job,
    checkpoints: {
      completed: counts.completed,
      failed: counts.failed,
      lastCompletedMs: latest.completed?.latest_ack_timestamp,
    },
    restarts: Number(restarts?.value ?? 0),
    watermarkMs,
    lastFailure: failure === undefined ? undefined : reasonIn(failure.stacktrace),
  }
}

interface Metric {
  readonly id: string
  readonly value: string
}

type Ask = <T>(path: string) => Promise<T>

async function watermarkOf(ask: Ask, plan: Plan): Promise<number | undefined> {
  interface Job {
    readonly vertices: readonly { readonly id: string; readonly name: string }[]
  }
  const { vertices } = await ask<Job>('')
  const vertex = vertices.find(({ name }) => name.includes(BEHIND_BOTH_STREAMS))
  if (vertex === undefined) return undefined
  const watermarks = await gathered(ask, `/vertices/${vertex.id}/watermarks`)
  const lowestMs = Math.min(...watermarks.map(({ value }) => Number(value)))
  // Before the first event, and at the end of topics that end, it is the least and the greatest number there is.
  return Math.abs(lowestMs) < Number.MAX_SAFE_INTEGER ? lowestMs + plan.parameters.allowedLatenessMs : undefined
}

/** Flink gathers metrics when it is asked for some, and answers with those it had before: at first with none. */
async function gathered(ask: Ask, path: string): Promise<readonly Metric[]> {
  const before = await ask<readonly Metric[]>(path)
  for (let waitedMs = 0; waitedMs < GATHER_MS; waitedMs += POLL_MS) {
    await delay(POLL_MS)
    const now = await ask<readonly Metric[]>(path)
    if (JSON.stringify(now) !== JSON.stringify(before)) return now
  }
  return before
}
