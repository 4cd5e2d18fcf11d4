/**
 * A bounded simulated log as files: one NDJSON file for each partition, and its truth beside them.
 */
import { setImmediate } from 'node:timers/promises'
import { TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type Plan, type StreamName } from '../../pipeline/plan.ts'
import { AdTraffic, type WriteLines } from '../ad-traffic.ts'
import type { TrafficSettings } from '../settings.ts'
import type { TruthTotals } from '../truth.ts'
import { LogFolder, type LogFile } from './log-folder.ts'
import { earlierTruthFiles, writeTotals, writeTruthTables } from './truth-files.ts'

/** What to write, and where. */
export interface LogRequest {
  readonly plan: Plan
  readonly settings: TrafficSettings
  /** Lines of both streams together, malformed ones included. */
  readonly events: number
  /** The folder; made if missing. */
  readonly out: string
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
const DAY_MS = 86_400_000

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
  checkSpan(request)
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

async function writeLog(request: LogRequest, folder: LogFolder): Promise<LogReport> {
  const { plan, settings, events } = request
  const traffic = new AdTraffic(plan, settings, { withTruth: true })
  const write = partitionWriter(settings, folder)
  while (traffic.linesWritten < events) {
    traffic.advance(Infinity, write, Math.min(LINES_AT_ONCE, events - traffic.linesWritten))
    await pause(request, traffic.linesWritten)
  }
  traffic.finish()
  const cells: Record<string, number> = {}
  for (const { table, rows } of writeTruthTables(plan, traffic.truth, folder)) {
    cells[table] = rows
    await pause(request, events)
  }
  const { read, ledger } = traffic.truth.totals()
  writeTotals({ events, read, ledger, cells, settings, parameters: plan.parameters }, folder)
  return { read, ledger, cells, spanMs: traffic.nowMs - settings.startMs }
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
