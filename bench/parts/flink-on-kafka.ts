/**
 * The same topics as the engine's, through Flink into PostgreSQL: what its task manager takes for it once it is warm.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { jdbcAddress } from '../../src/flink/job/jdbc-address.ts'
import { cancelJob, findJob, startJob } from '../../src/flink/job/jobs.ts'
import { DEFAULT_FLINK_SETTINGS, type FlinkSettings } from '../../src/flink/settings.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { residentBytes } from '../../src/stack/part-memory.ts'
import { jarCache, portsFrom, stackHome, stackUrls, type StackUrls } from '../../src/stack/settings.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import type { StackState } from '../../src/stack/state-file.ts'
import type { Figure } from '../harness/figure.ts'
import { repeated, type BenchContext } from '../harness/part.ts'

const KAFKA_PORT = 29_792
const FLINK_PORT = 29_794
/** Heap of the task manager: room for heap state of some million ids. */
const HEAP_MB = 3_000
const POLL_MS = 250
/** Java compiles what it runs often: the first seconds say nothing of the others. */
const WARM_UP_CPU_S = 60
const MEASURED_CPU_S = 60
const TICKS_A_SECOND = 100
const FLINK_PARTS = ['jobmanager', 'taskmanager', 'gateway']

interface FlinkSpeed {
  readonly eventsPerCpuSecond: number
  readonly eventsPerSecond: number
  readonly planningSeconds: number
  readonly memoryMb: number
}

/** Figures of Flink on topics that are filled, with both kinds of state. */
export async function flinkFigures(context: BenchContext, plan: Plan, brokers: string): Promise<readonly Figure[]> {
  const dataDir = join(context.dir, 'flink')
  const home = stackHome(dataDir)
  const ports = portsFrom(KAFKA_PORT, FLINK_PORT)
  const groups = ['flink', 'postgres'] as const
  const settings = { home, cacheDir: jarCache(), groups, ports, taskManagerHeapMb: HEAP_MB, dataDir }
  const startMs = performance.now()
  const state = await stackUp(settings, { log: context.say, signal: AbortSignal.timeout(600_000) })
  const upSeconds = (performance.now() - startMs) / 1_000
  try {
    const measure = async (stateBackend: FlinkSettings['stateBackend']): Promise<readonly FlinkSpeed[]> =>
      repeated(context, `Flink with ${stateBackend} state`, async () =>
        measureJob(plan, state, stackUrls(ports), { brokers, stateBackend }),
      )
    const rocks = await measure('rocksdb')
    const heap = await measure('hashmap')
    return figuresOf(upSeconds, rocks, heap)
  } finally {
    await stackDown(home)
  }
}

function figuresOf(upSeconds: number, rocks: readonly FlinkSpeed[], heap: readonly FlinkSpeed[]): readonly Figure[] {
  const command = 'npm run bench -- kafka'
  const figure = (name: string, runs: readonly FlinkSpeed[], key: keyof FlinkSpeed, unit: string): Figure => ({
    name,
    values: runs.map((run) => run[key]),
    unit,
    command,
  })
  return [
    {
      ...figure('Flink: broker to PostgreSQL, for a second of the task manager', rocks, 'eventsPerCpuSecond', 'events'),
      note: `all five tables, state in RocksDB, parallelism 2; ${MEASURED_CPU_S} s after ${WARM_UP_CPU_S} s to warm up`,
    },
    figure('Flink: the same with state on the heap', heap, 'eventsPerCpuSecond', 'events'),
    figure('Flink: on the clock', rocks, 'eventsPerSecond', 'events/s'),
    figure('Flink: on the clock with state on the heap', heap, 'eventsPerSecond', 'events/s'),
    figure('Flink: memory of its three processes', [...rocks, ...heap], 'memoryMb', 'MB'),
    { name: 'Flink and PostgreSQL start', values: [upSeconds], unit: 's', command },
    figure('Flink: planning the job', [...rocks, ...heap], 'planningSeconds', 's'),
  ]
}

async function measureJob(
  plan: Plan,
  state: StackState,
  cluster: StackUrls,
  changes: Pick<FlinkSettings, 'brokers' | 'stateBackend'>,
): Promise<FlinkSpeed> {
  const url = state.databaseUrl ?? ''
  await withConnection({ url, applicationName: 'tidemark bench' }, async (client) => {
    await client.query('drop schema public cascade; create schema public')
    await migrate(client, plan)
  })
  const settings = { ...DEFAULT_FLINK_SETTINGS, ...jdbcAddress(url), ...changes }
  const pids = new Map(state.parts.flatMap(({ name, process }) => (process === undefined ? [] : [[name, process.pid]])))
  const taskManager = pids.get('taskmanager') ?? 0
  const submittedMs = performance.now()
  const jobId = await startJob(cluster, plan, settings, { signal: AbortSignal.timeout(900_000) })
  const planningSeconds = (performance.now() - submittedMs) / 1_000
  try {
    const cpuAtStartS = cpuSeconds(taskManager)
    const before = await sampleAt(url, taskManager, cpuAtStartS + WARM_UP_CPU_S)
    const after = await sampleAt(url, taskManager, before.cpuS + MEASURED_CPU_S)
    const events = after.events - before.events
    const bytes = residentBytes(FLINK_PARTS.map((name) => pids.get(name) ?? 0))
    return {
      eventsPerCpuSecond: events / (after.cpuS - before.cpuS),
      eventsPerSecond: (events * 1_000) / (after.atMs - before.atMs),
      planningSeconds,
      memoryMb: [...bytes.values()].reduce((sum, one) => sum + one, 0) / 1e6,
    }
  } finally {
    await cancelJob(cluster, jobId)
    while ((await findJob(cluster, plan)) !== undefined) await delay(POLL_MS)
  }
}

interface Sample {
  /** In the ledger, so behind the whole job. */
  readonly events: number
  readonly cpuS: number
  readonly atMs: number
}

/** What the ledger holds once the task manager has taken so much processor time. */
async function sampleAt(url: string, pid: number, cpuS: number): Promise<Sample> {
  while (cpuSeconds(pid) < cpuS) await delay(POLL_MS)
  return withConnection({ url, applicationName: 'tidemark bench' }, async (client) => {
    const { rows } = await client.query<{ events: string }>('select coalesce(sum(events), 0) as events from ledger')
    return { events: Number(rows[0]?.events), cpuS: cpuSeconds(pid), atMs: performance.now() }
  })
}

/** Processor time of a process so far, its own and the system's for it. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}
