/**
 * Simulated ad traffic as a live source: the hours before now at once, then what happens, as it happens.
 *
 * T1  Traffic follows the wall clock: an event arrives when its time of arrival has come, never earlier.
 * T2  History holds at most `MAX_HISTORY_LINES`: at high rates the hours before now are thinner than what follows. So
 *     memory need not be asked for it, which a start would wait for before anything is counted.
 * T3  After a pause of the whole process longer than `MAX_CATCH_UP_MS` the time slept through is skipped.
 * T4  Lines that there is no room for now are appended once there is: none is lost, and meanwhile no more are made.
 */
import { TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { Clock } from '../runtime/ports.ts'
import { MINUTE_MS } from '../time/units.ts'
import { AdTraffic, type WriteLines } from '../traffic/ad-traffic.ts'
import { trafficSettings, TRAFFIC_PRESETS } from '../traffic/settings.ts'

const MAX_HISTORY_LINES = 450_000
const MAX_CATCH_UP_MS = MINUTE_MS
const LINES_PER_STEP = 20_000
const LINES_PER_IMPRESSION = 1.15
const STEP_MS = 50
const RETRY_MS = 250

/**
 * Appends whole lines of one partition of the source; resolves when they are on disk. Partitions are numbered: those of
 * impressions, then those of clicks.
 */
export type AppendLines = (partition: number, lines: Uint8Array, recordCount: number) => Promise<void>

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
  readonly append: AppendLines
  /** The same for history, without asking whether memory has room for it (T2). */
  readonly appendHistory: AppendLines
  readonly clock: Clock
  /** Waits, or returns early when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

export class TrafficSource {
  /** Impressions per second in the history. */
  readonly historyRate: number
  readonly #options: TrafficSourceOptions
  #traffic: AdTraffic
  #generation = 0

  constructor(options: TrafficSourceOptions) {
    this.#options = options
    const seconds = Math.max(1, (options.nowMs - options.historyFromMs) / 1_000)
    this.historyRate = Math.min(options.rate, MAX_HISTORY_LINES / LINES_PER_IMPRESSION / seconds)
    this.#traffic = this.#start(options.historyFromMs, this.historyRate)
  }

  /** Appends what happened before now; returns how many events that were. */
  async fillHistory(signal: AbortSignal): Promise<number> {
    const { nowMs, rate, appendHistory } = this.#options
    let lines = 0
    for (let step = LINES_PER_STEP; step === LINES_PER_STEP && !signal.aborted; lines += step)
      step = await this.#advance(nowMs, signal, appendHistory)
    if (this.historyRate !== rate) this.#traffic = this.#start(nowMs, rate)
    return lines
  }

  /** Appends what happens, as it happens, until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, pause } = this.#options
    while (!signal.aborted) {
      const nowMs = clock.nowMs()
      if (nowMs - this.#traffic.nowMs > MAX_CATCH_UP_MS) this.#traffic = this.#start(nowMs, this.#options.rate)
      const lines = await this.#advance(nowMs, signal)
      await pause(lines === LINES_PER_STEP ? 0 : STEP_MS, signal)
    }
  }

  async #advance(untilMs: number, signal: AbortSignal, append: AppendLines = this.#options.append): Promise<number> {
    const parts = Array.from({ length: 2 * this.#options.partitions }, (): Uint8Array[] => [])
    const lines = this.#traffic.advance(untilMs, this.#collect(parts), LINES_PER_STEP)
    // One append for each partition: a second one could overtake a first that is tried again.
    await Promise.all(parts.map((blocks, partition) => this.#append(append, partition, Buffer.concat(blocks), signal)))
    return lines
  }

  async #append(append: AppendLines, partition: number, lines: Uint8Array, signal: AbortSignal): Promise<void> {
    const { pause } = this.#options
    while (!signal.aborted && lines.length > 0) {
      try {
        return await append(partition, lines, countLines(lines))
      } catch (error) {
        if (!(error instanceof TidemarkError) || !error.retryable) throw error
        await pause(RETRY_MS, signal)
      }
    }
  }

  // Each stretch of traffic has a seed of its own, so no two share an id.
  #start(startMs: number, rate: number): AdTraffic {
    const { plan, seed, partitions } = this.#options
    const changes = { ...TRAFFIC_PRESETS.demo, seed: seed + this.#generation++, startMs, rate, partitions }
    return new AdTraffic(plan, trafficSettings(changes))
  }

  #collect(parts: readonly Uint8Array[][]): WriteLines {
    const { partitions } = this.#options
    return (stream, partition, bytes, start, end) => {
      parts[stream === 'clicks' ? partitions + partition : partition]?.push(bytes.slice(start, end))
    }
  }
}

const LINE_FEED = 0x0a

function countLines(lines: Uint8Array): number {
  let count = 0
  for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) count++
  return count
}
