/**
 * A view as SQL that PostgreSQL answers and that anyone may run in psql. All text of a definition or of a request goes
 * through `sql-text.ts`; numbers and times are written here.
 *
 * S1  Each statement reads one table that has all it needs (`coverage.ts`), cells of the same windows (`cells-sql.ts`),
 *     or a difference of such reads that adds up to the same (`view-source.ts`).
 * S2  A window belongs to the bucket, and to the period, in which it starts.
 * S3  Sums are exact: counts and decimals are added up as such, and only an order compares doubles (those of
 *     `view-measures.ts`).
 */
import type { AmountRef } from './amounts.ts'
import type { Buckets } from './buckets.ts'
import {
  amountNames,
  cellsOf,
  finalCount,
  firstCount,
  isDifference,
  namedSums,
  type Reading,
  type Source,
  type Terms,
  termsFor,
} from './cells-sql.ts'
import type { KeptAmounts } from './coverage.ts'
import { FEW_EVENTS } from './shares.ts'
import { qualifiedTable, quoteIdentifier, quoteLiteral, timeLiteral } from '../text/sql-text.ts'
import type { Span } from './view-answer.ts'
import type { ViewMeasure } from './view-measures.ts'
import type { Order, RankPart, ViewFilter } from './view-query.ts'

/** The time looked at, or what it is compared with. */
export interface Period {
  readonly span: Span
  /** What moves a window of this period onto the buckets of the first one. */
  readonly shiftMs: number
}

/**
 * Amounts by bucket and, where `split` is given, by those of its members: columns period, bucket, member, the amounts,
 * is_final, and what of the first count is final. A bucket is its number.
 */
export function bucketStatement(
  source: Source,
  kept: KeptAmounts,
  periods: readonly Period[],
  buckets: Buckets,
  split?: { readonly dimension: string; readonly members: readonly string[] },
): string {
  const filters: readonly ViewFilter[] =
    split === undefined ? [] : [{ dimension: split.dimension, mode: 'include', members: split.members }]
  const readings = periods.map(({ span, shiftMs }) => ({
    span,
    bordersMs: buckets.startsMs.map((startMs) => startMs - shiftMs),
  }))
  const terms = termsFor(source, readings).map((term) => ({ ...term, filters: [...term.filters, ...filters] }))
  const member = split === undefined ? 'null::text' : quoteIdentifier(split.dimension)
  const names = amountNames(kept)
  const selects = readings.map((reading, number) => {
    // Windows first, so that a bucket is found once for each of them and not for each row.
    const windows = cellsOf(terms, reading, (cells) => [
      'window_start as started',
      `${member} as member`,
      ...namedSums(cells, kept),
      `${cells.isFinal ?? 'bool_and(is_final)'} as is_final`,
      finalCount(cells),
    ])
    const bucket = bucketExpression(buckets, periods[number]?.shiftMs ?? 0)
    const added = [number, bucket, 'member', ...names.map((name) => `sum(${name})`)]
    return (
      `select ${[...added, areFinal(terms, ''), 'sum(final_count)'].join(', ')} from (\n${windows}\n) as windows` +
      ` group by 2, 3${havingRows(terms, [''])}`
    )
  })
  return selects.join('\nunion all\n')
}

/**
 * A page of members in order: columns member count, the amounts of the whole; then the member, its amounts, its amounts
 * in the compared period, is_final, and with four periods its amounts in the first of them; all of them null where the
 * page is empty.
 *
 * @param periods the time looked at, and what it is compared with; of both, where the newest window still fills, the
 *   part that is held against the other, and then the rest of both
 */
export function rankStatement(
  source: Source,
  kept: KeptAmounts,
  periods: readonly Period[],
  part: Pick<RankPart, 'dimension' | 'limit' | 'offset' | 'search'>,
  order: { readonly order: Order; readonly measure: ViewMeasure },
): string {
  const names = amountNames(kept)
  const readings = periods.map(({ span }) => ({ span, bordersMs: [] }))
  const terms = termsFor(source, readings)
  const prefixed = (prefix: string): readonly string[] => names.map((name) => `${prefix}${name}`)
  const isSplit = periods.length > 2
  const place = `row_number() over (order by ${orderExpression(order, kept, isSplit ? 'k' : 'v')}, member collate "C")`
  const found = searchCondition(part.search)
  const sums = names.map((name) => `coalesce(sum(v${name}), 0) as w${name}`)
  const ofMember = ['member', ...prefixed('v'), ...prefixed('c'), 'is_final', ...(isSplit ? prefixed('k') : [])]
  return [
    `with cells as (\n${rankedCells(terms, kept, readings, part.dimension)}\n)`,
    `, members as (${rankedMembers(terms, names, periods.length)})`,
    `, whole as (select count(*) filter (where ${found}) as found, ${sums.join(', ')} from members)`,
    `, page as (select *, ${place} as place from members where ${found} order by place` +
      ` limit ${part.limit} offset ${part.offset})`,
    `select ${['found', ...prefixed('w'), ...ofMember].join(', ')} from whole left join page on true order by place`,
  ].join('\n')
}

