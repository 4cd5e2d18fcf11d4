/**
 * Views by plain code from the rows of a table: what `answerView` must say, read off its contract and not off its SQL.
 */
import type { Plan, TimeAxis } from '../../src/pipeline/plan.ts'
import { amountOf, microsOf } from '../../src/query/amounts.ts'
import { FEW_EVENTS } from '../../src/query/shares.ts'
import type { Amounts, ViewAnswer } from '../../src/query/view-answer.ts'
import { measureValue, viewMeasures } from '../../src/query/view-measures.ts'
import type { Order, ViewFilter, ViewQuery } from '../../src/query/view-query.ts'

/** One row of the table with all dimensions of an axis. */
export interface FactRow {
  readonly startMs: number
  readonly dimensions: Readonly<Record<string, string>>
  readonly impressions: number
  readonly clicks: number
  /** Sums in millionths, by name. */
  readonly sums: Readonly<Record<string, bigint>>
  readonly isFinal: boolean
}

export interface Facts {
  readonly plan: Plan
  readonly rows: Readonly<Record<TimeAxis, readonly FactRow[]>>
  readonly sumNames: readonly string[]
}

/** The parts of an answer that are counted, from an answer's own range, comparison and buckets. */
export type Recounted = Pick<ViewAnswer, 'totals' | 'series' | 'ranks'>

/** Recounts a view over the range, the comparison and the buckets that `frame` has. */
export function recountView(
  facts: Facts,
  query: ViewQuery,
  frame: ViewAnswer,
  forced: readonly ViewFilter[],
): Recounted {
  const { range, comparison, buckets } = frame
  const lengthMs = range.endMs - range.startMs
  const inSpan = (row: FactRow, startMs: number): boolean => row.startMs >= startMs && row.startMs < startMs + lengthMs
  const bucketOf = (timeMs: number): number => buckets.findLastIndex((startMs) => startMs <= timeMs)
  const chosen = (axis: TimeAxis, filters: readonly ViewFilter[]): readonly FactRow[] =>
    facts.rows[axis].filter((row) =>
      [...filters, ...forced].every(
        ({ dimension, mode, members }) => members.includes(row.dimensions[dimension] ?? '') === (mode === 'include'),
      ),
    )
  const add = (rows: readonly FactRow[]): Amounts => ({
    impressions: rows.reduce((sum, { impressions }) => sum + impressions, 0),
    clicks: rows.reduce((sum, { clicks }) => sum + clicks, 0),
    sums: Object.fromEntries(
      facts.sumNames.map((name) => [name, decimal(rows.reduce((sum, { sums }) => sum + (sums[name] ?? 0n), 0n))]),
    ),
  })
  const shown = (amounts: Amounts): Amounts | null =>
    amounts.impressions === 0 &&
    amounts.clicks === 0 &&
    Object.values(amounts.sums).every((sum) => microsOf(sum) === 0n)
      ? null
      : amounts
  const byBucket = (rows: readonly FactRow[], startMs: number): (Amounts | null)[] => {
    const inRange = rows.filter((row) => inSpan(row, startMs))
    const grouped = Map.groupBy(inRange, (row) => bucketOf(row.startMs - startMs + range.startMs))
    return buckets.map((_, bucket) => shown(add(grouped.get(bucket) ?? [])))
  }
  const { windowSizeMs } = facts.plan.parameters
  const { watermarkMs } = frame.asOf
  const fillingFromMs = watermarkMs === null ? Infinity : Math.floor(watermarkMs / windowSizeMs) * windowSizeMs
  const hasFilling = comparison !== null && fillingFromMs > range.startMs && fillingFromMs < range.endMs
  const wholeMs = hasFilling ? fillingFromMs - range.startMs : lengthMs
  const isWhole = (row: FactRow, startMs: number): boolean => row.startMs >= startMs && row.startMs < startMs + wholeMs
  const spans = comparison === null ? [range.startMs] : [range.startMs, comparison.startMs]
  const isFinalTime = (endMs: number): boolean => frame.asOf.finalUpToMs !== null && endMs <= frame.asOf.finalUpToMs
  const membersOf = (rows: readonly FactRow[], dimension: string, order: Order): RankedFacts[] => {
    const names = new Set(
      rows.filter((row) => spans.some((startMs) => inSpan(row, startMs))).map((row) => row.dimensions[dimension] ?? ''),
    )
    return [...names]
      .map((name): RankedFacts => {
        const own = rows.filter((row) => row.dimensions[dimension] === name)
        const now = own.filter((row) => inSpan(row, range.startMs))
        const before = comparison === null ? [] : own.filter((row) => isWhole(row, comparison.startMs))
        const complete = now.filter((row) => isWhole(row, range.startMs))
        return { name, now, value: add(now), complete: add(complete), before: add(before) }
      })
      .toSorted(inOrder(facts.plan, order))
  }

  const wholeRows = chosen(query.axis, query.filters)
  const whole = (startMs: number): Amounts => add(wholeRows.filter((row) => inSpan(row, startMs)))
  return {
    totals: query.totals
      ? {
          value: whole(range.startMs),
          compared: comparison === null ? null : whole(comparison.startMs),
          sparkline: byBucket(wholeRows, range.startMs),
          comparedSparkline: comparison === null ? null : byBucket(wholeRows, comparison.startMs),
        }
      : null,
    series: query.series.map(({ split, top, orderBy, members, axis }) => {
      const rows = chosen(axis, query.filters)
      const picked =
        split === null || members.length > 0
          ? members
          : membersOf(rows, split, orderBy)
              .slice(0, top)
              .map(({ name }) => name)
      const rest = split === null ? rows : rows.filter((row) => !picked.includes(row.dimensions[split] ?? ''))
      const drawn = spans.map((startMs) => ({
        members: picked.map((name) =>
          byBucket(
            rows.filter((row) => split !== null && row.dimensions[split] === name),
            startMs,
          ),
        ),
        rest: byBucket(rest, startMs),
      }))
      const hasRest = split === null || drawn.some((period) => period.rest.some((amounts) => amounts !== null))
      const all = drawn.map((period) => (hasRest ? [...period.members, period.rest] : period.members))
      return {
        members: hasRest ? [...picked, null] : picked,
        rows: all[0] ?? [],
        comparedRows: all[1] ?? null,
        isFinal: buckets.map((_, bucket) => {
          const endMs = Math.min(range.endMs, buckets[bucket + 1] ?? range.endMs)
          const inBucket = rows.filter((row) => inSpan(row, range.startMs) && bucketOf(row.startMs) === bucket)
          return isFinalTime(endMs) && inBucket.every(({ isFinal }) => isFinal)
        }),
      }
    }),
    ranks: query.ranks.map(({ dimension, orderBy, limit, offset, search, ignoreOwnFilter }) => {
      const filters = query.filters.filter((filter) => !ignoreOwnFilter || filter.dimension !== dimension)
      const rows = chosen(query.axis, filters)
      const all = membersOf(rows, dimension, orderBy)
      const found = all.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
      const page = found.slice(offset, offset + limit)
      const inRange = rows.filter((row) => inSpan(row, range.startMs))
      const listed = new Set(page.map(({ name }) => name))
      return {
        members: page.map(({ name, now, value, complete, before }) => ({
          name,
          value,
          compared: comparison === null ? null : before,
          ...(hasFilling ? { complete } : {}),
          isFinal: now.length === 0 ? isFinalTime(range.endMs) : now.every(({ isFinal }) => isFinal),
        })),
        memberCount: found.length,
        rest: shown(add(inRange.filter((row) => !listed.has(row.dimensions[dimension] ?? '')))),
        whole: add(inRange),
      }
    }),
  }
}

