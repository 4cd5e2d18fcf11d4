/**
 * One plan made ready to run: dictionaries, decoders, an engine and the partitions they serve. Bytes go in here; what
 * cannot be read as an event goes to the dead letters, everything to the engine.
 *
 * I1  Every record of a partition is offered to the engine exactly once, in order, and each malformed one becomes a
 *     dead letter.
 * I2  A decoded batch is offered at once: none waits over an `advance` (G4 of the engine).
 * I3  A restored pipeline goes on as the saved one would have. Partitions are known by name: one that is new begins
 *     with nothing, one that is away is kept until it comes back.
 */
import { createBatch, createDecoder, createDictionaries, type Decoder } from '../engine/decode/decoder.ts'
import { Engine } from '../engine/engine.ts'
import { MALFORMED_REASONS, type EventBatch } from '../engine/event-batch.ts'
import type { CarryPolicy, Snapshot } from '../engine/snapshot/save.ts'
import type { Plan, RollUp, StreamName } from '../pipeline/plan.ts'
import { pipelineSection, readPipelineSection, type SavedPartition } from './pipeline-section.ts'
import type { DeadLetterSink } from './ports.ts'

// Columns of 2,048 rows are about 150 KB: they stay in the second-level cache from decoder to operators.
const BATCH_ROWS = 2_048
const MAX_LETTER_BYTES = 4_096

/** A partition, known by its name over all starts. */
export interface PipelinePartition {
  readonly stream: StreamName
  readonly name: string
}

export interface PipelineOptions {
  readonly plan: Plan
  readonly rollUps: readonly RollUp[]
  readonly partitions: readonly PipelinePartition[]
  readonly deadLetters: DeadLetterSink
  /** Sixteen random 32-bit integers: secret keys of tables and ids. They never show in results. */
  readonly random: Int32Array
  /** When old state is carried into new snapshots. */
  readonly carryPolicy?: CarryPolicy
}

export class Pipeline {
  readonly plan: Plan
  readonly engine: Engine
  /** Events read, over all partitions. */
  eventsRead = 0
  /** Events read from each partition. */
  eventsReadOf: Float64Array
  /** Position of each partition's next record: the number of its line, from 1, or its offset in a topic. */
  nextLineOf: Float64Array
  readonly #partitions: PipelinePartition[]
  readonly #random: Int32Array
  /** Partitions that snapshots know and this run does not have. */
  #away: readonly SavedPartition[] = []
  readonly #deadLetters: DeadLetterSink
  readonly #decoders: Readonly<Record<StreamName, Decoder>>
  readonly #batches: Readonly<Record<StreamName, EventBatch>>

