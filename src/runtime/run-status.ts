/**
 * What is known of a run beside its results: who spoke when, how fast it goes, and the whole as one status.
 */
import { STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'
import type { Delivery } from './delivery.ts'
import type { Pipeline } from './pipeline.ts'
import type { Positions } from './ports.ts'
import type {
  IntakeStatus,
  MemoryStatus,
  PartitionStatus,
  PartitionWait,
  PipelineStatus,
  StreamLedgerStatus,
} from './status.ts'

const RATE_WINDOW_MS = 5_000

/** When each partition spoke last, and the rate over the last seconds. */
export class PartitionActivity {
  readonly #steadyMs: () => number
  #heardMs: Float64Array
  readonly #rateSamples: { events: number; atMs: number }[] = []

  /** @param steadyMs time that only passes, ms */
  constructor(partitionCount: number, steadyMs: () => number) {
    this.#steadyMs = steadyMs
    this.#heardMs = new Float64Array(partitionCount).fill(steadyMs())
  }

  /** Makes room for partitions that came later; their silence begins now. */
  growTo(partitionCount: number): void {
    const added = Array.from({ length: partitionCount - this.#heardMs.length }, () => this.#steadyMs())
    if (added.length > 0) this.#heardMs = Float64Array.of(...this.#heardMs, ...added)
  }

  heard(partition: number): void {
    this.#heardMs[partition] = this.#steadyMs()
  }

  silentForMs(partition: number): number {
    return this.#steadyMs() - (this.#heardMs[partition] as number)
  }

  /** Starts every partition's silence anew: nobody asked them anything meanwhile. */
  postpone(): void {
    this.#heardMs.fill(this.#steadyMs())
  }

  measureRate(eventsRead: number): void {
    const atMs = this.#steadyMs()
    this.#rateSamples.push({ events: eventsRead, atMs })
    while (this.#rateSamples.length > 2 && atMs - (this.#rateSamples[0]?.atMs ?? atMs) > RATE_WINDOW_MS)
      this.#rateSamples.shift()
  }

  /** Events per second over the last seconds. */
  get eventsPerSecond(): number {
    const first = this.#rateSamples[0]
    const last = this.#rateSamples.at(-1)
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    return ((last.events - first.events) * 1_000) / (last.atMs - first.atMs)
  }
}

/** A bounded run takes nothing in. */
const NO_INTAKE: IntakeStatus = { state: 'none', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }

/** What a status is put together from. */
interface StatusParts {
  readonly pipeline: Pipeline
  readonly delivery: Pick<Delivery, 'epoch' | 'epochDurationMs' | 'committedAtMs' | 'status'>
  readonly activity: PartitionActivity
  /** What the source says of its partitions. */
  readonly source: {
    unreadBytes(partition: number): number
    isOnItsWay(partition: number): boolean
    positions(): Positions
  }
  readonly intake: IntakeStatus
  readonly memory: MemoryStatus | null
  readonly deadLettersLeft: number
  readonly nowMs: number
  readonly startedAtMs: number
  readonly beganAtMs: number
}

const NOTHING_LEFT: StatusParts['source'] = {
  unreadBytes: () => 0,
  isOnItsWay: () => false,
  positions: () => ({}),
}

/** Puts the status together. */
export function pipelineStatus(parts: StatusParts): PipelineStatus {
  const { pipeline, delivery, intake, memory, deadLettersLeft, activity, nowMs, startedAtMs, beganAtMs } = parts
  const { engine } = pipeline
  const slowest = engine.watermarks.slowest()
  const positions = parts.source.positions()
  const partitions = pipeline.partitions.map(({ name }, partition) => {
    return partitionStatus(parts, partition, positions[name] ?? 0)
  })
  return {
    source: 'engine',
    nowMs,
    startedAtMs,
    beganAtMs,
    epoch: delivery.epoch,
    epochDurationMs: delivery.epochDurationMs,
    watermarkMs: finiteOrNull(engine.watermarks.pipelineMs),
    finalUpToMs: finiteOrNull(engine.finalUpToMs),
    eventsPerSecond: activity.eventsPerSecond,
    committedAtMs: delivery.committedAtMs,
    unreadBytes: partitions.reduce((sum, { unreadBytes }) => sum + unreadBytes, 0),
    deadLettersLeft,
    partitions,
    heldBackBy: slowest < 0 ? null : slowest,
    ledger: { impressions: streamLedger(pipeline, 'impressions'), clicks: streamLedger(pipeline, 'clicks') },
    database: delivery.status,
    intake,
    memory,
  }
}

/** The status of a bounded run that is over: the time is its highest event time, and stays there. */
export function endedStatus(pipeline: Pipeline, epoch: number, elapsedMs: number): PipelineStatus {
  const highestMs = pipeline.engine.watermarks.highestMs.filter((timeMs) => Number.isFinite(timeMs))
  const nowMs = highestMs.length === 0 ? 0 : Math.max(...highestMs)
  const status = {
    state: 'none',
    message: null,
    sinceMs: nowMs,
    waitingCells: 0,
    intakePaused: false,
    outages: [],
  } as const
  const delivery = { epoch, epochDurationMs: 0, committedAtMs: null, status }
  const activity = new PartitionActivity(pipeline.partitions.length, () => 0)
  return {
    ...pipelineStatus({
      pipeline,
      delivery,
      activity,
      source: NOTHING_LEFT,
      intake: NO_INTAKE,
      memory: null,
      deadLettersLeft: 0,
      nowMs,
      startedAtMs: nowMs,
      beganAtMs: nowMs,
    }),
    eventsPerSecond: (pipeline.eventsRead * 1_000) / Math.max(1, elapsedMs),
  }
}

function partitionStatus(parts: StatusParts, partition: number, readBytes: number): PartitionStatus {
  const { pipeline, activity, source, nowMs } = parts
  const { watermarks } = pipeline.engine
  const { stream, name } = pipeline.partitions[partition] as Pipeline['partitions'][number]
  const eventsRead = pipeline.eventsReadOf[partition] ?? 0
  const found = watermarks.isEnded(partition) ? 'ended' : watermarks.isIdle(partition) ? 'idle' : 'active'
  const state = found === 'active' && eventsRead === 0 ? 'waiting' : found
  const watermarkMs = finiteOrNull(watermarks.ofPartition(partition))
  const waitsFor = state === 'ended' ? null : waitOf(parts, partition)
  const silentForMs = activity.silentForMs(partition)
  const isSilent = found === 'active' && (waitsFor === 'event' || waitsFor === 'first_event')
  return {
    stream,
    partition: pipeline.partitions.slice(0, partition).filter((other) => other.stream === stream).length,
    name,
    state,
    eventsRead,
    highestEventTimeMs: finiteOrNull(watermarks.highestMs[partition] ?? NaN),
    watermarkMs,
    silentForMs,
    unreadBytes: source.unreadBytes(partition),
    readBytes,
    behindMs: watermarkMs === null ? null : nowMs - watermarkMs,
    waitsFor,
    idleInMs: isSilent ? Math.max(0, pipeline.plan.parameters.idleTimeoutMs - silentForMs) : null,
  }
}

function waitOf({ pipeline, delivery, source }: StatusParts, partition: number): PartitionWait {
  if (source.unreadBytes(partition) > 0) return delivery.status.intakePaused ? 'database' : 'engine'
  if (source.isOnItsWay(partition)) return 'disk'
  return pipeline.eventsReadOf[partition] === 0 ? 'first_event' : 'event'
}

function streamLedger(pipeline: Pipeline, stream: StreamName): StreamLedgerStatus {
  const code = STREAM_NAMES.indexOf(stream)
  const { engine } = pipeline
  return {
    read: engine.ledger.readOf(code),
    classes: engine.classesOf(stream),
    difference: engine.ledger.differenceOf(code),
  }
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
