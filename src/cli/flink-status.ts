/**
 * `tidemark flink status`: what the cluster says of a job, how far it is behind, and what the supervisor did for it.
 */
import { jobName } from '../flink/flink-sql.ts'
import { jobHealth, type FlinkJobHealth } from '../flink/job/health.ts'
import { findJob } from '../flink/job/jobs.ts'
import { STREAM_NAMES, type Plan } from '../pipeline/plan.ts'
import { groupLag } from '../sinks/kafka/group-lag.ts'
import type { KeptJob } from '../stack/jobs/job-keeper.ts'
import { readJobRecords, unreadableRecords } from '../stack/jobs/job-records.ts'
import { stackHome } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import { clusterOf, jobLine, type ClusterOptions } from './flink-cluster.ts'
import { grouped } from './ledger-text.ts'
import { loadPlan } from './plan-options.ts'
import { createTalk } from './talk.ts'

const NO_WATERMARK = 'none yet: not every partition has had an event since the job started last'

type Lag = ReadonlyMap<string, number> | undefined

/** Runs the command. */
export async function showStatus(options: ClusterOptions): Promise<void> {
  const plan = await loadPlan(options)
  const home = stackHome(options.dataDir)
  const cluster = clusterOf(options)
  const isOfJob = ({ name }: { readonly name: string }): boolean => name === jobName(plan)
  const record = readJobRecords(home).find(isOfJob)
  const recorded = unreadableRecords(home).some(isOfJob) ? 'unreadable' : record?.state
  const kept = runningState(home)?.jobs.find(isOfJob)
  const job = await findJob(cluster, plan)
  const talk = createTalk(options)
  if (job === undefined) {
    const state = {
      job: null,
      recorded: recorded ?? null,
      savepoint: record?.savepoint ?? null,
      kept: kept ?? null,
    }
    process.stdout.write(options.json === true ? `${JSON.stringify(state)}\n` : `${absent(plan, recorded, kept)}\n`)
    talk.next(jobLine(recorded === 'stopped' ? 'resume' : 'submit', options))
    return
  }
  const health = await jobHealth(cluster, plan, job)
  const lag = await lagOf(options.brokers ?? record?.settings.brokers ?? cluster.brokers, plan)
  const document = { ...health, lag: lag === undefined ? null : Object.fromEntries(lag), kept: kept ?? null }
  process.stdout.write(options.json === true ? `${JSON.stringify(document)}\n` : `${statusText(health, lag, kept)}\n`)
  talk.next(jobLine('stop', options))
}

function absent(plan: Plan, recorded: string | undefined, kept: KeptJob | undefined): string {
  const known =
    recorded === undefined
      ? ''
      : recorded === 'unreadable'
        ? ' Its record cannot be read.'
        : ` Its record says: ${recorded}.`
  const reason = kept?.reason === undefined ? '' : ` Last: ${kept.reason}.`
  return `No job "${jobName(plan)}" runs.${known}${reason}`
}

/** Events that no checkpoint holds yet; undefined while Kafka is away. */
async function lagOf(brokers: string, plan: Plan): Promise<Lag> {
  const topics = STREAM_NAMES.map((stream) => plan.streams[stream].topic)
  return groupLag(brokers, jobName(plan), topics).catch(() => undefined)
}

function statusText({ job, checkpoints, ...health }: FlinkJobHealth, lag: Lag, kept: KeptJob | undefined): string {
  const last = checkpoints.lastCompletedMs
  const behind = [...(lag ?? [])].map(([topic, records]) => `${topic} ${grouped(records)}`).join(', ')
  const { restarts, watermarkMs, lastFailure } = health
  return [
    `${job.name} ${job.state} since ${timeText(job.startedMs)} (${job.id})`,
    `watermark    ${watermarkMs === undefined ? NO_WATERMARK : timeText(watermarkMs)}`,
    `lag          ${lag === undefined ? 'unknown: Kafka does not answer' : `${behind} events behind the last checkpoint`}`,
    `checkpoints  ${checkpoints.completed} completed, ${checkpoints.failed} failed` +
      (last === undefined ? '' : `, the last at ${timeText(last)}`),
    `restarts     ${restarts}${lastFailure === undefined ? '' : `; last: ${lastFailure}`}`,
    ...(kept === undefined ? [] : [`revivals     ${kept.revivals}; last: ${kept.reason ?? 'before this start'}`]),
  ].join('\n')
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
