/**
 * The recount of inputs larger than memory: the same rules, id by id, with what waits for its turn on disk.
 *
 * Reading in step tells what is malformed or late; the rest is split by id. Clicks are split by their own id, told from
 * their duplicates bucket by bucket, and split again by that of their impression; then impressions and clicks of a
 * bucket meet.
 *
 * S1  The answer is that of `recount`: each rule looks at the events of one id only, and those are in one bucket in the
 *     order of arrival.
 * S2  Memory holds the cells, one bucket of impressions or of clicks, and what waits to be written. A bucket that is
 *     too large is split again; only events of a single id are held together however many they are.
 */
import { summedFields, type Plan, type StreamName } from '../pipeline/plan.ts'
import { Admission, FROM_FILE, nextInStep, type LineBatch } from './admission.ts'
import { Attribution, ClickAdmission, type Click, type Impression } from './attribution.ts'
import { BUCKET_COUNT, Buckets, splitBucket, type Bucket, type SpillDisk } from './buckets.ts'
import type { DecodeUtf8, ParsedEvent } from './parse-event.ts'
import { eventParsers, type Recount } from './recount.ts'
import { Tally } from './tally.ts'

/** Lines that arrived together. */
export interface SpillBatch extends LineBatch {
  readonly lines: readonly Uint8Array[]
}

/** One partition of a stream. */
export interface SpillPartition {
  readonly stream: StreamName
  readonly name: string
  /** Lines without a byte-order mark, in order; valid until the next batch is asked for. */
  readonly batches: AsyncIterable<SpillBatch>
}

/** What a recount of large inputs needs. */
export interface SpillOptions {
  readonly disk: SpillDisk
  readonly decodeUtf8: DecodeUtf8
  /** How much memory events may take, roughly, in bytes. */
  readonly memoryBytes: number
  /** W where the input ends: of a live system that of its epoch, +Infinity where all partitions have ended. */
  readonly watermarkMs?: number
  /** Awaited now and then, so that the caller can show progress or stop the work by throwing. */
  readonly onStep?: (step: SpillStep) => Promise<void> | void
}

/** How far the work has come. */
export interface SpillStep {
  readonly phase: 'reading' | 'deduplicating' | 'attributing'
  /** Of the phase, 0 to 1; `undefined` while reading. */
  readonly share: number | undefined
}

// An event takes about four times its text when it is an object with its key, and a garbage collector wants room.
const MEMORY_BYTES_PER_CHAR = 8
const MAX_LEVEL = 3

/** Recounts partitions of any size. Gives what `recount` gives. */
export async function recountSpilled(
  plan: Plan,
  partitions: readonly SpillPartition[],
  options: SpillOptions,
): Promise<Recount> {
  const work = new SpilledRecount(plan, options)
  await work.read(partitions)
  await work.deduplicateClicks()
  await work.attribute()
  return { tables: work.tally.tables(), totals: work.tally.totals() }
}

class SpilledRecount {
  readonly tally: Tally
  readonly #plan: Plan
  readonly #options: SpillOptions
  readonly #watermarkMs: number
  readonly #bucketChars: number
  readonly #impressions: Buckets
  readonly #clicks: Buckets
  readonly #acceptedClicks: Buckets

