/**
 * A live pipeline with everything around it: database, engine, delivery, page. Commands say which source; this puts the
 * parts together, tells each step and its time, and takes them down in the right order.
 *
 * S1  The database starts while history is being filled in: neither waits for the other.
 * S2  On the way down: intake stops, the last epoch is written, then sink, page and database close. Whatever step fails,
 *     the later ones still run.
 * S3  A start that fails or is interrupted takes down whatever had begun to start, the database included.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { openDatabase, type Database } from '../database/open-database.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { Plan, RollUp } from '../pipeline/plan.ts'
import { Delivery } from '../runtime/delivery.ts'
import { LiveRun, type OfferLines, type SourceWithHistory } from '../runtime/live-run.ts'
import { Pipeline } from '../runtime/pipeline.ts'
import type { DatabaseStatus, PipelineStatus } from '../runtime/status.ts'
import { LiveView } from '../server/live-view.ts'
import { startServer, type RunningServer } from '../server/start-server.ts'
import { PostgresSink } from '../sinks/postgres/postgres-sink.ts'
import { Teardown } from './teardown.ts'

// About 300 bytes a waiting row: 300 MB at most while PostgreSQL is away.
const MAX_WAITING_CELLS = 1_000_000
const DRAIN_MS = 8_000

/** Writes one entry of the log. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void

export interface LiveServiceOptions {
  readonly plan: Plan
  readonly source: SourceWithHistory & { readonly partitions: Pipeline['partitions'] }
  readonly host: string
  /** 0 picks a free port; left out it is 4400 or the next free one. */
  readonly port: number | undefined
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  readonly epochMs: number
  readonly replace: boolean
  /** Told each step of the start and what it took. */
  readonly onStep: (step: string, elapsedMs: number) => void
  /** Told what an operator should know later on. */
  readonly log: Log
}

/** A service that is ready. */
export interface LiveService {
  readonly server: RunningServer
  readonly database: Database
  /** Runs until the signal of the start is aborted, then shuts down; rejects where the run failed. Called once. */
  run(): Promise<void>
}

/**
 * Starts everything but the run itself.
 *
 * @param signal ends the start when it is aborted, between two steps; the start then rejects with the signal's reason
 */
export async function startLiveService(options: LiveServiceOptions, signal: AbortSignal): Promise<LiveService> {
  const teardown = new Teardown((error) => options.log('warn', error instanceof Error ? error.message : String(error)))
  try {
    return await start(options, teardown, signal)
  } catch (error) {
    await teardown.run()
    // Ctrl-C in a terminal reaches programs of the database as well: what they complain of then is no news.
    throw signal.aborted ? signal.reason : error
  }
}

async function start(options: LiveServiceOptions, teardown: Teardown, signal: AbortSignal): Promise<LiveService> {
  const { plan, source, onStep, epochMs } = options
  const opening = timed(() => openDatabase({ ...options, log: (line) => options.log('debug', line) }))
  // Whoever waits for the opening is told why it failed; here only what it may have started counts.
  const begun = opening.then(
    ({ value }) => value,
    () => undefined,
  )
  teardown.add(async () => (await begun)?.stop())
  const liveView = new LiveView(plan)
  const pipeline = createPipeline(plan, source, liveView.page.rollUps)
  const filled = await timed(() => fillHistory(pipeline, source, signal))
  onStep(`${filled.value.toLocaleString('en-US')} events of history counted`, filled.elapsedMs)

  const opened = await opening
  signal.throwIfAborted()
  const database = opened.value
  onStep(database.describe, opened.elapsedMs)
  // Before any row of an earlier run is removed: a port that is taken must cost nothing.
  const running: { run?: LiveRun } = {}
  const served = await timed(() => serve(options, liveView, running))
  const server = served.value
  teardown.add(() => server.close())
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  const delivery = createDelivery(options, database, teardown, failed)
  onStep('tables ready; rows of earlier demos removed', (await timed(() => delivery.open())).elapsedMs)
  stop.throwIfAborted()

  const onEpoch = (changes: ChangeSet): void => liveView.apply(changes)
  const run = new LiveRun({ pipeline, source, delivery, clock: CLOCK, epochMs, onEpoch, pause })
  liveView.advance(CLOCK.nowMs(), null)
  run.closeEpoch()
  onStep('history written to PostgreSQL', (await timed(() => delivery.settle(DRAIN_MS))).elapsedMs)
  stop.throwIfAborted()
  running.run = run
  server.flush()
  onStep(`page at ${server.url}`, served.elapsedMs)
  return {
    server,
    database,
    run: () => runUntil(stop, { run, delivery, failed, teardown, options }),
  }
}

