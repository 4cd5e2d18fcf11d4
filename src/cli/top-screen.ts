/**
 * What `tidemark top` shows: a function of one message of the live feed and of the width of the terminal.
 *
 * T1  Nothing an event said can steer the terminal, and no line is wider than it.
 */
import { STREAM_NAMES } from '../pipeline/plan.ts'
import type { PartitionStatus, PipelineStatus, TablesStatus } from '../runtime/status.ts'
import type { SnapshotMessage, Values } from '../server/page-data.ts'
import { grouped, ledgerLine, tablesLedgerLine } from './ledger-text.ts'
import { shown } from './shown-text.ts'

const MEMBERS_SHOWN = 10

/** The lines of the screen. */
export function topScreen(message: SnapshotMessage, width: number, isLimited = false): readonly string[] {
  const lines = isLimited ? limitedLines(message) : [...statusLines(message), '', ...numberLines(message)]
  return lines.map((line) => line.slice(0, width))
}

/** What a user may be told who sees some members alone: no total. */
function limitedLines({ status }: SnapshotMessage): readonly string[] {
  return [
    ...(status === null ? ['The pipeline is starting.'] : [`PostgreSQL ${status.database.state}`]),
    'This user sees the numbers of some members alone and no totals: the page shows them.',
  ]
}

function statusLines({ status }: SnapshotMessage): readonly string[] {
  if (status === null) return ['The pipeline is starting.']
  if (status.source === 'tables') return tablesLines(status)
  return status.partitions.length > 0 && status.partitions.every(({ state }) => state === 'ended')
    ? endedLines(status)
    : engineLines(status)
}

/** A log that was read to its end: nothing goes on, and nobody waits. */
function endedLines({ partitions, ledger }: PipelineStatus): readonly string[] {
  return [
    `${partitions.length === 1 ? '1 partition' : `${partitions.length} partitions`}, read to the end: everything is final`,
    '',
    ...ledgerLines(ledger),
  ]
}

function tablesLines(status: TablesStatus): readonly string[] {
  const { ledger, database, committedAtMs, nowMs } = status
  const written = committedAtMs === null ? 'never written' : `last written ${duration(nowMs - committedAtMs)} ago`
  return [
    `tables that somebody else fills, ${written}   PostgreSQL ${database.state}`,
    '',
    ...STREAM_NAMES.map((stream) => tablesLedgerLine(stream, ledger[stream])),
  ]
}

function engineLines(status: PipelineStatus): readonly string[] {
  const { nowMs, startedAtMs, eventsPerSecond, epoch, epochDurationMs, ledger, partitions } = status
  const width = Math.max(28, ...partitions.map(({ name }) => name.length))
  return [
    `${grouped(Math.round(eventsPerSecond))} events/s   counting for ${duration(nowMs - startedAtMs)}   epoch ${grouped(epoch)} in ${grouped(Math.round(epochDurationMs))} ms`,
    databaseLine(status),
    intakeLine(status),
    watermarkLine(status),
    '',
    ...ledgerLines(ledger),
    '',
    row(width, 'partition', 'state', 'behind', 'silent', 'unread', 'waits for'),
    ...partitions.map((partition) => partitionLine(width, partition)),
  ]
}

function ledgerLines(ledger: PipelineStatus['ledger']): readonly string[] {
  return STREAM_NAMES.map((stream) => ledgerLine(stream, ledger[stream].read, ledger[stream].classes))
}

function databaseLine({ database, nowMs }: PipelineStatus): string {
  const { state, message, sinceMs, waitingCells, intakePaused } = database
  const waiting = waitingCells > 0 ? `, ${grouped(waitingCells)} cells wait` : ''
  const paused = intakePaused ? ', counting pauses' : ''
  const why = message === null ? '' : `: ${message}`
  return `PostgreSQL ${state} for ${duration(nowMs - sinceMs)}${waiting}${paused}${why}`
}

function intakeLine({ intake, unreadBytes }: PipelineStatus): string {
  const { state, message, queuedBytes, journalBytes, freeBytes } = intake
  const why = message === null ? '' : `: ${message}`
  const bytes = `journal ${size(journalBytes)}, unread ${size(unreadBytes)}, queued ${size(queuedBytes)}, free ${size(freeBytes)}`
  return `intake ${state}${why}   ${bytes}`
}

function watermarkLine({ watermarkMs, nowMs, partitions, heldBackBy }: PipelineStatus): string {
  if (watermarkMs === null) return 'watermark not there yet: every partition has to be read first'
  const holder = heldBackBy === null ? undefined : partitions[heldBackBy]
  const by = holder === undefined ? '' : `, held back by ${holder.name}`
  const idle =
    holder?.idleInMs === null || holder === undefined || holder.silentForMs < 2_000
      ? ''
      : `: silent for ${duration(holder.silentForMs)}, stops counting in ${duration(holder.idleInMs)}`
  return `watermark ${new Date(watermarkMs).toISOString()}, ${duration(nowMs - watermarkMs)} behind${by}${idle}`
}

function partitionLine(width: number, partition: PartitionStatus): string {
  const { name, state, behindMs, silentForMs, unreadBytes, waitsFor } = partition
  const behind = behindMs === null ? '-' : duration(behindMs)
  return row(width, name, state, behind, duration(silentForMs), size(unreadBytes), (waitsFor ?? '-').replace('_', ' '))
}

function row(width: number, name: string, ...columns: readonly [string, string, string, string, string]): string {
  const [state, behind, silent, unread, wait] = columns
  return `${name.padEnd(width)} ${state.padEnd(8)} ${behind.padStart(9)} ${silent.padStart(9)} ${unread.padStart(10)}  ${wait}`
}

function numberLines({ page, data }: SnapshotMessage): readonly string[] {
  const [board] = page.boards
  const rows = board === undefined ? [] : (data.boards[board.dimension.name]?.rows ?? [])
  return [
    valuesRow(`last ${duration(page.rangeMs)}`, 'impressions', 'clicks', 'CTR'),
    valuesLine('all', data.totals.last),
    ...rows.slice(0, MEMBERS_SHOWN).map(({ name, last }) => valuesLine(shown(name), last)),
  ]
}

function valuesLine(name: string, values: Values): string {
  const [impressions, clicks] = [Number(values[0] ?? 0), Number(values[1] ?? 0)]
  const ctr = impressions === 0 ? '—' : `${((100 * clicks) / impressions).toFixed(2)} %`
  return valuesRow(name, grouped(impressions), grouped(clicks), ctr)
}

function valuesRow(name: string, impressions: string, clicks: string, ctr: string): string {
  return `${name.padEnd(28)} ${impressions.padStart(14)} ${clicks.padStart(12)} ${ctr.padStart(9)}`
}

function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 100) return `${seconds.toFixed(1)} s`
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`
  return seconds < 360_000 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

function size(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
