/**
 * Replay: bounded partitions through the engine as fast as it goes, until all of them end.
 *
 * Partitions are read in step, the one with the lowest watermark next, so that state stays as small as the disorder of
 * the input allows. Windows go to the sink as they become final; memory holds what windows must remember, no more.
 *
 * Q1  The sink's `commit` is called once, after everything was written; after a failure or an interruption, never.
 * Q2  Results do not depend on how much is read at once (G2 of the engine).
 */
import { LineFramer } from '../engine/decode/line-framer.ts'
import { MAX_RECORD_BYTES } from '../engine/decode/decoder.ts'
import { TidemarkError } from '../errors.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { EventClass, Plan, RollUp, StreamName } from '../pipeline/plan.ts'
import { Pipeline } from './pipeline.ts'
import type { ByteSource, DeadLetterSink, Sink } from './ports.ts'

const READ_BYTES = 1 << 18
const TURN_MS = 50

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
}

class Replay {
  readonly #options: ReplayOptions
  readonly #pipeline: Pipeline
  readonly #open: readonly OpenPartition[]
  readonly #cells: Record<string, number>
  readonly #rollUps: readonly RollUp[]
  #epoch = 0
  #handedOutMs = -Infinity
  #turnMs = 0

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#rollUps = options.plan.tables
    this.#cells = Object.fromEntries(
      [...this.#rollUps.map((table) => table.name), options.plan.ledger.name].map((name) => [name, 0]),
    )
    this.#pipeline = new Pipeline({
      plan: options.plan,
      rollUps: this.#rollUps,
      partitions: options.partitions.map(({ stream, source }) => ({ stream, name: source.name })),
      deadLetters: options.deadLetters,
      random: options.random,
    })
    this.#open = options.partitions.map(({ source }) => ({
      source,
      framer: new LineFramer(MAX_RECORD_BYTES, READ_BYTES),
    }))
  }

  async readAll(): Promise<void> {
    const { engine } = this.#pipeline
    this.#turnMs = this.#options.nowMs()
    for (let next = engine.watermarks.slowest(); next >= 0; next = engine.watermarks.slowest()) {
      const filled = this.#fill(next)
      const hasMore = typeof filled === 'boolean' ? filled : await filled
      if (!hasMore) engine.watermarks.end(next)
      engine.advance()
      if (engine.finalUpToMs > this.#handedOutMs) await this.#handOutFinal()
      if (this.#options.nowMs() - this.#turnMs > TURN_MS) await this.#takeTurn()
    }
  }

  async finish(): Promise<ReplayResult> {
    const { engine } = this.#pipeline
    await this.#write(engine.changes())
    await this.#options.sink.commit()
    this.#report()
    return {
      read: { impressions: engine.ledger.readOf(0), clicks: engine.ledger.readOf(1) },
      ledger: { impressions: engine.classesOf('impressions'), clicks: engine.classesOf('clicks') },
      cells: this.#cells,
      events: this.#pipeline.eventsRead,
    }
  }

  // Reads once from a partition and offers the whole lines; false at its end. Synchronous where the source is.
  #fill(partition: number): boolean | Promise<boolean> {
    const { source, framer } = this.#open[partition] as OpenPartition
    const span = framer.writable()
    const count = source.read(span.buffer, span.offset, Math.min(span.length, READ_BYTES))
    if (typeof count === 'number') return this.#take(partition, framer, count)
    return count.then((bytes) => this.#take(partition, framer, bytes))
  }

  #take(partition: number, framer: LineFramer, byteCount: number): boolean {
    if (byteCount === 0) framer.end()
    else framer.commit(byteCount)
    if (framer.hasLines) {
      const { block, linesStart, linesEnd } = framer
      this.#pipeline.offerLines(partition, block, linesStart, linesEnd, Infinity)
      framer.consume(linesEnd, this.#pipeline.nextLineOf[partition] as number)
    }
    return byteCount > 0
  }

  async #handOutFinal(): Promise<void> {
    const { engine } = this.#pipeline
    this.#handedOutMs = engine.finalUpToMs
    if (engine.hasFinalWindows) await this.#write(engine.changes(true))
  }

  async #write(changes: ChangeSet): Promise<void> {
    for (const cells of changes.cells) {
      const removed = cells.removed.reduce((sum, isRemoved) => sum + (isRemoved ? 1 : 0), 0)
      this.#cells[cells.rollUp] = (this.#cells[cells.rollUp] ?? 0) + cells.count - removed
    }
    const { name } = this.#options.plan.ledger
    this.#cells[name] = (this.#cells[name] ?? 0) + changes.ledger.events.filter((events) => events > 0).length
    await this.#options.sink.write({
      number: ++this.#epoch,
      watermarkMs: this.#pipeline.engine.watermarks.pipelineMs,
      changes,
    })
  }

  async #takeTurn(): Promise<void> {
    this.#report()
    await this.#options.yieldTurn()
    if (this.#options.signal?.aborted === true)
      throw new TidemarkError('INTERRUPTED', 'The replay was interrupted; nothing was written.', {
        fix: 'Run the same command again.',
      })
    this.#turnMs = this.#options.nowMs()
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
