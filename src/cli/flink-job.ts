/**
 * `tidemark flink submit|status|stop|resume`: the job of a plan on a Flink cluster, by default that of `stack up`.
 *
 * F1  A fresh job fills empty tables: rows are only removed with `--replace`.
 * F2  A job goes on from a state of the very same plan and of no other, with the settings it had. One of the stack that
 *     left no state begins with its topics again, into emptied tables; what one elsewhere left is not known here.
 * F3  What was started is noted in the data folder, so that the stack's supervisor can start it again.
 */
import { Command } from 'commander'
import { withConnection } from '../database/connection.ts'
import { checkDatabaseUrl } from '../database/database-url.ts'
import { tablesWithRows } from '../database/migrate.ts'
import { TidemarkError } from '../errors.ts'
import { jobName, scriptHash } from '../flink/flink-sql.ts'
import { jdbcAddress } from '../flink/job/jdbc-address.ts'
import { findJob, requireNoJob, startJob, stopJob, type FlinkCluster } from '../flink/job/jobs.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from '../flink/settings.ts'
import { planChanges } from '../pipeline/plan-changes.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { STREAM_NAMES, type Plan } from '../pipeline/plan.ts'
import { ensureTopics } from '../sinks/kafka/topics.ts'
import { emptyTables, makeTables, replaceTables } from '../stack/jobs/empty-tables.ts'
import { readJobRecord, readJobRecords, writeJobRecord, type JobRecord } from '../stack/jobs/job-records.ts'
import { isCheckpoint, newestState, stateFolders } from '../stack/jobs/retained-state.ts'
import { lockStarts } from '../stack/jobs/start-lock.ts'
import { stackHome, stackUrls } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import { dataDirArgument, DEFAULT_DATA_DIR } from './data-dir-argument.ts'
import { clusterOf, jobLine, type ClusterOptions } from './flink-cluster.ts'
import { showStatus } from './flink-status.ts'
import { interruptSignal } from './interrupt.ts'
import { brokers, serverUrl, wholeNumber } from './option-values.ts'
import { addPlanOptions, loadPlan, planArguments } from './plan-options.ts'
import { createTalk } from './talk.ts'

const AS_FLINK = { applicationName: 'tidemark flink', doing: 'prepare the tables' }

interface SubmitOptions extends ClusterOptions {
  readonly databaseUrl?: string
  readonly replace?: boolean
  readonly bounded?: boolean
  readonly parallelism?: number
  readonly heapState?: boolean
}

/** The commands about jobs, ready to be added to `flink`. */
export function jobCommands(): readonly Command[] {
  const submit = withTarget(
    withCluster(new Command('submit').description('Starts the job of a plan, from the beginning.')),
  )
    .option('--replace', 'empty the tables first')
    .option('--bounded', 'stop where the topics end now, with every window final')
    .option('--heap-state', 'keep state in memory instead of RocksDB: faster, and limited by it')
    .action(submitJob)
  const resume = withTarget(
    withCluster(new Command('resume').description('Goes on where the job was stopped, or lost.')),
  ).action(resumeJob)
  const status = withCluster(new Command('status').description('How the job of a plan is doing.')).action(showStatus)
  const stop = withCluster(new Command('stop').description('Stops the job of a plan with a savepoint.')).action(
    stopAndKeep,
  )
  return [submit, status, stop, resume]
}

function withCluster(command: Command): Command {
  return addPlanOptions(command)
    .option('--data-dir <dir>', 'of the stack, and where savepoints are noted', DEFAULT_DATA_DIR)
    .option('--gateway-url <url>', "of Flink's SQL Gateway (that of the stack)", serverUrl)
    .option('--job-manager-url <url>', "of Flink's job manager (that of the stack)", serverUrl)
}

function withTarget(command: Command): Command {
  return command
    .option('--brokers <list>', 'Kafka brokers, host:port with commas between (those of the stack)', brokers)
    .option('--database-url <url>', 'PostgreSQL (that of the stack)')
    .option(
      '--parallelism <n>',
      `subtasks of each operator (${DEFAULT_FLINK_SETTINGS.parallelism})`,
      wholeNumber(1, 128),
    )
}

