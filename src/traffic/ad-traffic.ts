/**
 * Simulated ad traffic: a seeded stream of impressions and clicks as lines of JSON, in the order in which they arrive.
 *
 * ```ts
 * const traffic = new AdTraffic(plan, trafficSettings({ seed: 7, rate: 50, startMs }), { withTruth: true })
 * traffic.advance(untilMs, (stream, partition, bytes, start, end) => …)   // as often as you like
 * traffic.finish()                                                        // a bounded log: its truth is now whole
 * traffic.truth.tables()
 * ```
 *
 * G1  The same plan, settings and seed give the same bytes in each partition, however the calls of `advance` divide
 *     the time.
 * G2  Lines of one partition come in order of arrival. An event of time t arrives at t + 0..disorder unless a setting
 *     says otherwise. The id of an event decides its partition, so all lines of one id are in one partition.
 * G3  Memory is bounded by what is in flight, whatever the length; with the truth, by its cells and open stories.
 * G4  Events that are meant to be late are: they are stamped on arrival, from the watermark of their own partition.
 *
 * It knows no clock: whoever drives it says up to which moment it shall go.
 */
import { TidemarkError } from '../errors.ts'
import { type Plan, STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../time/window.ts'
import { Companions, type Dispatcher } from './companions.ts'
import { Deliveries, FLAGS, IS_CLICK, MAKE_BARELY_ON_TIME, MAKE_LATE, MAKE_MALFORMED, OWN_ID } from './deliveries.ts'
import { layoutOf } from './layout.ts'
import { LineWriter } from './line-writer.ts'
import { MalformedLines } from './malformed-lines.ts'
import { Population } from './population.ts'
import { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'
import { Truth } from './truth.ts'

/**
 * Takes whole lines of one partition, in order: `bytes` from `start` up to `end`. The bytes are used again after the
 * call.
 */
export type WriteLines = (stream: StreamName, partition: number, bytes: Uint8Array, start: number, end: number) => void

/** Lines of one partition are handed over when they are as many bytes as this, and at the end of each `advance`. */
const HAND_OVER_BYTES = 64 * 1024

/** One partition of one stream. */
interface Outlet {
  readonly stream: StreamName
  readonly partition: number
  readonly lines: LineWriter
  readonly malformed: MalformedLines
  bytes: Uint8Array
  /** A view of `bytes`. */
  words: DataView
  used: number
  /** Highest event time written, ms. */
  highestMs: number
}

export class AdTraffic {
  /** Lines written so far, malformed ones included. */
  linesWritten = 0
  readonly #truth: Truth | undefined
  readonly #settings: TrafficSettings
  readonly #deliveries: Deliveries
  readonly #outlets: readonly Outlet[]
  readonly #companions: Companions
  readonly #times: Random
  readonly #stamps: Random
  readonly #lateAfterMs: number
  #nowMs: number
  #impressions = 0
  #nextImpressionMs = 0

  /** @param options `withTruth`: find the true tables on the way, for a bounded log */
  constructor(plan: Plan, settings: TrafficSettings, options: { readonly withTruth?: boolean } = {}) {
    const layout = layoutOf(plan, settings)
    this.#settings = settings
    this.#deliveries = new Deliveries(layout.texts.length + layout.moneys.length)
    this.#truth = options.withTruth === true ? new Truth(plan, layout, this.#deliveries) : undefined
    this.#times = new Random(settings.seed, 'times')
    this.#stamps = new Random(settings.seed, 'stamps')
    this.#lateAfterMs = plan.parameters.outOfOrdernessMs + plan.parameters.allowedLatenessMs
    this.#nowMs = settings.startMs
    const random = new Random(settings.seed, 'lines')
    this.#outlets = STREAM_NAMES.flatMap((stream) => {
      const lines = new LineWriter(layout[stream], layout, this.#deliveries, settings, random)
      const malformed = new MalformedLines(lines, random, settings.oversizedLines)
      return Array.from({ length: settings.partitions }, (_, partition) =>
        newOutlet(stream, partition, lines, malformed),
      )
    })
    const population = new Population(settings, layout)
    this.#companions = new Companions(settings, plan.parameters, this.#deliveries, population, this.#dispatcher())
    this.#drawNextTime()
  }

  /** The moment up to which it has gone, ms. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Lines on their way, and stories of which more is to come: what its memory depends on. */
  get inFlight(): { readonly deliveries: number; readonly stories: number } {
    return { deliveries: this.#deliveries.inFlight, stories: this.#truth?.openStories ?? 0 }
  }

  /** The truth of what was written; whole after {@link finish}. */
  get truth(): Truth {
    if (this.#truth === undefined) throw new TidemarkError('INTERNAL', 'AdTraffic was made without its truth.')
    return this.#truth
  }

  /**
   * Writes every line that arrives before `untilMs` and was not written yet, but at most `maxLines`; stopped by those,
   * it goes on at the next call where it was.
   *
   * @returns how many lines were written
   * @throws TidemarkError `STATE_LIMIT` when event time leaves the range that SEMANTICS accepts
   */
  advance(untilMs: number, write: WriteLines, maxLines: number = Infinity): number {
    const endMs = Math.ceil(untilMs)
    let written = 0
    while (this.#nowMs < endMs && written < maxLines) {
      while (this.#nextImpressionMs <= this.#nowMs) this.#beginImpression()
      const row = this.#deliveries.take(this.#nowMs)
      if (row === 0) {
        this.#nowMs = this.#deliveries.nextArrivalMs(this.#nowMs + 1, Math.min(endMs, this.#nextImpressionMs))
        continue
      }
      this.#deliver(row, write)
      written++
    }
    for (const outlet of this.#outlets) handOver(outlet, write)
    this.linesWritten += written
    return written
  }

  /** Ends a bounded log: what is still on its way is never written, and the truth settles what was. */
  finish(): void {
    this.#truth?.finish()
  }

  #dispatcher(): Dispatcher {
    const nowMs = (): number => this.#nowMs
    return {
      get nowMs() {
        return nowMs()
      },
      dispatch: (row, arrivalMs) => this.#dispatch(row, arrivalMs),
      openStory: () => this.#truth?.openStory() ?? 0,
    }
  }

  #dispatch(row: number, arrivalMs: number): void {
    if ((this.#deliveries.timesMs[row] ?? 0) >= END_EVENT_TIME_MS) {
      this.#deliveries.release(row)
      return
    }
    this.#truth?.expect(row)
    this.#deliveries.schedule(row, Math.max(arrivalMs, this.#nowMs), this.#nowMs)
  }

  #beginImpression(): void {
    if (this.#nextImpressionMs >= END_EVENT_TIME_MS) {
      const fix = 'Give an earlier start, a higher rate or fewer events.'
      throw new TidemarkError('STATE_LIMIT', 'Simulated event time reached the year 2101 (allowed: 2000 to 2100).', {
        fix,
      })
    }
    this.#companions.begin(this.#nextImpressionMs)
    this.#drawNextTime()
  }

  /** Impression n happens somewhere in the n-th of the equal parts into which the rate divides time. */
  #drawNextTime(): void {
    const { startMs, rate } = this.#settings
    this.#nextImpressionMs = startMs + Math.floor(((this.#impressions + this.#times.unit()) * 1_000) / rate)
    this.#impressions++
  }

  #deliver(row: number, write: WriteLines): void {
    const { ints, stride } = this.#deliveries
    const flags = ints[row * stride + FLAGS] ?? 0
    const { partitions } = this.#settings
    const partition = ((ints[row * stride + OWN_ID + 3] ?? 0) >>> 0) % partitions
    const outlet = this.#outlets[(flags & IS_CLICK) === 0 ? partition : partitions + partition]
    if (outlet === undefined) return
    if ((flags & MAKE_MALFORMED) !== 0) this.#writeMalformed(outlet, row, write)
    else this.#writeEvent(outlet, row, flags, write)
    this.#deliveries.release(row)
    if (outlet.used >= HAND_OVER_BYTES) handOver(outlet, write)
  }

  #writeEvent(outlet: Outlet, row: number, flags: number, write: WriteLines): void {
    const { timesMs } = this.#deliveries
    if ((flags & (MAKE_LATE | MAKE_BARELY_ON_TIME)) !== 0) this.#stamp(row, flags, outlet)
    makeRoom(outlet, outlet.lines.longestLine, write)
    outlet.used = outlet.lines.write(outlet.bytes, outlet.words, outlet.used, row)
    const timeMs = timesMs[row] ?? 0
    if (this.#truth !== undefined) {
      const isLate = timeMs < outlet.highestMs - this.#lateAfterMs
      if ((flags & IS_CLICK) === 0) this.#truth.impression(row, isLate)
      else this.#truth.click(row, isLate)
    }
    if (timeMs > outlet.highestMs) outlet.highestMs = timeMs
  }

  /** Stamps an event by the watermark of its partition; before that is known, an event keeps its time. */
  #stamp(row: number, flags: number, outlet: Outlet): void {
    const edgeMs = outlet.highestMs - this.#lateAfterMs
    const isFarBehind = this.#stamps.below(4) !== 0
    const behindMs = (flags & MAKE_LATE) === 0 ? 0 : 1 + (isFarBehind ? this.#stamps.below(60_000) : 0)
    if (edgeMs - behindMs >= MIN_EVENT_TIME_MS) this.#deliveries.timesMs[row] = edgeMs - behindMs
  }

  #writeMalformed(outlet: Outlet, row: number, write: WriteLines): void {
    const { bytes, isOversized } = outlet.malformed.draw()
    makeRoom(outlet, bytes, write)
    outlet.used = outlet.malformed.write(outlet.bytes, outlet.used, row, isOversized)
    this.#truth?.malformed(outlet.stream, outlet.highestMs)
  }
}

function newOutlet(stream: StreamName, partition: number, lines: LineWriter, malformed: MalformedLines): Outlet {
  const bytes = new Uint8Array(HAND_OVER_BYTES + Math.max(lines.longestLine, malformed.longestLine))
  const words = new DataView(bytes.buffer)
  return { stream, partition, lines, malformed, bytes, words, used: 0, highestMs: -Infinity }
}

function handOver(outlet: Outlet, write: WriteLines): void {
  if (outlet.used > 0) write(outlet.stream, outlet.partition, outlet.bytes, 0, outlet.used)
  outlet.used = 0
}

function makeRoom(outlet: Outlet, bytes: number, write: WriteLines): void {
  if (outlet.used + bytes <= outlet.bytes.length) return
  handOver(outlet, write)
  if (bytes <= outlet.bytes.length) return
  outlet.bytes = new Uint8Array(bytes)
  outlet.words = new DataView(outlet.bytes.buffer)
}
