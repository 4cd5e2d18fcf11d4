/**
 * Replay: bounded partitions through the engine as fast as it goes, until all of them end.
 *
 * Partitions are read in step, the one with the lowest watermark next and about a second of its event time at once, so
 * that state stays as small as the disorder of the input allows and few clicks are read before their impressions.
 * Windows go to the sink as they become final; memory holds what windows must remember, no more.
 *
 * Q1  The sink's `commit` is called once, after everything was written; after a failure or an interruption, never.
 * Q2  Results do not depend on how much is read at once (G2 of the engine).
 */
import { LineFramer } from '../engine/decode/line-framer.ts'
import { MAX_RECORD_BYTES } from '../engine/decode/decoder.ts'
import { CLICKS_STREAM, IMPRESSIONS_STREAM } from '../engine/ledger.ts'
import { TidemarkError } from '../errors.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { EventClass, Plan, RollUp, StreamName } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { Pipeline } from './pipeline.ts'
import type { ByteSource, DeadLetterSink, Sink } from './ports.ts'
import { endedStatus } from './run-status.ts'
import type { PipelineStatus } from './status.ts'

const READ_BYTES = 1 << 18
const TURN_MS = 50
const STEP_MS = 1_000
const MIN_STEP_EVENTS = 64
const MAX_STEP_EVENTS = 2_048

export interface ReplayOptions {
  readonly plan: Plan
  readonly partitions: readonly { readonly stream: StreamName; readonly source: ByteSource }[]
  readonly sink: Sink
  readonly deadLetters: DeadLetterSink
  readonly random: Int32Array
  /** Monotonic clock, ms. */
  readonly nowMs: () => number
  /** Lets the event loop take a turn: signals, progress. Called every 50 ms or so. */
  readonly yieldTurn: () => Promise<void>
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ReplayProgress) => void
  /** Roll-ups kept beside the tables, such as the page's. They go to no sink. */
  readonly pageRollUps?: readonly RollUp[]
  /** Told what changed before the sink is, roll-ups of the page included. */
  readonly onChanges?: (changes: ChangeSet) => void
}

export interface ReplayProgress {
  readonly bytesTaken: number
  /** Bytes of all inputs, where they are known. */
  readonly byteLength: number | undefined
  readonly events: number
}

export interface ReplayResult {
  readonly read: Readonly<Record<StreamName, number>>
  readonly ledger: Readonly<Record<StreamName, Readonly<Record<EventClass, number>>>>
  /** Rows of each table. */
  readonly cells: Readonly<Record<string, number>>
  readonly events: number
  /** The pipeline at its end. */
  readonly status: PipelineStatus
}

/** Runs a replay to its end. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const run = new Replay(options)
  await options.sink.open()
  await run.readAll()
  return run.finish()
}

interface OpenPartition {
  readonly source: ByteSource
  readonly framer: LineFramer
  /** Events taken in one step: adapted to what a second of event time holds. */
  stepEvents: number
  hasEnded: boolean
}

