/**
 * The ledger on Flink: every record read stands in exactly one class, whenever one looks.
 *
 * E1  Classes are `counted`, `duplicate`, `repeat`, `malformed` and, of clicks, `unattributed`: what the embedded
 *     engine calls `orphan`, `out_of_window` or `pending`.
 * E2  An event that changes its class moves: it is taken from the old one as it is added to the new one.
 * E3  A malformed record has no time of its own; it stands at the minute of its Kafka record.
 */
import type { Plan, StreamName } from '../pipeline/plan.ts'
import type { FlinkStatement } from './event-views.ts'
import { identifier, literal } from './quoting.ts'
import { sinkName, windowStart } from './table-statements.ts'

/** The view of all entries and changes of the ledger. */
export function ledgerEntriesStatement(plan: Plan): FlinkStatement {
  const entries = [
    ...streamEntries(plan, 'impressions', 'counted'),
    ...streamEntries(plan, 'clicks', 'unattributed'),
    moved(plan, { stream: 'clicks', out: 'unattributed', into: 'repeat', timeMs: 'click_ms', from: 'matched' }),
    moved(plan, { stream: 'clicks', out: 'repeat', into: 'counted', timeMs: 'click_ms', from: 'clicked' }),
  ]
  return {
    about: 'What enters and leaves each class.',
    sql: `CREATE TEMPORARY VIEW ledger_entries AS\n${entries.join('\nUNION ALL\n')}`,
  }
}

function streamEntries(plan: Plan, stream: StreamName, accepted: string): readonly string[] {
  const first = `CASE WHEN number_of_id = 1 THEN ${literal(accepted)} ELSE 'duplicate' END`
  const again = { stream, out: 'duplicate', into: accepted, timeMs: 'event_ms' }
  return [
    entry(plan, stream, {
      eventClass: literal('malformed'),
      timeMs: RECORD_MS,
      // True of each: without its time the planner would take a record apart once more for this.
      from: `${stream}_checked WHERE NOT checked.is_event AND CAST(rt AS STRING) <> ''`,
    }),
    // True of each: behind a filter the planner leaves the columns of `marked` as they are, and does not number ids
    // twice.
    entry(plan, stream, { eventClass: first, timeMs: 'event_ms', from: `${stream}_marked WHERE number_of_id > 0` }),
    moved(plan, { ...again, from: `${stream}_again` }),
  ]
}

/** One event enters a class, or leaves it. */
interface Entry {
  readonly eventClass: string
  readonly events?: 1 | -1
  readonly timeMs: string
  readonly from: string
}

function entry(plan: Plan, stream: StreamName, { eventClass, events = 1, timeMs, from }: Entry): string {
  return (
    `SELECT ${windowStart(plan, timeMs)} AS window_start, ${literal(stream)} AS ${STREAM}, ` +
    `${eventClass} AS ${CLASS}, CAST(${events} AS BIGINT) AS events FROM ${from}`
  )
}

/** One event leaves a class for another. */
interface Move {
  readonly stream: StreamName
  readonly out: string
  readonly into: string
  readonly timeMs: string
  readonly from: string
}

// Two entries, not one row taken apart: a cross join keeps all that it has seen, and on one task.
function moved(plan: Plan, { stream, out, into, timeMs, from }: Move): string {
  return [
    entry(plan, stream, { eventClass: literal(out), events: -1, timeMs, from }),
    entry(plan, stream, { eventClass: literal(into), timeMs, from }),
  ].join('\nUNION ALL\n')
}

const STREAM = identifier('stream')
const CLASS = identifier('class')
const RECORD_MS = "(UNIX_TIMESTAMP(DATE_FORMAT(checked.record_time, 'yyyy-MM-dd HH:mm:ss')) * 1000)"

/** The query that fills the ledger. A class in which nothing is left has no row. */
export function ledgerInsertStatement({ ledger }: Plan): string {
  return `INSERT INTO ${sinkName(ledger)}
SELECT ${STREAM}, window_start, ${CLASS}, SUM(events), CAST(CURRENT_TIMESTAMP AS TIMESTAMP(3))
FROM ledger_entries
GROUP BY window_start, ${STREAM}, ${CLASS}
HAVING SUM(events) <> 0`
}