  constructor(plan: Plan, options: SpillOptions) {
    this.#watermarkMs = options.watermarkMs ?? Infinity
    this.tally = new Tally(plan, this.#watermarkMs)
    this.#plan = plan
    this.#options = options
    this.#bucketChars = Math.ceil(options.memoryBytes / MEMORY_BYTES_PER_CHAR)
    const shared = { disk: options.disk, waitingChars: Math.ceil(this.#bucketChars / 4), level: 0 }
    const impressionWidth = 2 + plan.dimensions.length + summedFields(plan).length
    this.#impressions = new Buckets({ ...shared, name: 'impressions', width: impressionWidth, idAt: 0 })
    this.#clicks = new Buckets({ ...shared, name: 'clicks', width: 3, idAt: 0 })
    this.#acceptedClicks = new Buckets({ ...shared, name: 'accepted-clicks', width: 3, idAt: 1 })
  }

  /** Reads all partitions in step and splits what is neither malformed nor late by its id. */
  async read(partitions: readonly SpillPartition[]): Promise<void> {
    const parsers = eventParsers(this.#plan, this.#options.decodeUtf8)
    const open = new Set(
      partitions.map(({ stream, batches }) => {
        const admission = new Admission(stream, parsers[stream], this.#plan.parameters, this.tally)
        return new OpenPartition(admission, batches)
      }),
    )
    for (let next = nextInStep(open); next !== undefined; next = nextInStep(open)) {
      const line = next.nextLine()
      if (line === undefined) {
        await this.#options.onStep?.({ phase: 'reading', share: undefined })
        if (!(await next.refill())) open.delete(next)
        continue
      }
      const event = next.admission.admit(line, next.batch)
      if (event === undefined) continue
      if (next.admission.stream === 'clicks') this.#clicks.add(clickRow(event))
      else this.#impressions.add(impressionRow(event))
    }
  }

  /** Tells clicks from their duplicates and splits the accepted ones by their impression. */
  async deduplicateClicks(): Promise<void> {
    for (let i = 0; i < BUCKET_COUNT; i++) {
      await this.#options.onStep?.({ phase: 'deduplicating', share: i / BUCKET_COUNT })
      this.#deduplicate(bucketAt(this.#clicks, i))
    }
  }

  /** Brings the impressions and the clicks of each bucket together. */
  async attribute(): Promise<void> {
    for (let i = 0; i < BUCKET_COUNT; i++) {
      await this.#options.onStep?.({ phase: 'attributing', share: i / BUCKET_COUNT })
      this.#attribute(bucketAt(this.#impressions, i), bucketAt(this.#acceptedClicks, i))
    }
  }

  #deduplicate(clicks: Bucket): void {
    if (this.#isTooLarge(clicks)) {
      for (const part of splitBucket(clicks).all) this.#deduplicate(part)
      return
    }
    const admission = new ClickAdmission(this.#plan.parameters, this.tally)
    for (const row of clicks.take()) if (admission.offer(clickOf(row))) this.#acceptedClicks.add(row)
  }

  #attribute(impressions: Bucket, clicks: Bucket): void {
    if (this.#isTooLarge(impressions)) {
      const [parts, clickParts] = [splitBucket(impressions), splitBucket(clicks)]
      for (let i = 0; i < BUCKET_COUNT; i++) this.#attribute(bucketAt(parts, i), bucketAt(clickParts, i))
      return
    }
    const attribution = new Attribution(this.#plan.parameters, this.tally, this.#watermarkMs)
    const dimensionCount = this.#plan.dimensions.length
    for (const row of impressions.take()) attribution.offerImpression(impressionOf(row, dimensionCount))
    for (const row of clicks.take()) attribution.attributeClick(clickOf(row))
    attribution.finish()
  }

  #isTooLarge(bucket: Bucket): boolean {
    return bucket.chars > this.#bucketChars && bucket.options.level < MAX_LEVEL
  }
}

function bucketAt(buckets: Buckets, index: number): Bucket {
  const bucket = buckets.all[index]
  if (bucket === undefined) throw new RangeError(`there is no bucket ${index}`)
  return bucket
}

const NOTHING: SpillBatch = { ...FROM_FILE, lines: [] }

/** A partition with the batch that is being read. */
class OpenPartition {
  readonly admission: Admission
  /** Lines being read, and how they arrived. */
  batch: SpillBatch = NOTHING
  readonly #batches: AsyncIterator<SpillBatch>
  #at = 0

  constructor(admission: Admission, batches: AsyncIterable<SpillBatch>) {
    this.admission = admission
    this.#batches = batches[Symbol.asyncIterator]()
  }

  get watermarkMs(): number {
    return this.admission.watermarkMs
  }

  /** The next line of the batch, `undefined` at its end. */
  nextLine(): Uint8Array | undefined {
    return this.batch.lines[this.#at++]
  }

  /** Gets the next batch. False says that the partition has ended. */
  async refill(): Promise<boolean> {
    const next = await this.#batches.next()
    this.batch = next.done === true ? NOTHING : next.value
    this.#at = 0
    return next.done !== true
  }
}

function impressionRow({ id, timeMs, dimensions, sumsMicros }: ParsedEvent): readonly string[] {
  return [id, String(timeMs), ...dimensions, ...sumsMicros.map(String)]
}

function impressionOf(row: readonly string[], dimensionCount: number): Impression {
  return {
    id: row[0] ?? '',
    timeMs: Number(row[1]),
    dimensions: row.slice(2, 2 + dimensionCount),
    sumsMicros: row.slice(2 + dimensionCount).map(Number),
  }
}

function clickRow({ id, impressionId, timeMs }: ParsedEvent): readonly string[] {
  return [id, impressionId, String(timeMs)]
}

function clickOf(row: readonly string[]): Click {
  return { id: row[0] ?? '', impressionId: row[1] ?? '', timeMs: Number(row[2]) }
}
