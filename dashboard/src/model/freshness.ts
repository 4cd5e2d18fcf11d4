/**
 * How fresh the numbers are that are shown, in words: theirs, and not those of the engine, which may be further.
 *
 * R1  Nothing is called live while results wait longer than `STALLED_AFTER_MS` for PostgreSQL, or while nothing comes.
 */
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { AsOf } from '../../../src/query/view-answer.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { formatLength } from '../format/times.ts'
import { hasEnded, isOfJob, readUpToMs } from './progress.ts'

/** Results that wait so long are no longer on their way. */
const STALLED_AFTER_MS = 5_000

/** Who fills tables may do so in bursts: so long without a change is silence. */
const UNCHANGED_AFTER_MS = 30_000

/** So long after a run began its sources are read at the latest. */
const START_MS = 2_000

/** Since when results wait to be written. */
export interface Waiting {
  readonly epoch: number | null
  /** As the server has it, ms; null while none wait. */
  readonly sinceMs: number | null
}

/** Follows what waits, status by status. */
export function followWaiting(before: Waiting, status: PageStatus | null): Waiting {
  const { epoch = null, nowMs = 0, database } = status ?? {}
  if (database === undefined || database.state === 'none' || database.waitingCells === 0)
    return { epoch, sinceMs: null }
  return before.epoch === epoch && before.sinceMs !== null ? before : { epoch, sinceMs: nowMs }
}

/** How long results have been waiting, ms, where that is too long; otherwise null. */
export function stalledForMs({ nowMs }: PageStatus, { sinceMs }: Waiting): number | null {
  return sinceMs !== null && nowMs - sinceMs > STALLED_AFTER_MS ? nowMs - sinceMs : null
}

/** That nothing comes, in words; undefined where something does, or where it is not told. */
export function nothingComes(status: PageStatus): string | undefined {
  const { partitions, nowMs, beganAtMs } = status
  if (status.source === 'tables') return nothingNew(status)
  if (partitions.length === 0) return undefined
  if (partitions.every(({ eventsRead, state }) => eventsRead === 0 && state !== 'ended')) return 'Nothing has come yet'
  if (!partitions.every(({ state }) => state === 'idle')) return undefined
  const silent = partitions.filter(({ eventsRead }) => eventsRead > 0).map(({ silentForMs }) => silentForMs)
  const silentForMs = Math.floor(Math.min(...silent) / 1_000) * 1_000
  // Of the time before this run nobody knows how long it was silent.
  const isSinceStart = silentForMs + START_MS >= nowMs - beganAtMs
  return isSinceStart
    ? `No events since the start ${formatLength(silentForMs)} ago`
    : `No events for ${formatLength(silentForMs)}`
}

/** The same where the tables alone are known. */
function nothingNew({ committedAtMs, nowMs }: PageStatus): string | undefined {
  if (committedAtMs === null) return 'Nothing has been counted yet'
  const silentForMs = Math.floor((nowMs - committedAtMs) / 1_000) * 1_000
  return silentForMs > UNCHANGED_AFTER_MS ? `Nothing new in the tables for ${formatLength(silentForMs)}` : undefined
}

/** Up to which event time the numbers of an answer hold, ms; null where that is not known. */
export function answerUpToMs(plan: PagePlan, asOf: AsOf, status: PageStatus): number | null {
  // Where nothing waits the tables say what the engine does, however long nothing has changed in them.
  const isNewest = status.partitions.length > 0 && status.database.waitingCells === 0 && asOf.epoch === status.epoch
  if (isNewest || asOf.watermarkMs === null || isOfJob(status)) return readUpToMs(plan, status)
  return Math.min(asOf.watermarkMs + plan.outOfOrdernessMs, asOf.answeredAtMs, status.nowMs)
}

/** Up to which event time the tables hold, at the latest, ms; null where that is not known. */
export function writtenUpToMs(plan: PagePlan, status: PageStatus, waiting: Waiting): number | null {
  const upToMs = readUpToMs(plan, status)
  const isStanding = status.database.state === 'down' || stalledForMs(status, waiting) !== null
  return upToMs === null || !isStanding ? upToMs : Math.min(upToMs, status.committedAtMs ?? upToMs)
}

/** What is shown, as far as its freshness is concerned. */
export interface Shown {
  /** Up to which event time its numbers hold, ms. */
  readonly upToMs: number
  readonly isPaused: boolean
  /** Whether its range ends at a time of its own. */
  readonly isFixed: boolean
  readonly stalledForMs: number | null
}

/** A sentence about one time: `before` the time and `after` it. */
export interface Freshness {
  readonly tone: 'live' | 'calm' | 'warn' | 'bad'
  readonly before: string
  /** Null where the sentence needs none. */
  readonly timeMs: number | null
  readonly after: string
}

/** How fresh the numbers are, while the server answers. */
export function freshnessOf(status: PageStatus, shown: Shown): Freshness {
  const { upToMs, isPaused, isFixed } = shown
  const said = (tone: Freshness['tone'], before: string, after: string = ''): Freshness => {
    return { tone, before, timeMs: upToMs, after }
  }
  if (hasEnded(status)) return said('calm', 'Ended · as of')
  if (isPaused) return said('calm', 'Paused as of')
  if (status.database.state === 'down') return said('bad', 'Numbers as of', ', PostgreSQL is down')
  if (shown.stalledForMs !== null)
    return said('warn', 'Numbers as of', `, PostgreSQL has been silent for ${formatLength(shown.stalledForMs)}`)
  const silence = nothingComes(status)
  if (silence !== undefined) return { tone: 'warn', before: silence, timeMs: null, after: '' }
  if (isFixed) return said('calm', 'Fixed range · as of')
  return said('live', 'Live · as of', ` · ${formatLength(status.nowMs - upToMs)} behind`)
}
