/**
 * A live pipeline with everything around it: database, journal, engine, delivery, page, sources. Commands say what is
 * wanted; this puts the parts together, tells each step and its time, and takes them down in the right order.
 *
 * S1  What was committed is found before anything is taken in: a start goes on exactly where the last epoch ended.
 * S2  On the way down: intake stops, what is in the journal is read, the last epoch is written, then page, sink,
 *     journal and database close. Whatever step fails, the later ones still run.
 * S3  A start that fails or is interrupted takes down whatever had begun to start, the database included.
 * S4  A disk that failed ends the run with what it said, whoever was told: nothing more can be accepted.
 */
import { resolve } from 'node:path'
import type { Disk } from '../checkpoint/disk/disk.ts'
import { nodeDisk } from '../checkpoint/disk/node-disk.ts'
import type { Retention } from '../checkpoint/journal/retention.ts'
import { openDatabase, type Database } from '../database/open-database.ts'
import { messageOf } from '../errors.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import type { Delivery } from '../runtime/delivery.ts'
import { LiveRun } from '../runtime/live-run.ts'
import type { Log } from '../runtime/ports.ts'
import type { PipelineStatus } from '../runtime/status.ts'
import { startAdminServer, type AdminServer } from '../server/admin-server.ts'
import { openIngest } from '../server/ingest/open-ingest.ts'
import type { HttpIngest } from '../server/ingest/http-ingest.ts'
import type { IngestLimits } from '../server/ingest/limits.ts'
import type { RunningServer } from '../server/start-server.ts'
import { CoarseKeeper } from './coarse-keeper.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { CLOCK, pause, timed } from './elapsed.ts'
import { createDelivery } from './live-delivery.ts'
import { LivePage, type LivePageOptions } from './live-page.ts'
import { aboveMachine, defaultMemoryBytes } from './memory-limit.ts'
import { announceInstance } from './running-instance.ts'
import { recover, type Recovered } from './recovery.ts'
import { RunMemory } from './run-memory.ts'
import { SourceTasks, TRAFFIC_PARTITIONS, type TrafficOptions } from './source-tasks.ts'
import { StartSteps, type OnStep } from './start-steps.ts'
import { Teardown } from './teardown.ts'

const DRAIN_MS = 6_000
const INTAKE_DRAIN_MS = 2_000
/** How long a start reads what is in the journal before it says that it is ready. */
const CATCH_UP_MS = 10_000

export interface LiveServiceOptions extends LivePageOptions {
  /** The command that writes; others meet it in messages. */
  readonly writer: 'demo' | 'run'
  readonly traffic?: TrafficOptions
  /** Port of health and metrics: 0 picks a free one; left out it is 4401 or the next free one. */
  readonly adminPort: number | undefined
  readonly databaseUrl: string | undefined
  readonly epochMs: number
  readonly retention: Retention
  /** What the process may use, bytes; a share of the machine's unless given. */
  readonly memoryBytes?: number | undefined
  /** What may be sent over HTTP, where it is not as usual. */
  readonly limits?: Partial<IngestLimits>
  /** Hosts that clicks may be sent on to without a signature. */
  readonly redirectHosts?: readonly string[]
  /** Where journal and checkpoints lie; the disk of this machine unless given. */
  readonly disk?: Disk
  /** Throws away what the data folder and the tables hold. */
  readonly replace: boolean
  /** Told each step of the start and what it took. */
  readonly onStep: OnStep
  /** Told what an operator should know later on. */
  readonly log: Log
}

/** A service that is ready. */
export interface LiveService {
  readonly server: RunningServer
  readonly admin: AdminServer
  readonly database: Database
  /** What the process may use, bytes. */
  readonly memoryBytes: number
  /** Runs until the signal of the start is aborted, then shuts down; rejects where the run failed. Called once. */
  run(): Promise<void>
}

/**
 * Starts everything but the run itself.
 *
 * @param signal ends the start when it is aborted, between two steps; the start then rejects with the signal's reason
 */
export async function startLiveService(options: LiveServiceOptions, signal: AbortSignal): Promise<LiveService> {
  const teardown = new Teardown((error) => options.log('warn', messageOf(error)))
  try {
    return await new Start(options, teardown, signal).run()
  } catch (error) {
    await teardown.run()
    // Ctrl-C in a terminal reaches programs of the database as well: what they complain of then is no news.
    throw signal.aborted ? signal.reason : error
  }
}