/** Rows by period and member. */
function rankedCells(terms: Terms, kept: KeptAmounts, readings: readonly Reading[], dimension: string): string {
  const cells = readings.map((reading, number) =>
    cellsOf(terms, reading, (piece) => [
      `${number} as period`,
      `${quoteIdentifier(dimension)} as member`,
      ...namedSums(piece, kept),
      `${piece.isFinal ?? 'bool_and(is_final)'} as is_final`,
      ...(isDifference(terms) ? [finalCount(piece)] : []),
    ]),
  )
  return cells.join('\nunion all\n')
}

/**
 * Members with their amounts (`v…`), those of the compared period (`c…`), and of four periods those of the first
 * (`k…`).
 */
function rankedMembers(terms: Terms, names: readonly string[], periodCount: number): string {
  const isSplit = periodCount > 2
  const now = isSplit ? 'period in (0, 2)' : 'period = 0'
  const of = (name: string, period: string): string => `coalesce(sum(${name}) filter (where ${period}), 0)`
  const columns = [
    'member',
    ...names.map((name) => `${of(name, now)} as v${name}`),
    ...names.map((name) => `${of(name, 'period = 1')} as c${name}`),
    ...(isSplit ? names.map((name) => `${of(name, 'period = 0')} as k${name}`) : []),
    `${areFinal(terms, ` filter (where ${now})`)} as is_final`,
  ]
  const inPeriods = Array.from({ length: periodCount }, (_, number) => ` filter (where period = ${number})`)
  return `select ${columns.join(', ')} from cells group by member${havingRows(terms, inPeriods)}`
}

/** Whether all rows of a group are final; null where it has none. */
function areFinal(terms: Terms, filter: string): string {
  if (!isDifference(terms)) return `bool_and(is_final)${filter}`
  const count = `sum(${firstCount(terms)})${filter}`
  return `case when ${count} <> 0 then ${count} = sum(final_count)${filter} end`
}

/** Leaves out groups that have no row in any of the periods (F2 of `cells-sql.ts`). */
function havingRows(terms: Terms, filters: readonly string[]): string {
  if (!isDifference(terms)) return ''
  return ` having ${filters.map((filter) => `sum(${firstCount(terms)})${filter} <> 0`).join(' or ')}`
}

/** The newest window of a table: its start, ms; null where it is empty. */
export function newestStatement(table: string): string {
  return `select (extract(epoch from max(window_start)) * 1000)::bigint from ${qualifiedTable(table)}`
}

/** The number of the bucket that holds the window `started`. */
export function bucketExpression({ startsMs, lengthMs }: Buckets, shiftMs: number): string {
  const start = shiftMs === 0 ? 'started' : `started + interval '${shiftMs} milliseconds'`
  const [first = 0] = startsMs
  if (lengthMs === null) return `width_bucket(${start}, array[${startsMs.map(timeLiteral).join(', ')}]) - 1`
  return `((extract(epoch from ${start}) * 1000 - ${first})::bigint / ${lengthMs})`
}

function searchCondition(search: string): string {
  if (search === '') return 'true'
  const pattern = `%${search.replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`
  return `member ilike ${quoteLiteral(pattern)}`
}

function orderExpression(
  { order, measure }: { order: Order; measure: ViewMeasure },
  kept: KeptAmounts,
  complete: 'v' | 'k',
): string {
  // A share of the whole has the order of the value.
  const isChange = order.of === 'change'
  const nowPrefix = isChange ? complete : 'v'
  const now = measureExpression(measure, kept, nowPrefix)
  const expression = isChange ? `${now} - ${measureExpression(measure, kept, 'c')}` : now
  return `${fewExpression(measure, kept, isChange ? [nowPrefix, 'c'] : ['v'])}${expression} ${order.direction} nulls last`
}

/**
 * Ratios of few events say more about chance than about a member: they come after all others, whatever the direction.
 */
function fewExpression({ denominator }: ViewMeasure, kept: KeptAmounts, periods: readonly string[]): string {
  if (denominator === null || denominator.kind === 'sum') return ''
  const index = columnIndex(denominator, kept)
  return `(${periods.map((prefix) => `${prefix}a${index} < ${FEW_EVENTS}`).join(' or ')}), `
}

function measureExpression({ numerator, denominator, scale }: ViewMeasure, kept: KeptAmounts, prefix: string): string {
  const column = (ref: AmountRef): string => `${prefix}a${columnIndex(ref, kept)}`
  const units = (ref: AmountRef): string =>
    ref.kind === 'sum' ? `((${column(ref)} * 1000000)::float8 / 1000000)` : `${column(ref)}::float8`
  if (denominator === null) return column(numerator)
  const top = scale === 1 ? units(numerator) : `${scale}::float8 * ${units(numerator)}`
  return `${top} / nullif(${units(denominator)}, 0)`
}

function columnIndex(ref: AmountRef, kept: KeptAmounts): number {
  if (ref.kind === 'sum') return 2 + kept.sums.indexOf(ref.name)
  return ref.kind === 'impressions' ? 0 : 1
}
