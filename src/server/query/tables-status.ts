/**
 * What the tables say of the pipeline that fills them, for a page that has no engine of its own: all of one snapshot.
 */
import {
  EVENT_CLASSES,
  type EventClass,
  type Plan,
  STREAM_NAMES,
  type StreamName,
  UNATTRIBUTED,
} from '../../pipeline/plan.ts'
import { finalUpTo, newestEnd, newestOfAxis } from '../../query/view-span.ts'
import type { TablesLedger, TablesStatus } from '../../runtime/status.ts'
import { epochMs, qualifiedTable, quoteIdentifier } from '../../text/sql-text.ts'
import type { Snapshot } from './reader-pool.ts'
import { readTableState } from './table-state.ts'

/** What the tables know of a status; `startedAtMs` is null while nothing was counted. */
export type TablesFacts = Pick<TablesStatus, 'epoch' | 'watermarkMs' | 'finalUpToMs' | 'committedAtMs' | 'ledger'> & {
  readonly startedAtMs: number | null
}

/** Reads them; the ledger is summed whole, so it takes longer the longer the tables go back. */
export async function readTablesFacts(snapshot: Snapshot, plan: Plan): Promise<TablesFacts> {
  const state = await readTableState(snapshot, plan)
  const newest = newestOfAxis(plan, 'impression')
  const newestEndMs = newest === undefined ? null : newestEnd(plan, (await snapshot.rows(newest))[0])
  const { watermarkMs } = state
  const sums = await readSums(snapshot, plan)
  return {
    epoch: state.epoch,
    watermarkMs: watermarkMs !== null && Number.isFinite(watermarkMs) ? watermarkMs : null,
    finalUpToMs: finalUpTo(plan, state, newestEndMs),
    startedAtMs: extreme(
      sums.map(({ firstMs }) => -firstMs),
      -1,
    ),
    committedAtMs: extreme(
      sums.map(({ writtenMs }) => writtenMs),
      1,
    ),
    ledger: ledgersOf(sums, state.epoch === null && !sums.some(({ eventClass }) => isOfEngine(eventClass))),
  }
}

interface ClassSum {
  readonly stream: string
  readonly eventClass: string
  readonly events: number
  readonly firstMs: number
  readonly writtenMs: number
}

async function readSums(snapshot: Snapshot, plan: Plan): Promise<readonly ClassSum[]> {
  const rows = await snapshot.rows(
    `select stream, ${quoteIdentifier('class')}, sum(events), ${epochMs('min(window_start)')}, ${epochMs('max(updated_at)')}
       from ${qualifiedTable(plan.ledger.name)} group by 1, 2`,
  )
  return rows.map(([stream, eventClass, events, firstMs, writtenMs]) => ({
    stream: stream ?? '',
    eventClass: eventClass ?? '',
    events: Number(events),
    firstMs: Number(firstMs),
    writtenMs: Number(writtenMs),
  }))
}

/** The largest of `values` times `sign`; null where there are none. */
function extreme(values: readonly number[], sign: 1 | -1): number | null {
  return values.length === 0 ? null : sign * Math.max(...values)
}

/** Classes that a Flink job does not tell apart. Whoever may not read our epoch row can know us by them. */
function isOfEngine(eventClass: string): boolean {
  return ['out_of_window', 'orphan', 'pending', 'late', 'future'].includes(eventClass)
}

function ledgersOf(sums: readonly ClassSum[], isOfJob: boolean): TablesStatus['ledger'] {
  const clicks = ledgerOf(sums, 'clicks')
  // A class that holds nothing has no row.
  const unattributed = sums.find(({ eventClass }) => eventClass === UNATTRIBUTED)?.events ?? 0
  return { impressions: ledgerOf(sums, 'impressions'), clicks: isOfJob ? { ...clicks, unattributed } : clicks }
}

function ledgerOf(sums: readonly ClassSum[], stream: StreamName): TablesLedger {
  const own = sums.filter((sum) => sum.stream === stream)
  const eventsOf = (name: string): number | undefined => own.find(({ eventClass }) => eventClass === name)?.events
  const classes = Object.fromEntries(EVENT_CLASSES.map((name) => [name, eventsOf(name) ?? 0])) as Record<
    EventClass,
    number
  >
  return { read: own.reduce((total, { events }) => total + events, 0), classes, difference: null }
}

/** How many events there are in all classes of both streams. */
export function eventsIn({ ledger }: Pick<TablesFacts, 'ledger'>): number {
  return STREAM_NAMES.reduce((total, stream) => total + ledger[stream].read, 0)
}