/** One start: the parts in the order in which they depend on each other. */
class Start {
  readonly #options: LiveServiceOptions
  readonly #teardown: Teardown
  readonly #signal: AbortSignal
  readonly #failed = new AbortController()
  readonly #steps: StartSteps
  readonly #page: LivePage
  readonly #memory: RunMemory
  #run: LiveRun | undefined
  #delivery: Delivery | undefined
  /** What the start waits for, for `/readyz`. */
  #awaited = 'PostgreSQL'

  constructor(options: LiveServiceOptions, teardown: Teardown, signal: AbortSignal) {
    this.#options = options
    this.#teardown = teardown
    this.#signal = signal
    this.#steps = new StartSteps(teardown, this.#stop, options.onStep)
    this.#page = new LivePage(options, this.#steps, teardown)
    const { memoryBytes = defaultMemoryBytes(), limits = {}, log, plan } = options
    const tooMuch = aboveMachine(memoryBytes)
    if (tooMuch !== undefined) log('warn', tooMuch)
    const sendersWait = plan.sources.every((source) => source.kind !== 'http' || source.into === undefined)
    this.#memory = new RunMemory(memoryBytes, limits, log, sendersWait)
  }

  async run(): Promise<LiveService> {
    const { plan, writer, dataDir, replace } = this.#options
    const folder = openDataFolder({ path: resolve(dataDir), writer, planHash: planHash(plan), replace })
    this.#teardown.add(async () => folder.lock.release())
    const admin = await this.#startAdmin()
    const database = await this.#openDatabase()
    this.#awaited = 'the checkpoint'
    const recovered = await this.#recover(database, folder)
    this.#awaited = 'the page'
    const run = this.#createRun(recovered, folder)
    await this.#page.fill(database, recovered)
    const ingest = this.#openIngest(recovered)
    const server = await this.#page.serve({ database, ingest, status: () => this.#status() })
    this.#announce(folder, server, admin)
    this.#awaited = 'the journal'
    this.#run = run
    for (const one of recovered.kafka) one.start((error) => this.#fail(error))
    await this.#catchUp(run)
    // Now it is known how far the traffic of earlier runs came.
    const tasks = new SourceTasks({ ...this.#options, recovered, onFatal: (error) => this.#fail(error) })
    this.#teardown.add(() => tasks.stop())
    if (tasks.hasHistory) await this.#makeHistory(run, tasks)
    server.flush()
    this.#keepCoarse(database)
    const stopIntake = async (): Promise<void> => {
      recovered.source.close()
      const sources = recovered.kafka.map((one) => one.stop())
      await Promise.all([tasks.stop(), ...sources, ingest?.drain(INTAKE_DRAIN_MS)])
    }
    const { limitBytes: memoryBytes } = this.#memory
    return { server, admin, database, memoryBytes, run: () => this.#runUntil({ run, tasks, stopIntake }) }
  }

  get #stop(): AbortSignal {
    return AbortSignal.any([this.#signal, this.#failed.signal])
  }

  #startAdmin(): Promise<AdminServer> {
    const { adminPort } = this.#options
    return this.#steps.take(
      (served) => `metrics at ${served.url}/metrics`,
      () =>
        startAdminServer(
          () => this.#status(),
          adminPort,
          () => this.#awaited,
        ),
      (served) => served.close(),
    )
  }

  async #openDatabase(): Promise<Database> {
    const log = (line: string): void => this.#options.log('debug', line)
    const opening = timed(() => openDatabase({ ...this.#options, log }))
    // Whoever waits for the opening is told why it failed; here only what it may have started counts.
    const begun = opening.then(
      ({ value }) => value,
      () => undefined,
    )
    this.#teardown.add(async () => (await begun)?.stop())
    const { value, elapsedMs } = await opening
    this.#signal.throwIfAborted()
    this.#options.onStep(value.describe, elapsedMs)
    return value
  }

  async #recover(database: Database, folder: DataFolder): Promise<Recovered> {
    const { traffic, disk = nodeDisk, log, onStep } = this.#options
    const { value, elapsedMs } = await timed(() =>
      recover({
        ...this.#options,
        url: database.url,
        folder,
        replace: this.#options.replace || folder.isReplaced,
        disk,
        pageRollUps: this.#page.rollUps,
        earlyCells: database.kind !== 'pglite',
        trafficPartitions: traffic === undefined ? 0 : TRAFFIC_PARTITIONS,
        outages: () => this.#delivery?.status.outages ?? [],
        memory: (look) => this.#memory.room(look),
        teardown: this.#teardown,
        log,
        signal: this.#signal,
        onDiskFailure: (error) => this.#fail(error),
      }),
    )
    this.#signal.throwIfAborted()
    onStep(value.describe, elapsedMs)
    return value
  }

  #createRun(recovered: Recovered, { beganAtMs }: DataFolder): LiveRun {
    const { pipeline, sources, deadLetters, memory } = recovered
    const { maxWaitingCells } = this.#memory
    const { log, epochMs } = this.#options
    const onFatal = (error: unknown): void => this.#fail(error)
    this.#delivery = createDelivery({ recovered, teardown: this.#teardown, maxWaitingCells, log, onFatal })
    this.#memory.delivery = this.#delivery
    return new LiveRun({
      pipeline,
      source: sources,
      delivery: this.#delivery,
      deadLetters,
      memory,
      clock: CLOCK,
      epochMs,
      startedAtMs: beganAtMs,
      onEpoch: (changes) => this.#page.apply(changes),
      pause,
    })
  }

  #openIngest({ intake }: Recovered): HttpIngest | undefined {
    const { plan, dataDir, redirectHosts = [], log } = this.#options
    const onError = (error: unknown): void => log('error', messageOf(error))
    if (intake === undefined) return undefined
    const { limits } = this.#memory
    this.#memory.ingest = openIngest({ plan, intake, onError, limits, redirectHosts, dataDir: resolve(dataDir) })
    return this.#memory.ingest
  }

  #keepCoarse({ kind, url }: Database): void {
    if (kind === 'pglite') return
    const { plan, log } = this.#options
    const keeper = new CoarseKeeper({ url, plan, log })
    this.#teardown.add(() => keeper.stop())
    keeper.start()
  }

  /** Says where this instance is, for other commands: nothing that runs depends on it. */
  #announce({ path }: DataFolder, server: RunningServer, admin: AdminServer): void {
    const instance = { url: server.url, adminUrl: admin.url, pid: process.pid }
    const onFailure = (why: string): void => this.#options.log('warn', why)
    const takeBack = announceInstance(path, instance, onFailure)
    this.#teardown.add(async () => takeBack())
  }

