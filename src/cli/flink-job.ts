/**
 * `tidemark flink submit|status|stop|resume`: the job of a plan on a Flink cluster, by default that of `stack up`.
 *
 * F1  A fresh job fills empty tables: rows are only removed with `--replace`.
 * F2  A job goes on from a savepoint of the very same plan and of no other.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { withConnection } from '../database/connection.ts'
import { clearTables, migrate, tablesWithRows } from '../database/migrate.ts'
import { TidemarkError } from '../errors.ts'
import { jobName } from '../flink/flink-sql.ts'
import { jobHealth, startJob, stopJob, type FlinkCluster } from '../flink/job/jobs.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from '../flink/settings.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { STREAM_NAMES, type Plan } from '../pipeline/plan.ts'
import { ensureTopics } from '../sinks/kafka/topics.ts'
import { DEFAULT_PORTS, portsFrom, stackHome, stackUrls } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import type { CommonOptions } from './common-options.ts'
import { interruptSignal } from './interrupt.ts'
import { wholeNumber } from './option-values.ts'
import { addPlanOptions, loadPlan, type PlanOptions } from './plan-options.ts'
import { createTalk } from './talk.ts'

interface ClusterOptions extends PlanOptions, CommonOptions {
  readonly dataDir: string
  readonly brokers?: string
  readonly gatewayUrl?: string
  readonly jobManagerUrl?: string
}

interface SubmitOptions extends ClusterOptions {
  readonly databaseUrl?: string
  readonly replace?: boolean
  readonly bounded?: boolean
  readonly parallelism: number
  readonly heapState?: boolean
}

/** The commands about jobs, ready to be added to `flink`. */
export function jobCommands(): readonly Command[] {
  const submit = withTarget(
    withCluster(new Command('submit').description('Starts the job of a plan, from the beginning.')),
  )
    .option('--replace', 'empty the tables first')
    .option('--bounded', 'stop where the topics end now, with every window final')
    .action(async (options: SubmitOptions) => run(options, undefined))
  const resume = withTarget(
    withCluster(new Command('resume').description('Goes on where the job was stopped.')),
  ).action(async (options: SubmitOptions) => run(options, await savedJob(options)))
  const status = withCluster(new Command('status').description('How the job of a plan is doing.')).action(showStatus)
  const stop = withCluster(new Command('stop').description('Stops the job of a plan with a savepoint.')).action(
    stopAndKeep,
  )
  return [submit, status, stop, resume]
}

function withCluster(command: Command): Command {
  return addPlanOptions(command)
    .option('--data-dir <dir>', 'of the stack, and where savepoints are noted', '.tidemark')
    .option('--gateway-url <url>', "of Flink's SQL Gateway (that of the stack)")
    .option('--job-manager-url <url>', "of Flink's job manager (that of the stack)")
}

function withTarget(command: Command): Command {
  return command
    .option('--brokers <list>', 'Kafka brokers, host:port with commas between (those of the stack)')
    .option('--database-url <url>', 'PostgreSQL (that of the stack)')
    .option('--parallelism <n>', 'subtasks of each operator', wholeNumber(1, 128), DEFAULT_FLINK_SETTINGS.parallelism)
    .option('--heap-state', 'keep state in memory instead of RocksDB: faster, and limited by it')
}

/** A job that was stopped, as it is kept in the data folder. */
interface SavedJob {
  readonly planHash: string
  readonly savepoint: string
}

async function run(options: SubmitOptions, saved: SavedJob | undefined): Promise<void> {
  const plan = await loadPlan(options)
  const cluster = clusterOf(options)
  const databaseUrl = options.databaseUrl ?? runningState(stackHome(options.dataDir))?.databaseUrl
  if (databaseUrl === undefined)
    throw new TidemarkError('USAGE', 'No database is given, and the stack has none.', {
      fix: 'Give --database-url URL, or start one: ./tidemark stack up',
    })
  const topics = STREAM_NAMES.map((stream) => ({ name: plan.streams[stream].topic, partitions: 4 }))
  await ensureTopics(cluster.brokers, topics)
  await prepareTables(databaseUrl, plan, options, saved !== undefined)
  const talk = createTalk(options)
  talk.say('Flink plans the job; that takes up to half a minute.')
  const settings = settingsOf(options, cluster.brokers, databaseUrl)
  const id = await startJob(cluster, plan, settings, { signal: interruptSignal(), savepoint: saved?.savepoint })
  if (options.json === true) process.stdout.write(`${JSON.stringify({ id, name: jobName(plan) })}\n`)
  else process.stdout.write(`${jobName(plan)} runs as ${id}: ${cluster.jobManagerUrl}/#/job/running/${id}\n`)
  talk.next('./tidemark flink status')
}

