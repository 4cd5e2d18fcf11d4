/**
 * Simulated ad traffic as a live source: the hours before now at once, then what happens, as it happens.
 *
 * T1  Traffic follows the wall clock: an event arrives when its time of arrival has come, never earlier.
 * T2  History holds at most `MAX_HISTORY_LINES`: at high rates the hours before now are thinner than what follows.
 * T3  After a pause of the whole process longer than `MAX_CATCH_UP_MS` the time slept through is skipped.
 */
import type { Plan, StreamName } from '../pipeline/plan.ts'
import type { OfferLines, SourceWithHistory } from '../runtime/live-run.ts'
import { AdTraffic, type WriteLines } from '../traffic/ad-traffic.ts'
import { trafficSettings, TRAFFIC_PRESETS } from '../traffic/settings.ts'

const MAX_HISTORY_LINES = 450_000
const MAX_CATCH_UP_MS = 60_000
const LINES_PER_POLL = 20_000
const LINES_PER_IMPRESSION = 1.15

export interface TrafficSourceOptions {
  readonly plan: Plan
  /** Impressions per second. */
  readonly rate: number
  readonly seed: number
  /** Partitions of each stream. */
  readonly partitions: number
  /** Where history starts, and where it ends and live traffic begins. */
  readonly historyFromMs: number
  readonly nowMs: number
}

export class TrafficSource implements SourceWithHistory {
  /** The partitions, in the order in which lines are offered: impressions first. */
  readonly partitions: readonly { readonly stream: StreamName; readonly name: string }[]
  /** Impressions per second in the history. */
  readonly historyRate: number
  readonly #options: TrafficSourceOptions
  #traffic: AdTraffic
  #generation = 0

  constructor(options: TrafficSourceOptions) {
    this.#options = options
    this.partitions = (['impressions', 'clicks'] as const).flatMap((stream) =>
      Array.from({ length: options.partitions }, (_, partition) => ({
        stream,
        name: `simulated ${stream}/${partition}`,
      })),
    )
    const seconds = Math.max(1, (options.nowMs - options.historyFromMs) / 1_000)
    this.historyRate = Math.min(options.rate, MAX_HISTORY_LINES / LINES_PER_IMPRESSION / seconds)
    this.#traffic = this.#start(options.historyFromMs, this.historyRate)
  }

  fillSome(offer: OfferLines): boolean {
    const { nowMs, rate } = this.#options
    if (this.#traffic.advance(nowMs, this.#writer(offer), LINES_PER_POLL) === LINES_PER_POLL) return true
    if (this.historyRate !== rate) this.#traffic = this.#start(nowMs, rate)
    return false
  }

  poll(nowMs: number, offer: OfferLines): boolean {
    if (nowMs - this.#traffic.nowMs > MAX_CATCH_UP_MS) this.#traffic = this.#start(nowMs, this.#options.rate)
    return this.#traffic.advance(nowMs, this.#writer(offer), LINES_PER_POLL) === LINES_PER_POLL
  }

  // Each stretch of traffic has a seed of its own, so no two share an id.
  #start(startMs: number, rate: number): AdTraffic {
    const { plan, seed, partitions } = this.#options
    const changes = { ...TRAFFIC_PRESETS.demo, seed: seed + this.#generation++, startMs, rate, partitions }
    return new AdTraffic(plan, trafficSettings(changes))
  }

  #writer(offer: OfferLines): WriteLines {
    const { partitions } = this.#options
    return (stream, partition, bytes, start, end) =>
      offer(stream === 'clicks' ? partitions + partition : partition, bytes, start, end)
  }
}
