/**
 * The embedded engine: event batches in, changed cells and the ledger out. It is stepped, never running: no timer, no
 * await, no clock. SEMANTICS is its specification; each operator's header states its part.
 *
 *   impressions: admit → deduplicate → roll up → attribute (claim waiting clicks)
 *   clicks:      admit → deduplicate → attribute
 *   both:        advance (watermark) → changes (finalise)
 *
 * G1  After every `offer`, for each stream: read = Σ classes (E1 of `ledger.ts`).
 * G2  The cells and the ledger, once everything is final, are a function of what each partition holds, arrivals and
 *     floors included: batch sizes, the order of partitions and calls of `advance` and `changes` leave no trace.
 * G3  State is bounded by what the windows must remember: events younger than A + L + max(L, e) behind the watermark,
 *     windows that are not final, and the ledger's cells.
 * G4  `advance` may forget dictionary codes: a batch decoded before it must be offered before it.
 * G5  An engine restored from snapshots hands out the changes that the saved one would have.
 */
import type { ChangeSet } from '../pipeline/cells.ts'
import {
  EVENT_CLASSES,
  finalAfterMs,
  summedFields,
  type EventClass,
  type Plan,
  type RollUp,
  type StreamName,
} from '../pipeline/plan.ts'
import { Watermarks } from '../time/watermarks.ts'
import { windowStartOf } from '../time/window.ts'
import { engineMemory, type EngineMemory } from './engine-memory.ts'
import type { EventBatch } from './event-batch.ts'
import { CLICKS_STREAM, COUNTED, IMPRESSIONS_STREAM, Ledger } from './ledger.ts'
import { Admit } from './operators/admit.ts'
import { Attribute } from './operators/attribute.ts'
import { Deduplicate } from './operators/deduplicate.ts'
import { Finalise, type Texts } from './operators/finalise.ts'
import { RollUpState } from './operators/roll-up.ts'
import type { EngineParts } from './snapshot/engine-parts.ts'
import { chainOf, readHeader } from './snapshot/payload.ts'
import { restoreParts } from './snapshot/restore.ts'
import { CARRY_POLICY, SnapshotSeries, type CarryPolicy, type Snapshot } from './snapshot/save.ts'
import type { SavedTexts } from './snapshot/tables.ts'
import { ClickGranule } from './state/click-granule.ts'
import { hashKeysFrom } from './state/id-hashes.ts'
import { ImpressionGranule } from './state/impression-granule.ts'

// Expiry looks at every granule and window, so it runs once for each second of event time, not for each batch.
const ADVANCE_STEP_MS = 1_000
const SWEEP_SIZE = 65_536

/** Text of dictionary codes, and the means to forget those that are not used any more. */
export interface EngineDictionary extends Texts, SavedTexts {
  readonly size: number
  sweep(isUsed: (code: number) => boolean): void
}

export interface EngineOptions {
  readonly plan: Plan
  /** The roll-ups to keep: the plan's tables and whatever else is wanted, such as those of the page. */
  readonly rollUps: readonly RollUp[]
  /** The stream of each partition. A partition is named by its index here. */
  readonly partitions: readonly StreamName[]
  /** One dictionary for each dimension of the plan, shared with the decoders. */
  readonly dictionaries: readonly EngineDictionary[]
  /** Eight random integers: secret, so that nobody can choose ids that collide. They never show in results. */
  readonly randomKeys: Int32Array
  /** When old state is carried into new snapshots. */
  readonly carryPolicy?: CarryPolicy
}

/** Counts of live state. */
export interface EngineState {
  readonly liveImpressions: number
  readonly liveClicks: number
  readonly cells: number
  /** Memory of remembered ids, bytes. */
  readonly idBytes: number
}