  /** Reads what is in the journal already, so that the page begins with it. */
  async #catchUp(run: LiveRun): Promise<void> {
    await this.#steps.take(
      ({ events, isAll }) => {
        const counted = `${events.toLocaleString('en-US')} events of the journal counted`
        return `${counted}${isAll ? ' and written' : '; the rest follows'}`
      },
      () => run.catchUp(this.#stop, CATCH_UP_MS),
    )
  }

  async #makeHistory(run: LiveRun, tasks: SourceTasks): Promise<void> {
    await this.#steps.take(
      (events) => `${events.toLocaleString('en-US')} events made up for the time before now`,
      () => tasks.fillHistory(this.#stop),
    )
    await this.#catchUp(run)
  }

  // Until the run is there, the page says that it waits.
  #status(): PipelineStatus | null {
    return this.#run?.status() ?? null
  }

  #fail(error: unknown): void {
    this.#failed.abort(error)
  }

  async #runUntil({ run, tasks, stopIntake }: RunningParts): Promise<void> {
    const { log } = this.#options
    try {
      tasks.start()
      const isDrained = await run.run(this.#stop, { stopIntake, drainMs: DRAIN_MS })
      if (!this.#failed.signal.aborted && !isDrained)
        log('warn', 'PostgreSQL did not take the last epoch in time. It waits in the journal for the next start.')
    } finally {
      await this.#teardown.run()
    }
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason
  }
}

interface RunningParts {
  readonly run: LiveRun
  readonly tasks: SourceTasks
  /** Takes nothing in any more, and resolves when what was being taken is answered. */
  readonly stopIntake: () => Promise<void>
}
