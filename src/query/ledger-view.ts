/**
 * The ledger over time: how many events of each stream ended in which class, by bucket.
 */
import {
  EVENT_CLASSES,
  type LedgerClass,
  type Plan,
  STREAM_NAMES,
  type StreamName,
  UNATTRIBUTED,
} from '../pipeline/plan.ts'
import { bucketsOf } from './buckets.ts'
import { checkScope } from './check-view.ts'
import { parseSearch } from './search-text.ts'
import { qualifiedTable, quoteIdentifier, timeLiteral } from '../text/sql-text.ts'
import type { Span } from './view-answer.ts'
import { viewError } from './view-error.ts'
import type { Grain, ViewScope } from './view-query.ts'
import { finalUpTo, newestEnd, newestOfAxis, rangeSpan, type TableState } from './view-span.ts'
import { bucketExpression } from './view-sql.ts'
import { parseScope } from './view-url.ts'

/** The answer of `/api/v1/ledger`. */
export interface LedgerAnswer {
  readonly asOf: LedgerAsOf
  readonly range: Span
  readonly grain: Grain
  readonly buckets: readonly number[]
  readonly streams: readonly {
    readonly stream: StreamName
    /** All of them, in the order of the semantics; then the one that a Flink job has in place of three, if it counted any. */
    readonly classes: readonly {
      readonly class: LedgerClass
      readonly events: number
      /** One for each bucket. */
      readonly byBucket: readonly number[]
    }[]
    readonly events: number
  }[]
}

export interface LedgerAsOf {
  readonly epoch: number | null
  readonly watermarkMs: number | null
  readonly finalUpToMs: number | null
  readonly answeredAtMs: number
}

/** What a ledger is asked for: the time, and how it is cut. */
export type LedgerQuery = Pick<ViewScope, 'range' | 'zone' | 'grain'>

const KEYS = ['range', 'from', 'to', 'tz', 'grain']

/**
 * The query in the search part of a URL.
 *
 * @throws TidemarkError VIEW_INVALID
 */
export function parseLedgerUrl(plan: Plan, search: string): LedgerQuery {
  const entries = parseSearch(search)
  const unknown = entries.find(([key]) => !KEYS.includes(key))
  if (unknown !== undefined) throw viewError('ledger', 'has a key that is not known', unknown[0], KEYS)
  const { range, zone, grain } = parseScope(plan, entries)
  return checkScope(plan, { range, zone, grain })
}

export interface LedgerOptions {
  readonly plan: Plan
  readonly query: LedgerQuery
  readonly run: (text: string) => Promise<readonly (readonly (string | null)[])[]>
  readonly state: TableState
  readonly nowMs: number
}

/** Answers from the snapshot that `run` reads. */
export async function answerLedger({ plan, query, run, state, nowMs }: LedgerOptions): Promise<LedgerAnswer> {
  const newest = newestOfAxis(plan, 'impression')
  const newestEndMs = newest === undefined ? null : newestEnd(plan, (await run(newest))[0])
  const range = rangeSpan(plan, query.range, newestEndMs, nowMs)
  const buckets = bucketsOf(range, query.grain, query.zone, plan.parameters.windowSizeMs)
  const rows = await run(
    `select stream, class, ${bucketExpression(buckets, 0)}, sum(events) from (\n` +
      `select stream, ${quoteIdentifier('class')}, window_start as started, events from ${qualifiedTable(plan.ledger.name)}\n` +
      `where window_start >= ${timeLiteral(range.startMs)} and window_start < ${timeLiteral(range.endMs)}\n` +
      `) as windows group by 1, 2, 3`,
  )
  return {
    asOf: {
      epoch: state.epoch,
      watermarkMs: state.watermarkMs !== null && Number.isFinite(state.watermarkMs) ? state.watermarkMs : null,
      finalUpToMs: finalUpTo(plan, state, newestEndMs),
      answeredAtMs: nowMs,
    },
    range,
    grain: buckets.grain,
    buckets: buckets.startsMs,
    streams: STREAM_NAMES.map((stream) => streamOf(rows, stream, buckets.startsMs.length)),
  }
}

function streamOf(
  rows: readonly (readonly (string | null)[])[],
  stream: StreamName,
  bucketCount: number,
): LedgerAnswer['streams'][number] {
  const isOfJob = rows.some((row) => row[0] === stream && row[1] === UNATTRIBUTED)
  const names: readonly LedgerClass[] = isOfJob ? [...EVENT_CLASSES, UNATTRIBUTED] : EVENT_CLASSES
  const classes = names.map((eventClass) => {
    const byBucket = Array.from({ length: bucketCount }, () => 0)
    for (const row of rows) if (row[0] === stream && row[1] === eventClass) byBucket[Number(row[2])] = Number(row[3])
    return { class: eventClass, events: byBucket.reduce((sum, events) => sum + events, 0), byBucket }
  })
  return { stream, classes, events: classes.reduce((sum, { events }) => sum + events, 0) }
}