async function submitJob(options: SubmitOptions): Promise<void> {
  const plan = await loadPlan(options)
  const databaseUrl = databaseOf(options)
  const cluster = clusterOf(options)
  await requireNoJob(cluster, plan)
  const replace = options.replace === true
  if (!replace) await requireNoRows(databaseUrl, plan)
  const settings = {
    ...DEFAULT_FLINK_SETTINGS,
    ...jdbcAddress(databaseUrl),
    brokers: cluster.brokers,
    parallelism: options.parallelism ?? DEFAULT_FLINK_SETTINGS.parallelism,
    stateBackend: options.heapState === true ? ('hashmap' as const) : ('rocksdb' as const),
    bounded: options.bounded ?? false,
  }
  await start(options, plan, settings, {
    prepare: () => (replace ? replaceTables(plan, databaseUrl) : makeTables(plan, settings)),
  })
}

async function resumeJob(options: SubmitOptions): Promise<void> {
  const plan = await loadPlan(options)
  const home = stackHome(options.dataDir)
  const record = resumable(readJobRecord(home, jobName(plan)), plan, options)
  await requireNoJob(clusterOf(options), plan)
  const state = newestState(home, record)
  if (state === undefined) requireNoneLeft(home, record, options)
  const databaseUrl = record.usesOwnDatabase || options.databaseUrl !== undefined ? databaseOf(options) : undefined
  const settings = {
    ...record.settings,
    ...(databaseUrl === undefined ? {} : jdbcAddress(databaseUrl)),
    brokers: options.brokers ?? record.settings.brokers,
    parallelism: options.parallelism ?? record.settings.parallelism,
  }
  const countAgain = async (): Promise<void> => {
    createTalk(options).say('It left no checkpoint: it counts its topics again, into emptied tables.')
    await emptyTables(plan, settings)
  }
  if (state !== undefined) await makeTables(plan, settings)
  await start(options, plan, settings, state === undefined ? { prepare: countAgain } : { state })
}

/** From where a job starts: a state, or its topics and tables that are prepared for that. */
type Beginning = { readonly state: string; readonly prepare?: never } | StartAnew

interface StartAnew {
  readonly state?: never
  readonly prepare: () => Promise<void>
}

async function start(options: SubmitOptions, plan: Plan, settings: FlinkSettings, beginning: Beginning): Promise<void> {
  const home = stackHome(options.dataDir)
  const cluster = clusterOf(options)
  await ensureTopics(
    settings.brokers,
    STREAM_NAMES.map((stream) => ({ name: plan.streams[stream].topic, partitions: 4 })),
  )
  const talk = createTalk(options)
  talk.say('Flink plans the job: half a minute, and minutes on a machine that is busy.')
  const jobId = await startNoted(home, cluster, plan, settings, beginning)
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ id: jobId, name: jobName(plan), from: beginning.state ?? null })}\n`)
  else process.stdout.write(`${jobName(plan)} runs as ${jobId}: ${cluster.jobManagerUrl}/#/job/running/${jobId}\n`)
  talk.next(jobLine('status', options))
}

/** Starts a job and notes it (F3), alone of all who would. */
async function startNoted(
  home: string,
  { gatewayUrl, jobManagerUrl }: FlinkCluster,
  plan: Plan,
  settings: FlinkSettings,
  { state, prepare }: Beginning,
): Promise<string> {
  const cluster = { gatewayUrl, jobManagerUrl }
  const from = state === undefined ? undefined : { url: state, isOwn: isCheckpoint(home, state) }
  const lock = lockStarts(home)
  try {
    const jobId = await startJob(cluster, plan, settings, { signal: interruptSignal(), from, prepare })
    writeJobRecord(home, {
      name: jobName(plan),
      state: 'running',
      jobId,
      plan,
      scriptHash: scriptHash(plan, settings),
      settings,
      usesOwnDatabase: settings.jdbcUrl === ownJdbcUrl(home),
      cluster,
      startedFrom: state,
      savepoint: undefined,
      revivals: 0,
    })
    return jobId
  } finally {
    lock.release()
  }
}

function ownJdbcUrl(home: string): string | undefined {
  const url = runningState(home)?.databaseUrl
  return url === undefined ? undefined : jdbcAddress(url).jdbcUrl
}

function databaseOf(options: SubmitOptions): string {
  if (options.databaseUrl !== undefined) checkDatabaseUrl(options.databaseUrl)
  const url = options.databaseUrl ?? runningState(stackHome(options.dataDir))?.databaseUrl
  if (url !== undefined) return url
  throw new TidemarkError('USAGE', 'No database is given, and the stack has none.', {
    fix: 'Give --database-url URL, or start one: ./tidemark stack up',
  })
}

