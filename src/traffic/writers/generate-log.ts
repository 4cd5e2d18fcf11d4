/**
 * A simulated log: as files, one NDJSON file for each partition and its truth beside them, and on the way to wherever
 * else it goes.
 */
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../pipeline/plan.ts'
import { DAY_MS } from '../../time/units.ts'
import { AdTraffic, type WriteLines } from '../ad-traffic.ts'
import type { TrafficSettings } from '../settings.ts'
import type { TruthTotals } from '../truth.ts'
import { LogFolder, type LogFile } from './log-folder.ts'
import { earlierTruthFiles, writeTotals, writeTruthTables } from './truth-files.ts'

/** Where a log goes beside a folder: topics, a server. */
export interface LineTarget {
  /** Takes whole lines; copies what it keeps. */
  readonly write: WriteLines
  /** Resolves once everything written so far has arrived. */
  flush(): Promise<void>
}

/** What to write, and where. */
export interface LogRequest {
  readonly plan: Plan
  readonly settings: TrafficSettings
  /** Lines of both streams together, malformed ones included. */
  readonly events: number
  /** The folder; made if missing. Without one there are no files. */
  readonly out?: string
  /** Where lines go as well. What arrived there stays, whatever happens later. */
  readonly target?: LineTarget
  /** Writes each event when its time of arrival has come, by the wall clock, until `ending` is aborted. */
  readonly isLive?: boolean
  /** Ends live traffic where it is, as if it had been asked for just that much. */
  readonly ending?: AbortSignal
  /** Hears of lines written, some times a second. */
  readonly onProgress?: (lines: number) => void
  /** Ends the work early: nothing appears. */
  readonly signal?: AbortSignal
}

/** What was written. */
export interface LogReport extends TruthTotals {
  /** Rows of each table. */
  readonly cells: Readonly<Record<string, number>>
  /** Event time covered, ms. */
  readonly spanMs: number
}

const LINES_AT_ONCE = 100_000
/** A target has them in memory until they arrived. */
const LINES_TO_TARGET = 20_000
const LIVE_STEP_MS = 50

/** The longest event time a log may cover. */
const MAX_SPAN_MS = 366 * DAY_MS

/** Name of a partition's file, relative to the folder. */
export function partitionFile(stream: StreamName, partition: number): string {
  return `${stream}-${partition}.ndjson`
}

/**
 * Writes a log of exactly `events` lines with its true tables.
 *
 * @throws TidemarkError `USAGE` for a log longer than 366 days, `OUTPUT_UNWRITABLE`, or the reason of `signal`
 */
export async function generateLog(request: LogRequest): Promise<LogReport> {
  if (request.isLive !== true) checkSpan(request)
  if (request.out === undefined) return writeLog(request, undefined)
  const replaced = earlierTruthFiles(request.out)
  const folder = new LogFolder(request.out)
  try {
    const report = await writeLog(request, folder)
    folder.commit(replaced)
    return report
  } finally {
    folder.discard()
  }
}

function checkSpan({ events, settings }: LogRequest): void {
  const days = events / settings.rate / (DAY_MS / 1_000)
  if (days * DAY_MS <= MAX_SPAN_MS) return
  throw new TidemarkError(
    'USAGE',
    `${events} events at ${settings.rate} impressions a second cover ${Math.round(days)} days (allowed: up to 366).`,
    { fix: 'Give a higher --rate or fewer --events.' },
  )
}

async function writeLog(request: LogRequest, folder: LogFolder | undefined): Promise<LogReport> {
  const { plan, settings } = request
  const traffic = new AdTraffic(plan, settings, { withTruth: true })
  await writeLines(request, traffic, folder)
  traffic.finish()
  const cells: Record<string, number> = {}
  if (folder !== undefined) {
    for (const { table, rows } of writeTruthTables(plan, traffic.truth, folder)) {
      cells[table] = rows
      await pause(request, traffic.linesWritten)
    }
  }
  const { read, ledger } = traffic.truth.totals()
  const totals = { events: traffic.linesWritten, read, ledger, cells, settings, parameters: plan.parameters }
  if (folder !== undefined) writeTotals(totals, folder)
  return { read, ledger, cells, spanMs: traffic.nowMs - settings.startMs }
}

async function writeLines(request: LogRequest, traffic: AdTraffic, folder: LogFolder | undefined): Promise<void> {
  const { settings, events, target, ending, isLive = false } = request
  const write = bothWriters(folder === undefined ? undefined : partitionWriter(settings, folder), target?.write)
  const most = target === undefined ? LINES_AT_ONCE : LINES_TO_TARGET
  while (traffic.linesWritten < events && ending?.aborted !== true) {
    const lines = traffic.advance(isLive ? Date.now() : Infinity, write, Math.min(most, events - traffic.linesWritten))
    await target?.flush()
    await pause(request, traffic.linesWritten)
    if (isLive && lines < most) await delay(LIVE_STEP_MS, undefined, { signal: ending }).catch(() => undefined)
  }
}

function bothWriters(first: WriteLines | undefined, second: WriteLines | undefined): WriteLines {
  return (stream, partition, bytes, start, end) => {
    first?.(stream, partition, bytes, start, end)
    second?.(stream, partition, bytes, start, end)
  }
}

/** Tells how far it is and lets an interrupt in. */
async function pause(request: LogRequest, lines: number): Promise<void> {
  request.onProgress?.(lines)
  await setImmediate()
  request.signal?.throwIfAborted()
}

function partitionWriter(settings: TrafficSettings, folder: LogFolder): WriteLines {
  const files: Record<StreamName, LogFile[]> = { impressions: [], clicks: [] }
  for (const stream of STREAM_NAMES) {
    for (let partition = 0; partition < settings.partitions; partition++)
      files[stream].push(folder.create(partitionFile(stream, partition)))
  }
  return (stream, partition, bytes, start, end) => files[stream][partition]?.append(bytes, start, end)
}