export class Engine {
  readonly watermarks: Watermarks
  readonly ledger: Ledger
  readonly #options: EngineOptions
  readonly #partitions: StreamName[]
  readonly #admit: readonly [Admit, Admit]
  readonly #impressions: Deduplicate<ImpressionGranule>
  readonly #clicks: Deduplicate<ClickGranule>
  readonly #rollUp: RollUpState
  readonly #attribute: Attribute
  readonly #finalise: Finalise
  readonly #parts: EngineParts
  #snapshots: SnapshotSeries | undefined

  constructor(options: EngineOptions) {
    const { plan } = options
    const { parameters } = plan
    const { attributionWindowMs, allowedLatenessMs, clockSkewToleranceMs } = parameters
    const hashKeys = hashKeysFrom(options.randomKeys)
    const sumCount = summedFields(plan).length
    const reachMs = attributionWindowMs + allowedLatenessMs
    const retentionMs = reachMs + Math.max(allowedLatenessMs, clockSkewToleranceMs)
    this.#options = options
    this.#partitions = [...options.partitions]
    this.ledger = new Ledger(parameters.windowSizeMs)
    this.watermarks = new Watermarks(options.partitions.length, parameters.outOfOrdernessMs)
    this.#admit = [
      new Admit(IMPRESSIONS_STREAM, parameters, this.watermarks, this.ledger),
      new Admit(CLICKS_STREAM, parameters, this.watermarks, this.ledger),
    ]
    const shared = { ledger: this.ledger, hashKeys, reachMs, retentionMs }
    this.#impressions = new Deduplicate({
      ...shared,
      stream: IMPRESSIONS_STREAM,
      createGranule: (capacity, hashes) => new ImpressionGranule(capacity, hashes),
    })
    this.#clicks = new Deduplicate({
      ...shared,
      stream: CLICKS_STREAM,
      createGranule: (capacity, hashes) => new ClickGranule(capacity, hashes),
    })
    this.#rollUp = new RollUpState({
      windowSizeMs: parameters.windowSizeMs,
      dimensionCount: plan.dimensions.length,
      sumCount,
    })
    this.#attribute = new Attribute({
      parameters,
      impressions: this.#impressions,
      clicks: this.#clicks,
      cells: this.#rollUp,
      ledger: this.ledger,
      hashKeys,
    })
    this.#finalise = new Finalise({
      state: this.#rollUp,
      rollUps: options.rollUps,
      dimensionNames: plan.dimensions.map((dimension) => dimension.name),
      texts: options.dictionaries,
      sumCount,
    })
    this.#parts = {
      watermarks: this.watermarks,
      ledger: this.ledger,
      impressions: this.#impressions,
      clicks: this.#clicks,
      rollUp: this.#rollUp,
      attribute: this.#attribute,
      finalise: this.#finalise,
      dictionaries: options.dictionaries,
      progress: { advancedMs: -Infinity, sweepSize: SWEEP_SIZE },
    }
  }

  /** Adds a partition of `stream`; returns its index. */
  addPartition(stream: StreamName): number {
    this.#partitions.push(stream)
    return this.watermarks.add()
  }

  /**
   * Takes the decoded events of one partition, in its order.
   *
   * @param arrivalMs the wall clock when the events arrived; +Infinity in a replay, where nothing is `future`
   * @param floorMs W when they arrived (`admit.ts`); −Infinity in a replay
   */
  offer(partition: number, batch: EventBatch, arrivalMs: number = Infinity, floorMs: number = -Infinity): void {
    if (this.#partitions[partition] === 'impressions') this.#offerImpressions(partition, batch, arrivalMs, floorMs)
    else this.#offerClicks(partition, batch, arrivalMs, floorMs)
  }

  /**
   * Follows the partitions' watermarks: recomputes W, settles orphans, forgets what has expired.
   *
   * @param whenAllIdleMs what W may rise to when every partition is idle
   * @returns W
   */
  advance(whenAllIdleMs: number = -Infinity): number {
    const watermarkMs = this.watermarks.refresh(whenAllIdleMs)
    if (watermarkMs >= this.#parts.progress.advancedMs + ADVANCE_STEP_MS) this.#settle(watermarkMs)
    return watermarkMs
  }

  /**
   * Everything that changed since the last call.
   *
   * @param onlyFinal hands out the earliest window that is final and nothing else, so that a bounded replay never holds
   * the rows of more than one; ask again while {@link hasFinalWindows}
   */
  changes(onlyFinal: boolean = false): ChangeSet {
    const watermarkMs = this.watermarks.pipelineMs
    if (watermarkMs > this.#parts.progress.advancedMs) this.#settle(watermarkMs)
    const finalBeforeMs = this.#finalBeforeMs(watermarkMs)
    const nextMs = this.#finalise.earliestMs + this.#options.plan.parameters.windowSizeMs
    return {
      cells: this.#finalise.run(onlyFinal ? Math.min(finalBeforeMs, nextMs) : finalBeforeMs, onlyFinal),
      ledger: onlyFinal
        ? { count: 0, windowStartMs: [], stream: [], eventClass: [], events: [] }
        : this.ledger.takeChanges(),
    }
  }

  /** Whether a window is final and waits to be taken by {@link changes}. */
  get hasFinalWindows(): boolean {
    return this.#finalise.earliestMs < this.#finalBeforeMs(this.watermarks.pipelineMs)
  }

  /** End of the last window that is final, ms; −∞ while none is. */
  get finalUpToMs(): number {
    return this.#finalBeforeMs(this.watermarks.pipelineMs)
  }

  /** Events of a stream by class. */
  classesOf(stream: StreamName): Record<EventClass, number> {
    const code = stream === 'impressions' ? IMPRESSIONS_STREAM : CLICKS_STREAM
    const entries = EVENT_CLASSES.map((name, index) => [name, this.ledger.totalOf(code, index)] as const)
    return Object.fromEntries(entries) as Record<EventClass, number>
  }

  /** Saves rows of the next snapshot ahead of it, so that its moment is short; nothing before the first one. */
  saveAhead(): void {
    this.#snapshots?.saveAhead()
  }

  /**
   * Saves what is new since the last snapshot, everything at the first (`snapshot/save.ts`).
   *
   * @param epoch one more than that of the last snapshot; the first may be any
   * @param extra sections of whoever surrounds the engine
   */
  snapshot(epoch: number, extra: readonly Uint8Array[] = []): Snapshot {
    this.#snapshots ??= new SnapshotSeries(this.#parts, this.#options.carryPolicy ?? CARRY_POLICY)
    return this.#snapshots.take(epoch, extra)
  }

  /**
   * Gives a fresh engine of the same plan, roll-ups and keys the state of the last of these payloads; from there on it
   * behaves as the one that was saved, and its next snapshot continues theirs. Partitions are restored by whoever names
   * them.
   *
   * @param payloads of consecutive epochs, from the last one's `since` on or longer, each in one piece
   * @param release may free each payload but the last, told as soon as nothing of it is read any more
   * @throws TidemarkError `STATE_CORRUPT`, `FORMAT_NEWER` or `PLAN_CHANGED`
   */
  restore(payloads: readonly Uint8Array[], release: (payload: Uint8Array) => void = () => undefined): void {
    const chain = chainOf(payloads)
    const header = readHeader(chain.at(-1) as Uint8Array)
    const byteLength = chain.reduce((bytes, payload) => bytes + payload.length, 0)
    restoreParts(this.#parts, chain, release)
    this.#snapshots = new SnapshotSeries(this.#parts, this.#options.carryPolicy ?? CARRY_POLICY, {
      ...header,
      byteLength,
    })
  }

  /** How much is remembered. */
  state(): EngineState {
    return {
      liveImpressions: this.#impressions.granules.rows,
      liveClicks: this.#clicks.granules.rows,
      cells: this.#finalise.cellCount,
      idBytes:
        this.#impressions.granules.byteLength +
        this.#impressions.filter.byteLength +
        this.#clicks.granules.byteLength +
        this.#clicks.filter.byteLength,
    }
  }

  /** What it holds in memory, and what the next steps would take. */
  memory(): EngineMemory {
    return engineMemory(this.#parts)
  }

  #offerImpressions(partition: number, batch: EventBatch, arrivalMs: number, floorMs: number): void {
    const admit = this.#admit[IMPRESSIONS_STREAM]
    const admitted = admit.run(batch, partition, arrivalMs, floorMs)
    const fresh = this.#impressions.run(batch.id, batch.timeMs, admit.rows, admitted)
    this.#rollUp.addImpressions(batch, this.#impressions, fresh)
    this.#addCounted(batch.timeMs, fresh)
    this.#attribute.runImpressions(batch.id, batch.timeMs, fresh)
  }

  #offerClicks(partition: number, batch: EventBatch, arrivalMs: number, floorMs: number): void {
    const admit = this.#admit[CLICKS_STREAM]
    const admitted = admit.run(batch, partition, arrivalMs, floorMs)
    const fresh = this.#clicks.run(batch.id, batch.timeMs, admit.rows, admitted)
    this.#attribute.runClicks(batch.impressionId, batch.timeMs, fresh)
  }

  // Runs of events of one window are added to the ledger at once.
  #addCounted(timeMs: Float64Array, count: number): void {
    const { windowSizeMs } = this.#options.plan.parameters
    const fresh = this.#impressions.fresh
    let startMs = NaN
    let run = 0
    for (let j = 0; j < count; j++) {
      const t = timeMs[fresh[j] as number] as number
      if (!(t >= startMs && t < startMs + windowSizeMs)) {
        if (run > 0) this.ledger.add(IMPRESSIONS_STREAM, COUNTED, startMs, run)
        startMs = windowStartOf(t, windowSizeMs)
        run = 0
      }
      run++
    }
    if (run > 0) this.ledger.add(IMPRESSIONS_STREAM, COUNTED, startMs, run)
  }

  #finalBeforeMs(watermarkMs: number): number {
    const { parameters } = this.#options.plan
    const closedMs = watermarkMs - finalAfterMs(parameters)
    return Number.isFinite(closedMs) ? windowStartOf(closedMs, parameters.windowSizeMs) : closedMs
  }

  #settle(watermarkMs: number): void {
    this.#parts.progress.advancedMs = watermarkMs
    this.#attribute.advance(watermarkMs)
    this.#impressions.expire(watermarkMs)
    this.#clicks.expire(watermarkMs)
    const largest = this.#options.dictionaries.reduce(
      (size, dictionary) => Math.max(size, dictionary.size),
      this.#rollUp.combinations.size,
    )
    if (largest > this.#parts.progress.sweepSize) this.#sweep()
  }

  // A hostile producer can give every event a campaign of its own: combinations, keys and texts that nothing live uses
  // are forgotten whenever there are twice as many as were live at the last sweep.
  #sweep(): void {
    this.#rollUp.sweep(this.#impressions.granules.list)
    const used = this.#options.dictionaries.map(() => new Set<number>())
    const use = (dimension: number, code: number): void => void used[dimension]?.add(code)
    this.#finalise.sweep(use)
    const { combinations } = this.#rollUp
    combinations.forEach((number) => {
      for (let d = 0; d < combinations.width; d++) use(d, combinations.codes[number * combinations.width + d] as number)
    })
    this.#options.dictionaries.forEach((dictionary, d) => dictionary.sweep((code) => used[d]?.has(code) ?? false))
    const largest = Math.max(combinations.size, ...this.#options.dictionaries.map((dictionary) => dictionary.size))
    this.#parts.progress.sweepSize = Math.max(SWEEP_SIZE, 2 * largest)
  }
}
