/**
 * What happened to the pipeline, as marks on the charts.
 */

import type { DatabaseStatus, PageStatus } from '../../../src/runtime/status.ts'
import type { Interruption } from '../../../src/server/query/interruption-answer.ts'
import { formatLength } from '../format/times.ts'

export interface Annotation {
  readonly atMs: number
  readonly text: string
}

/** What is worth a mark of one bucket of the ledger. */
export interface LedgerBucket {
  readonly startMs: number
  readonly read: number
  readonly late: number
}

/** From this many late events on, and from this share on, a bucket is a burst. */
const BURST_EVENTS = 20
const BURST_SHARE = 0.02

/** Bursts of late events: one mark for neighbouring buckets. */
export function lateBursts(buckets: readonly LedgerBucket[]): readonly Annotation[] {
  const isBurst = ({ late, read }: LedgerBucket): boolean => late >= BURST_EVENTS && late >= read * BURST_SHARE
  const marks: { atMs: number; late: number; lastIndex: number }[] = []
  buckets.forEach((bucket, index) => {
    if (!isBurst(bucket)) return
    const last = marks.at(-1)
    if (last !== undefined && last.lastIndex === index - 1) {
      last.late += bucket.late
      last.lastIndex = index
    } else marks.push({ atMs: bucket.startMs, late: bucket.late, lastIndex: index })
  })
  return marks.map(({ atMs, late }) => ({ atMs, text: `${late} late events` }))
}

/** Starts of the pipeline: the first, and that of a run that went on from there. */
export function runStarts({
  startedAtMs,
  beganAtMs,
}: Pick<PageStatus, 'startedAtMs' | 'beganAtMs'>): readonly Annotation[] {
  if (startedAtMs === 0) return []
  const first = { atMs: startedAtMs, text: 'first start of this pipeline' }
  return beganAtMs > startedAtMs
    ? [first, { atMs: beganAtMs, text: 'restart: counting went on where it ended' }]
    : [first]
}

/** When results stopped to reach PostgreSQL, and when all of them were there again. */
export function outageMarks(outages: DatabaseStatus['outages']): readonly Annotation[] {
  return outages.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, text: 'PostgreSQL went down; counting went on' },
    ...(toMs === null ? [] : [{ atMs: toMs, text: `PostgreSQL came back after ${formatLength(toMs - fromMs)}` }]),
  ])
}

/** A restart and its start are told by two clocks, a moment apart. */
const SAME_START_MS = 120_000

/**
 * Interruptions of earlier runs and of this one: those that are kept, and those that are not yet, which are null where
 * the tables alone are known.
 */
export function interruptionMarks(
  kept: readonly Interruption[],
  happened: (Pick<PageStatus, 'startedAtMs' | 'beganAtMs'> & Pick<DatabaseStatus, 'outages'>) | null,
): readonly Annotation[] {
  const restarts = kept.filter(({ kind }) => kind === 'restart')
  const databases = kept.filter(({ kind }) => kind === 'database')
  const isKept = (fromMs: number): boolean => databases.some((one) => Math.abs(one.fromMs - fromMs) < 2)
  const isKnownStart = ({ atMs }: Annotation): boolean =>
    restarts.some(({ toMs }) => Math.abs(toMs - atMs) < SAME_START_MS)
  return [
    ...restarts.map(({ fromMs, toMs }) => ({
      atMs: toMs,
      text: `restart after ${formatLength(toMs - fromMs)} without results: counting went on where it ended`,
    })),
    ...outageMarks([...databases, ...(happened?.outages ?? []).filter(({ fromMs }) => !isKept(fromMs))]),
    ...(happened === null ? [] : runStarts(happened)).filter((start, index) => index === 0 || !isKnownStart(start)),
  ]
}