async function runUntil(
  stop: AbortSignal,
  parts: {
    run: LiveRun
    delivery: Delivery
    failed: AbortController
    teardown: Teardown
    options: LiveServiceOptions
  },
): Promise<void> {
  const { run, delivery, failed, teardown, options } = parts
  try {
    await run.run(stop)
    if (!failed.signal.aborted && !(await delivery.drain(DRAIN_MS)))
      options.log('warn', `${delivery.status.waitingCells} changed cells could not be written to PostgreSQL.`)
  } finally {
    await teardown.run()
  }
  if (failed.signal.aborted) throw failed.signal.reason
}

function createDelivery(
  options: LiveServiceOptions,
  database: Database,
  teardown: Teardown,
  failed: AbortController,
): Delivery {
  const { plan, replace } = options
  const log = (line: string): void => options.log('debug', line)
  const url = database.url
  const sink = new PostgresSink({ url, plan, writer: 'demo', mode: 'epochs', startEmpty: true, replace, log })
  teardown.add(() => sink.close())
  const delivery = new Delivery({
    sink,
    clock: CLOCK,
    maxWaitingCells: MAX_WAITING_CELLS,
    pause,
    onChange: (status) => logDatabase(status, options),
    onFatal: (error) => failed.abort(error),
  })
  // Whatever still waits when the sink closes must not be tried again.
  teardown.add(() => delivery.drain(0))
  return delivery
}

// Until the run is there, the page says that it waits.
function serve(
  { host, port }: LiveServiceOptions,
  liveView: LiveView,
  running: { readonly run?: LiveRun },
): Promise<RunningServer> {
  const status = (): PipelineStatus | null => running.run?.status() ?? null
  return startServer({ liveView, status, host, ...(port === undefined ? {} : { port }) })
}

const CLOCK = { nowMs: (): number => Date.now() }

function createPipeline(
  plan: Plan,
  { partitions }: LiveServiceOptions['source'],
  pageRollUps: readonly RollUp[],
): Pipeline {
  return new Pipeline({
    plan,
    rollUps: [...plan.tables, ...pageRollUps],
    partitions,
    deadLetters: { write: () => undefined },
    random: crypto.getRandomValues(new Int32Array(16)),
  })
}

async function fillHistory(pipeline: Pipeline, source: SourceWithHistory, signal: AbortSignal): Promise<number> {
  const offer: OfferLines = (partition, block, start, end) => {
    pipeline.offerLines(partition, block, start, end, Infinity)
    pipeline.engine.advance()
  }
  while (source.fillSome(offer)) {
    await nextTurn()
    signal.throwIfAborted()
  }
  return pipeline.eventsRead
}

function logDatabase(status: DatabaseStatus, { log }: LiveServiceOptions): void {
  if (status.state === 'down')
    log('warn', `PostgreSQL is away: ${status.message ?? 'no answer'} Counting goes on; results wait.`)
  else log('info', 'PostgreSQL is back; everything counted meanwhile is written.')
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return nextTurn()
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; elapsedMs: number }> {
  const startMs = performance.now()
  const value = await work()
  return { value, elapsedMs: performance.now() - startMs }
}
