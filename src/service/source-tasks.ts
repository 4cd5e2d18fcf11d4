/**
 * What fills the journal beside HTTP: simulated traffic, files that are followed. Each runs until it is stopped.
 *
 * T1  A source that fails for good ends the run: nothing is silently left out.
 * T2  After `stop` nothing is appended any more, whatever any of them failed with.
 */
import { resolve } from 'node:path'
import type { Plan } from '../pipeline/plan.ts'
import type { Log } from '../runtime/ports.ts'
import { FollowedFiles } from '../sources/file/followed-files.ts'
import { TrafficSource } from '../sources/traffic-source.ts'
import { CLOCK, pause } from './elapsed.ts'
import { partitionsOfSource, partitionsOfTraffic } from './live-partitions.ts'
import type { Recovered } from './recovery.ts'

/** Partitions of simulated traffic, of each stream. */
export const TRAFFIC_PARTITIONS = 2

/** Simulated traffic beside the sources of the plan. */
export interface TrafficOptions {
  /** Impressions per second. */
  readonly rate: number
  readonly seed: number
  /** How far back it begins where nothing was there before, ms. */
  readonly historyMs: number
}

export interface SourceTasksOptions {
  readonly plan: Plan
  readonly traffic?: TrafficOptions
  readonly recovered: Recovered
  readonly log: Log
  readonly onFatal: (error: unknown) => void
}

export class SourceTasks {
  readonly #options: SourceTasksOptions
  readonly #traffic: TrafficSource | undefined
  readonly #files: readonly FollowedFiles[]
  readonly #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: SourceTasksOptions) {
    this.#options = options
    this.#traffic = options.traffic === undefined ? undefined : createTraffic(options, options.traffic)
    this.#files = followFiles(options)
  }

  /** Whether something happened before now that is to be made up. */
  get hasHistory(): boolean {
    return this.#traffic !== undefined
  }

  /** Appends what happened before now; returns how many events that were. */
  async fillHistory(signal: AbortSignal): Promise<number> {
    return (await this.#traffic?.fillHistory(signal)) ?? 0
  }

  /** Lets all sources run. */
  start(): void {
    const { signal } = this.#stopping
    const run = async (source: TrafficSource | FollowedFiles | undefined): Promise<void> => {
      await source?.run(signal).catch((error: unknown) => this.#options.onFatal(error))
    }
    this.#running = Promise.all([this.#traffic, ...this.#files].map(run))
  }

  /** Ends them, and resolves when nothing more is appended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }
}

function createTraffic({ plan, recovered }: SourceTasksOptions, traffic: TrafficOptions): TrafficSource {
  const names = partitionsOfTraffic(TRAFFIC_PARTITIONS).map(({ name }) => name)
  const indexes = names.map((name) => recovered.partitions.findIndex((partition) => partition.name === name))
  const { highestMs } = recovered.pipeline.engine.watermarks
  const nowMs = CLOCK.nowMs()
  const lastMs = Math.max(...indexes.map((index) => highestMs[index] ?? -Infinity))
  return new TrafficSource({
    plan,
    rate: traffic.rate,
    seed: traffic.seed,
    partitions: TRAFFIC_PARTITIONS,
    // What a stopped demo missed is made up as well, so that its charts have no gap.
    historyFromMs: Math.min(nowMs, Math.max(lastMs + 1, nowMs - traffic.historyMs)),
    nowMs,
    append: (partition, lines, recordCount) => recovered.source.append(indexes[partition] ?? -1, lines, recordCount),
    appendHistory: (partition, lines, recordCount) =>
      recovered.source.appendUnasked(indexes[partition] ?? -1, lines, recordCount),
    clock: CLOCK,
    pause,
  })
}

function followFiles({ plan, recovered, log }: SourceTasksOptions): readonly FollowedFiles[] {
  const { source, journal, partitions } = recovered
  return plan.sources.flatMap((files): FollowedFiles[] => {
    if (files.kind !== 'files') return []
    const [name = ''] = partitionsOfSource(files).map((partition) => partition.name)
    const index = partitions.findIndex((partition) => partition.name === name)
    return [
      new FollowedFiles({
        path: resolve(files.path),
        append: (lines, recordCount, position) => source.append(index, lines, recordCount, position),
        lastPosition: journal.lastSourcePosition(name),
        clock: CLOCK,
        pause,
        onProblem: (problem) =>
          problem === null
            ? log('info', `The files of source "${files.name}" can be read again.`)
            : log('warn', `The files of source "${files.name}" cannot be read: ${problem}`),
      }),
    ]
  })
}
