/**
 * An engine fed with events written as plain data, without any decoding: for tests of operators and state.
 */
import { createBatch, createDictionaries } from '../../src/engine/decode/decoder.ts'
import type { Dictionary } from '../../src/engine/decode/dictionary.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { EventBatch } from '../../src/engine/event-batch.ts'
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import type { ParametersDefinition } from '../../src/pipeline/definition.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import {
  STREAM_NAMES,
  type EventClass,
  type Plan,
  type PlanParameters,
  type RollUp,
  type StreamName,
} from '../../src/pipeline/plan.ts'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import { TableStore } from './table-store.ts'

/** 2026-01-01T10:00:00Z: the start of a minute. */
export const TEN_MS: number = Date.parse('2026-01-01T10:00:00Z')

/** Eight keys as an engine would draw them. */
export const RANDOM_KEYS: Int32Array = Int32Array.from({ length: 8 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))

const encoder = new TextEncoder()

/** An impression; what is left out is one campaign, one device, one browser and no cost. */
export interface ImpressionRow {
  readonly id: number
  readonly timeMs: number
  readonly dimensions?: readonly string[]
  readonly costMicros?: number
}

export interface ClickRow {
  readonly id: number
  readonly impressionId: number
  readonly timeMs: number
}

/** The ad pipeline with parameters of its own. */
export function adPlan(parameters: ParametersDefinition = {}): Plan {
  return freezePlan({ ...adPipeline, parameters: { ...adPipeline.parameters, ...parameters } })
}

/** The parameters of the ad pipeline, in milliseconds, except for what is given. */
export function parametersOf(changed: Partial<PlanParameters> = {}): PlanParameters {
  return { ...adPlan().parameters, ...changed }
}

/** Writes a number as a 128-bit id: equal numbers give equal ids, others differ in at least one lane. */
export function writeId(lanes: Int32Array, row: number, id: number): void {
  let mixed = id | 0
  for (let lane = 0; lane < 4; lane++) {
    lanes[row * 4 + lane] = mixed
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ 0x2545f491, 0x2c1b3c6d)
  }
}

/** The lanes of these ids, row by row. */
export function lanesOf(...ids: readonly number[]): Int32Array {
  const lanes = new Int32Array(ids.length * 4)
  ids.forEach((id, row) => writeId(lanes, row, id))
  return lanes
}

/** A batch of impressions as a decoder would write it. */
export function impressionBatch(
  plan: Plan,
  dictionaries: readonly Dictionary[],
  rows: readonly ImpressionRow[],
): EventBatch {
  const batch = createBatch(plan, 'impressions', Math.max(1, rows.length))
  batch.count = rows.length
  rows.forEach(({ id, timeMs, dimensions = ['c1', 'mobile', 'chrome'], costMicros = 0 }, row) => {
    writeId(batch.id, row, id)
    batch.timeMs[row] = timeMs
    dictionaries.forEach((dictionary, d) => {
      const bytes = encoder.encode(dimensions[d] ?? 'unknown')
      const column = batch.dimensions[d] as Int32Array
      column[row] = dictionary.codeOf(bytes, 0, bytes.length)
    })
    for (const sums of batch.sumsMicros) sums[row] = costMicros
  })
  return batch
}

/** A batch of clicks as a decoder would write it. */
export function clickBatch(plan: Plan, rows: readonly ClickRow[]): EventBatch {
  const batch = createBatch(plan, 'clicks', Math.max(1, rows.length))
  batch.count = rows.length
  rows.forEach(({ id, impressionId, timeMs }, row) => {
    writeId(batch.id, row, id)
    writeId(batch.impressionId, row, impressionId)
    batch.timeMs[row] = timeMs
  })
  return batch
}

/** What an {@link EngineRig} is made of; left out are the plan's tables and one partition a stream. */
export interface EngineRigOptions {
  readonly rollUps?: readonly RollUp[]
  readonly partitions?: readonly StreamName[]
}

/** An engine, its dictionaries, and the tables as a database would hold them. */
export class EngineRig {
  readonly plan: Plan
  readonly engine: Engine
  readonly dictionaries: readonly Dictionary[]
  readonly store: TableStore
  readonly #partitions: readonly StreamName[]

  constructor(plan: Plan, { rollUps = plan.tables, partitions = STREAM_NAMES }: EngineRigOptions = {}) {
    this.plan = plan
    this.dictionaries = createDictionaries(plan, 7)
    this.store = new TableStore(plan)
    this.#partitions = partitions
    const { dictionaries } = this
    this.engine = new Engine({ plan, rollUps, partitions, dictionaries, randomKeys: RANDOM_KEYS })
  }

  /** Offers impressions to a partition: the first one of impressions unless told. */
  impressions(rows: readonly ImpressionRow[], partition: number = this.#partitions.indexOf('impressions')): this {
    this.engine.offer(partition, impressionBatch(this.plan, this.dictionaries, rows))
    return this
  }

  /** Offers clicks to a partition: the first one of clicks unless told. */
  clicks(rows: readonly ClickRow[], partition: number = this.#partitions.indexOf('clicks')): this {
    this.engine.offer(partition, clickBatch(this.plan, rows))
    return this
  }

  /** Raises every partition's watermark, and W, to `watermarkMs`, as if an event had been read then. */
  passTo(watermarkMs: number): this {
    const { highestMs } = this.engine.watermarks
    const eventMs = watermarkMs + this.plan.parameters.outOfOrdernessMs
    highestMs.forEach((ms, partition) => (highestMs[partition] = Math.max(ms, eventMs)))
    this.engine.advance()
    return this
  }

  /** Takes what changed into the tables, or all windows that are final. */
  handOut(onlyFinal: boolean = false): this {
    if (onlyFinal) for (const changes of this.takeFinal()) this.store.apply(changes)
    else this.store.apply(this.engine.changes())
    return this
  }

  /** Takes the windows that are final, one by one. */
  *takeFinal(): Iterable<ChangeSet> {
    while (this.engine.hasFinalWindows) yield this.engine.changes(true)
  }

  /** Ends all partitions and returns the tables. */
  finish(): TextTables {
    this.#partitions.forEach((_, partition) => this.engine.watermarks.end(partition))
    this.engine.advance()
    this.handOut()
    return this.store.tables()
  }

  /** Classes of a stream that hold events. */
  classes(stream: StreamName): Partial<Record<EventClass, number>> {
    return Object.fromEntries(Object.entries(this.engine.classesOf(stream)).filter(([, events]) => events !== 0))
  }
}