  constructor(options: PipelineOptions) {
    const { plan, random } = options
    const dictionaries = createDictionaries(plan, random[0] ?? 0)
    const idKey = random.slice(1, 5)
    this.plan = plan
    this.#partitions = [...options.partitions]
    this.eventsReadOf = new Float64Array(options.partitions.length)
    this.nextLineOf = new Float64Array(options.partitions.length).fill(1)
    this.#random = random
    this.#deadLetters = options.deadLetters
    this.#decoders = {
      impressions: createDecoder({ plan, stream: 'impressions', dictionaries, idKey }),
      clicks: createDecoder({ plan, stream: 'clicks', dictionaries, idKey }),
    }
    this.#batches = {
      impressions: createBatch(plan, 'impressions', BATCH_ROWS),
      clicks: createBatch(plan, 'clicks', BATCH_ROWS),
    }
    this.engine = new Engine({
      plan,
      rollUps: options.rollUps,
      partitions: options.partitions.map((partition) => partition.stream),
      dictionaries,
      randomKeys: random.slice(5, 13),
      ...(options.carryPolicy === undefined ? {} : { carryPolicy: options.carryPolicy }),
    })
  }

  /**
   * A pipeline as it was when the last of these payloads was saved.
   *
   * @param payloads of consecutive epochs, from the last one's `since` on or longer, each in one piece
   * @param release may free each payload but the last, told as soon as nothing of it is read any more
   * @throws TidemarkError `STATE_CORRUPT`, `FORMAT_NEWER` or `PLAN_CHANGED`
   */
  static restore(
    options: Omit<PipelineOptions, 'random'>,
    payloads: readonly Uint8Array[],
    release?: (payload: Uint8Array) => void,
  ): Pipeline {
    const saved = readPipelineSection(payloads)
    const pipeline = new Pipeline({ ...options, random: saved.random })
    pipeline.engine.restore(payloads, release)
    pipeline.eventsRead = saved.eventsRead
    pipeline.#restorePartitions(saved.partitions)
    return pipeline
  }

  /** All partitions; their index names them everywhere else. */
  get partitions(): readonly PipelinePartition[] {
    return this.#partitions
  }

  /** Adds a partition that begins with nothing (I3); returns its index. */
  addPartition(partition: PipelinePartition): number {
    this.#partitions.push(partition)
    this.eventsReadOf = Float64Array.of(...this.eventsReadOf, 0)
    this.nextLineOf = Float64Array.of(...this.nextLineOf, 1)
    return this.engine.addPartition(partition.stream)
  }

  /**
   * Saves what is new since the last snapshot, everything at the first (`engine/snapshot/save.ts`).
   *
   * @param epoch one more than that of the last snapshot; the first may be any
   */
  snapshot(epoch: number): Snapshot {
    const { eventsRead, partitions } = this
    const saved = [...partitions.map((_, index) => this.#saved(index)), ...this.#away]
    return this.engine.snapshot(epoch, [pipelineSection({ random: this.#random, eventsRead, partitions: saved })])
  }

  /**
   * Decodes whole lines in [start, end) of `block` and offers them.
   *
   * @param arrivalMs the wall clock when the lines arrived, +Infinity in a replay
   * @param floorMs W when they arrived (`admit.ts`), −Infinity in a replay
   * @param maxEvents stops after so many
   * @returns the start of the first line not taken
   */
  offerLines(
    partition: number,
    block: Uint8Array,
    start: number,
    end: number,
    arrivalMs: number,
    floorMs: number = -Infinity,
    maxEvents: number = Infinity,
  ): number {
    const stream = (this.partitions[partition] as { stream: StreamName }).stream
    const decoder = this.#decoders[stream]
    const batch = this.#batches[stream]
    let from = start
    for (let left = maxEvents; from < end && left > 0; left -= batch.count) {
      batch.count = 0
      batch.limit = Math.min(batch.capacity, left)
      const decoded = decoder.decodeLines(block, from, end, batch, this.nextLineOf[partition] as number)
      if (decoded.nextStart === from) break
      from = decoded.nextStart
      this.nextLineOf[partition] = decoded.nextPosition
      this.#count(partition, block, batch, arrivalMs)
      this.engine.offer(partition, batch, arrivalMs, floorMs)
    }
    return from
  }

  #saved(partition: number): SavedPartition {
    const { watermarks } = this.engine
    return {
      name: (this.partitions[partition] as { name: string }).name,
      highestMs: watermarks.highestMs[partition] as number,
      state: watermarks.isEnded(partition) ? 'ended' : watermarks.isIdle(partition) ? 'idle' : 'active',
      eventsRead: this.eventsReadOf[partition] as number,
      nextLine: this.nextLineOf[partition] as number,
    }
  }

  #restorePartitions(saved: readonly SavedPartition[]): void {
    const own = new Map(this.partitions.map(({ name }, index) => [name, index]))
    for (const { name, highestMs, state, eventsRead, nextLine } of saved) {
      const partition = own.get(name)
      if (partition === undefined) continue
      this.engine.watermarks.restore(partition, highestMs, state)
      this.eventsReadOf[partition] = eventsRead
      this.nextLineOf[partition] = nextLine
    }
    this.#away = saved.filter(({ name }) => !own.has(name))
  }

  // Counts the events of a batch and buries those that are none.
  #count(partition: number, block: Uint8Array, batch: EventBatch, arrivalMs: number): void {
    this.eventsRead += batch.count
    this.eventsReadOf[partition] = (this.eventsReadOf[partition] as number) + batch.count
    const { malformed } = batch
    for (let row = 0; row < batch.count; row++)
      if (malformed[row] !== 0) this.#bury(partition, block, batch, row, arrivalMs)
  }

  #bury(partition: number, block: Uint8Array, batch: EventBatch, row: number, arrivalMs: number): void {
    const { stream, name } = this.partitions[partition] as PipelineOptions['partitions'][number]
    const start = batch.byteStart[row] as number
    const end = batch.byteEnd[row] as number
    const field = this.plan.streams[stream].fields[batch.malformedField[row] as number]
    this.#deadLetters.write({
      stream,
      partition: name,
      position: batch.position[row] as number,
      reason: MALFORMED_REASONS[batch.malformed[row] as number] ?? 'none',
      field: field?.name,
      bytes: block.subarray(start, Math.min(end, start + MAX_LETTER_BYTES)),
      byteLength: end - start,
      ...(Number.isFinite(arrivalMs) ? { arrivalMs } : {}),
    })
  }
}