async function prepareTables(url: string, plan: Plan, options: SubmitOptions, goesOn: boolean): Promise<void> {
  await withConnection({ url, applicationName: 'tidemark flink' }, async (client) => {
    const filled = await tablesWithRows(client, plan)
    if (filled.length > 0 && !goesOn && options.replace !== true)
      throw new TidemarkError(
        'USAGE',
        `These tables hold rows: ${filled.join(', ')}. A fresh job would mix with them.`,
        {
          fix: 'Add --replace to empty them, or go on with ./tidemark flink resume',
        },
      )
    await migrate(client, plan, { discardRows: options.replace === true })
    if (options.replace === true) await clearTables(client, plan)
  })
}

function settingsOf(options: SubmitOptions, brokers: string, databaseUrl: string): FlinkSettings {
  const { hostname, port, pathname, username, password } = new URL(databaseUrl)
  return {
    ...DEFAULT_FLINK_SETTINGS,
    brokers,
    jdbcUrl: `jdbc:postgresql://${hostname}:${port === '' ? '5432' : port}${pathname}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    parallelism: options.parallelism,
    stateBackend: options.heapState === true ? 'hashmap' : 'rocksdb',
    bounded: options.bounded ?? false,
  }
}

function clusterOf(options: ClusterOptions): FlinkCluster & { readonly brokers: string } {
  const ports = runningState(stackHome(options.dataDir))?.settings.ports
  const urls = stackUrls(ports ?? portsFrom(DEFAULT_PORTS.kafka, DEFAULT_PORTS.flink))
  return {
    brokers: options.brokers ?? urls.brokers,
    gatewayUrl: options.gatewayUrl ?? urls.gatewayUrl,
    jobManagerUrl: options.jobManagerUrl ?? urls.jobManagerUrl,
  }
}

async function showStatus(options: ClusterOptions): Promise<void> {
  const plan = await loadPlan(options)
  const health = await jobHealth(clusterOf(options), plan)
  const talk = createTalk(options)
  if (options.json === true) process.stdout.write(`${JSON.stringify(health ?? { job: null })}\n`)
  else if (health === undefined) process.stdout.write(`No job "${jobName(plan)}" runs.\n`)
  else {
    const { job, checkpoints, restarts, lastFailure } = health
    const last = checkpoints.lastCompletedMs
    const lines = [
      `${job.name} ${job.state} since ${new Date(job.startedMs).toISOString()} (${job.id})`,
      `checkpoints  ${checkpoints.completed} completed, ${checkpoints.failed} failed` +
        (last === undefined ? '' : `, the last at ${new Date(last).toISOString()}`),
      `restarts     ${restarts}${lastFailure === undefined ? '' : `; last: ${lastFailure}`}`,
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  talk.next(health === undefined ? './tidemark flink submit' : './tidemark flink stop')
}

async function stopAndKeep(options: ClusterOptions): Promise<void> {
  const plan = await loadPlan(options)
  const savepoint = await stopJob(clusterOf(options), plan, interruptSignal())
  const talk = createTalk(options)
  if (savepoint !== undefined) {
    const saved: SavedJob = { planHash: planHash(plan), savepoint }
    mkdirSync(stackHome(options.dataDir), { recursive: true, mode: 0o700 })
    writeFileSync(savedFile(options, plan), JSON.stringify(saved), { mode: 0o600 })
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify({ savepoint: savepoint ?? null })}\n`)
  else process.stdout.write(savepoint === undefined ? 'No job was running.\n' : `Stopped; savepoint ${savepoint}\n`)
  talk.next(savepoint === undefined ? './tidemark flink submit' : './tidemark flink resume')
}

async function savedJob(options: ClusterOptions): Promise<SavedJob> {
  const plan = await loadPlan(options)
  let saved: SavedJob
  try {
    saved = JSON.parse(readFileSync(savedFile(options, plan), 'utf8')) as SavedJob
  } catch (cause) {
    throw new TidemarkError('INPUT_MISSING', `No job "${jobName(plan)}" was stopped from this data folder.`, {
      fix: './tidemark flink submit',
      cause,
    })
  }
  if (saved.planHash === planHash(plan)) return saved
  const message = `The savepoint is of another plan (${saved.planHash.slice(0, 12)}, this one is ${planHash(plan).slice(0, 12)}).`
  throw new TidemarkError('DEFINITION_INVALID', message, { fix: './tidemark flink submit --replace' })
}

function savedFile(options: ClusterOptions, plan: Plan): string {
  return join(stackHome(options.dataDir), `${jobName(plan)}.savepoint.json`)
}