class Replay {
  readonly #options: ReplayOptions
  readonly #pipeline: Pipeline
  readonly #open: readonly OpenPartition[]
  readonly #cells: Record<string, number>
  readonly #startMs: number
  #epoch = 0
  #handedOutMs = -Infinity
  #turnMs = 0

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#startMs = options.nowMs()
    this.#cells = Object.fromEntries(allTables(options.plan).map(({ name }) => [name, 0]))
    this.#pipeline = new Pipeline({
      plan: options.plan,
      rollUps: [...options.plan.tables, ...(options.pageRollUps ?? [])],
      partitions: options.partitions.map(({ stream, source }) => ({ stream, name: source.name })),
      deadLetters: options.deadLetters,
      random: options.random,
    })
    this.#open = options.partitions.map(({ source }) => ({
      source,
      framer: new LineFramer(MAX_RECORD_BYTES, READ_BYTES),
      stepEvents: MIN_STEP_EVENTS,
      hasEnded: false,
    }))
  }

  async readAll(): Promise<void> {
    const { engine } = this.#pipeline
    this.#turnMs = this.#options.nowMs()
    for (let next = engine.watermarks.slowest(); next >= 0; next = engine.watermarks.slowest()) {
      const partition = this.#open[next] as OpenPartition
      if (!partition.framer.hasLines && !partition.hasEnded) {
        const reading = this.#read(partition)
        if (reading !== undefined) await reading
      }
      if (partition.framer.hasLines) this.#step(next, partition)
      else if (partition.hasEnded) engine.watermarks.end(next)
      engine.advance()
      if (engine.finalUpToMs > this.#handedOutMs) await this.#handOutFinal()
      if (this.#options.nowMs() - this.#turnMs > TURN_MS) await this.#takeTurn()
    }
  }

  async finish(): Promise<ReplayResult> {
    const { engine } = this.#pipeline
    await this.#handOutFinal()
    await this.#write(engine.changes())
    this.#throwIfInterrupted()
    await this.#options.sink.commit()
    this.#report()
    return {
      read: {
        impressions: engine.ledger.readOf(IMPRESSIONS_STREAM),
        clicks: engine.ledger.readOf(CLICKS_STREAM),
      },
      ledger: { impressions: engine.classesOf('impressions'), clicks: engine.classesOf('clicks') },
      cells: this.#cells,
      events: this.#pipeline.eventsRead,
      status: endedStatus(this.#pipeline, this.#epoch, this.#options.nowMs() - this.#startMs),
    }
  }

  // Reads once from a partition; synchronous where the source is.
  #read(partition: OpenPartition): Promise<void> | undefined {
    const { source, framer } = partition
    const span = framer.writable()
    const count = source.read(span.buffer, span.offset, Math.min(span.length, READ_BYTES))
    if (typeof count !== 'number') return count.then((bytes) => this.#commit(partition, bytes))
    this.#commit(partition, count)
    return undefined
  }

  #commit(partition: OpenPartition, byteCount: number): void {
    if (byteCount > 0) return partition.framer.commit(byteCount)
    partition.framer.end()
    partition.hasEnded = true
  }

  #step(index: number, partition: OpenPartition): void {
    const { framer, stepEvents } = partition
    const { highestMs } = this.#pipeline.engine.watermarks
    const beforeMs = highestMs[index] as number
    const { block, linesStart, linesEnd } = framer
    const taken = this.#pipeline.offerLines(index, block, linesStart, linesEnd, Infinity, -Infinity, stepEvents)
    framer.consume(taken, this.#pipeline.nextLineOf[index] as number)
    const progressMs = (highestMs[index] as number) - beforeMs
    if (progressMs > STEP_MS * 2) partition.stepEvents = Math.max(MIN_STEP_EVENTS, stepEvents / 2)
    else if (progressMs < STEP_MS / 2) partition.stepEvents = Math.min(MAX_STEP_EVENTS, stepEvents * 2)
  }

  async #handOutFinal(): Promise<void> {
    const { engine } = this.#pipeline
    this.#handedOutMs = engine.finalUpToMs
    while (engine.hasFinalWindows) await this.#write(engine.changes(true))
  }

  async #write(changes: ChangeSet): Promise<void> {
    this.#options.onChanges?.(changes)
    const tableCells = changes.cells.filter(({ rollUp }) => rollUp in this.#cells)
    for (const cells of tableCells) {
      const removed = cells.removed.reduce((sum, isRemoved) => sum + (isRemoved ? 1 : 0), 0)
      this.#cells[cells.rollUp] = (this.#cells[cells.rollUp] ?? 0) + cells.count - removed
    }
    const { name } = this.#options.plan.ledger
    this.#cells[name] = (this.#cells[name] ?? 0) + changes.ledger.events.filter((events) => events > 0).length
    await this.#options.sink.write({
      number: ++this.#epoch,
      watermarkMs: this.#pipeline.engine.watermarks.pipelineMs,
      changes: { cells: tableCells, ledger: changes.ledger },
    })
  }

  async #takeTurn(): Promise<void> {
    this.#report()
    await this.#options.yieldTurn()
    this.#throwIfInterrupted()
    this.#turnMs = this.#options.nowMs()
  }

  #throwIfInterrupted(): void {
    if (this.#options.signal?.aborted !== true) return
    throw new TidemarkError('INTERRUPTED', 'The replay was interrupted; nothing was written.', {
      fix: 'Run the same command again.',
    })
  }

  #report(): void {
    const sources = this.#open.map(({ source }) => source)
    const known = sources.every((source) => source.byteLength !== undefined)
    this.#options.onProgress?.({
      bytesTaken: sources.reduce((sum, source) => sum + source.bytesTaken, 0),
      byteLength: known ? sources.reduce((sum, source) => sum + (source.byteLength ?? 0), 0) : undefined,
      events: this.#pipeline.eventsRead,
    })
  }
}