async function requireNoRows(url: string, plan: Plan): Promise<void> {
  const filled = await withConnection({ ...AS_FLINK, url }, async (client) => tablesWithRows(client, plan))
  if (filled.length === 0) return
  const message = `These tables hold rows: ${filled.join(', ')}. A fresh job would mix with them.`
  throw new TidemarkError('USAGE', message, {
    fix: 'Add --replace to empty them, or go on with ./tidemark flink resume',
  })
}

async function stopAndKeep(options: ClusterOptions): Promise<void> {
  const plan = await loadPlan(options)
  const savepoint = await stopNoted(options, plan)
  const talk = createTalk(options)
  if (options.json === true) process.stdout.write(`${JSON.stringify({ savepoint: savepoint ?? null })}\n`)
  else process.stdout.write(savepoint === undefined ? 'No job was running.\n' : `Stopped; savepoint ${savepoint}\n`)
  talk.next(jobLine(savepoint === undefined ? 'submit' : 'resume', options))
}

/** Stops a job while nobody takes its end for a loss. One that is lost already is not started again. */
async function stopNoted(options: ClusterOptions, plan: Plan): Promise<string | undefined> {
  const home = stackHome(options.dataDir)
  const cluster = clusterOf(options)
  // One that cannot be read notes nothing, and keeps nobody from stopping its job.
  const record = readJobRecords(home).find(({ name }) => name === jobName(plan))
  const note = (change: Partial<JobRecord>): void => {
    if (record?.state === 'running' || record?.state === 'stopping') writeJobRecord(home, { ...record, ...change })
  }
  note({ state: 'stopping' })
  try {
    const job = await findJob(cluster, plan)
    const savepoint = job === undefined ? undefined : await stopJob(cluster, job, interruptSignal())
    note({ state: 'stopped', savepoint })
    return savepoint
  } catch (error) {
    note({ state: 'running' })
    throw error
  }
}

/**
 * The record of a job that may go on.
 *
 * @throws TidemarkError INPUT_MISSING, PLAN_CHANGED with what differs
 */
function resumable(record: JobRecord | undefined, plan: Plan, options: SubmitOptions): JobRecord {
  if (record === undefined)
    throw new TidemarkError('INPUT_MISSING', `No job "${jobName(plan)}" was started from this data folder.`, {
      where: options.dataDir,
      fix: jobLine('submit', options),
    })
  const isSamePlan = planHash(record.plan) === planHash(plan)
  if (isSamePlan && record.scriptHash === scriptHash(plan, record.settings)) return record
  const changes = isSamePlan ? ['this version of Tidemark makes other SQL of it'] : planChanges(record.plan, plan)
  throw new TidemarkError('PLAN_CHANGED', `The job's state is of another definition: ${changes.join('; ')}.`, {
    fix: countAgainLine(options),
  })
}

/**
 * Refuses to take a job for one that left no state where one was seen, or where its cluster keeps it elsewhere and may
 * still run it.
 *
 * @throws TidemarkError INPUT_MISSING
 */
function requireNoneLeft(home: string, { name, cluster, hasLeftState }: JobRecord, options: SubmitOptions): void {
  if (hasLeftState === true)
    throw new TidemarkError('INPUT_MISSING', `The checkpoints of the job "${name}", which were there, are gone.`, {
      where: stateFolders(home).checkpoints,
      fix: `put them back, or ${countAgainLine(options)}`,
    })
  const stack = runningState(home)?.settings
  const own = stack?.groups.includes('flink') === true ? stackUrls(stack.ports).jobManagerUrl : undefined
  const elsewhere = [cluster, clusterOf(options)].find(({ jobManagerUrl }) => jobManagerUrl !== own)
  if (elsewhere === undefined) return
  const unknown = `and what Flink at ${elsewhere.jobManagerUrl} keeps of it is not known here`
  throw new TidemarkError('INPUT_MISSING', `No savepoint of the job "${name}" is recorded, ${unknown}.`, {
    where: options.dataDir,
    fix: countAgainLine(options),
  })
}

function countAgainLine(options: SubmitOptions): string {
  const command = ['./tidemark flink submit --replace', ...planArguments(options)].join(' ')
  return `${command}${dataDirArgument(options.dataDir)} (counts the topics again into emptied tables)`
}