interface RankedFacts {
  readonly name: string
  readonly now: readonly FactRow[]
  readonly value: Amounts
  readonly complete: Amounts
  readonly before: Amounts
}

function inOrder(plan: Plan, { by, of, direction }: Order): (a: RankedFacts, b: RankedFacts) => number {
  const measure = viewMeasures(plan).find(({ name }) => name === by)
  if (measure === undefined) throw new RangeError(by)
  const valueOf = ({ value, complete, before }: RankedFacts): number | null => {
    if (of !== 'change') return measureValue(measure, value)
    const now = measureValue(measure, complete)
    const then = measureValue(measure, before)
    return now === null || then === null ? null : now - then
  }
  const { denominator } = measure
  const isFew = ({ value, complete, before }: RankedFacts): boolean =>
    denominator !== null &&
    denominator.kind !== 'sum' &&
    (of === 'change' ? [complete, before] : [value]).some(
      (amounts) => Number(amountOf(denominator, amounts)) < FEW_EVENTS,
    )
  return (a, b) => {
    if (isFew(a) !== isFew(b)) return isFew(a) ? 1 : -1
    const [x, y] = [valueOf(a), valueOf(b)]
    if (x !== y) {
      if (x === null) return 1
      if (y === null) return -1
      return direction === 'desc' ? y - x : x - y
    }
    return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
  }
}

function decimal(micros: bigint): string {
  const digits = micros.toString().padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}
