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
import { amountNames, cellsOf, finalCount, firstCount, namedAmounts } from './cells-sql.ts'
import type { KeptAmounts } from '../pipeline/table-amounts.ts'
import { FEW_EVENTS } from './shares.ts'
import { mayCancel, narrowed, type Source, sourceFor } from './source-parts.ts'
import { epochMs, qualifiedTable, quoteIdentifier, quoteLiteral, timeLiteral } from '../text/sql-text.ts'
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
 * Amounts by bucket and, where `split` is given, by those of its members: columns period, bucket, member, the amounts;
 * of the whole also is_final, and what of the first count is final. A bucket is its number.
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
  const read = narrowed(sourceFor(source, readings), filters)
  const counted = mayCancel(read, readings) ? firstCount(read) : null
  const member = split === undefined ? 'null::text' : quoteIdentifier(split.dimension)
  const names = amountNames(kept)
  const sums = names.map((name) => `sum(${name}) as ${name}`)
  const isWhole = split === undefined
  const isSaidByRows = isWhole && counted === null
  const selects = readings.map((reading, number) => {
    const cells = cellsOf(read, reading, (piece) => [
      'window_start as started',
      `${member} as member`,
      ...namedAmounts(piece, kept, names),
      ...(isWhole ? [finalCount(piece)] : []),
      ...(isSaidByRows ? [`${piece.isFinal} as is_final`] : []),
    ])
    // Windows first, so that a bucket is found once for each of them and not for each row.
    const ofWindow = [
      'started',
      'member',
      ...sums,
      ...(isWhole ? ['sum(final_count) as final_count'] : []),
      ...(isSaidByRows ? ['bool_and(is_final) as is_final'] : []),
    ]
    const windows = `select ${ofWindow.join(', ')} from (\n${cells}\n) as cells group by 1, 2`
    const bucket = bucketExpression(buckets, periods[number]?.shiftMs ?? 0)
    const finality = isWhole ? [areFinal(counted, ''), 'sum(final_count)'] : []
    const added = [number, bucket, 'member', ...sums, ...finality]
    return `select ${added.join(', ')} from (\n${windows}\n) as windows group by 2, 3${havingRows(counted, [''])}`
  })
  return selects.join('\nunion all\n')
}

/** What members are ordered by. */
export interface RankOrder {
  readonly order: Order
  readonly measure: ViewMeasure
  /** Whether nothing but the order is asked for: other amounts are 0, and nothing is said of what is final. */
  readonly isAlone?: boolean
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
  order: RankOrder,
): string {
  const names = amountNames(kept)
  const prefixed = (prefix: string): readonly string[] => names.map((name) => `${prefix}${name}`)
  const isSplit = periods.length > 2
  const place = `row_number() over (order by ${orderExpression(order, kept, isSplit ? 'k' : 'v')}, member collate "C")`
  const found = searchCondition(part.search)
  const sums = names.map((name) => `coalesce(sum(v${name}), 0) as w${name}`)
  const ofMember = ['member', ...prefixed('v'), ...prefixed('c'), 'is_final', ...(isSplit ? prefixed('k') : [])]
  return [
    rankedMembers(source, kept, periods, { ...part, ...order }),
    `, whole as (select count(*) filter (where ${found}) as found, ${sums.join(', ')} from members)`,
    `, page as (select *, ${place} as place from members where ${found} order by place` +
      ` limit ${part.limit} offset ${part.offset})`,
    `select ${['found', ...prefixed('w'), ...ofMember].join(', ')} from whole left join page on true order by place`,
  ].join('\n')
}

/**
 * Members with their amounts (`v…`), those of the compared period (`c…`), and of four periods those of the first
 * (`k…`).
 */
function rankedMembers(
  source: Source,
  kept: KeptAmounts,
  periods: readonly Period[],
  { dimension, measure, isAlone = false }: Pick<RankPart, 'dimension'> & RankOrder,
): string {
  const readings = periods.map(({ span }) => ({ span, bordersMs: [] }))
  const read = sourceFor(source, readings)
  const counted = mayCancel(read, readings) ? firstCount(read) : null
  const asked = isAlone ? orderNames(measure, kept) : amountNames(kept)
  const added = counted === null ? asked : [...new Set([...asked, counted])]
  const finalName = counted === null ? 'is_final' : 'final_count'
  const cells = readings.map((reading, number) =>
    cellsOf(read, reading, (piece) => [
      `${number} as period`,
      `${quoteIdentifier(dimension)} as member`,
      ...namedAmounts(piece, kept, added),
      ...(isAlone ? [] : [counted === null ? `${piece.isFinal} as ${finalName}` : finalCount(piece)]),
    ]),
  )
  const sums = added.map((name) => `sum(${name}) as ${name}`)
  const finality = isAlone ? [] : [`${counted === null ? 'bool_and' : 'sum'}(${finalName}) as ${finalName}`]
  const isOne = periods.length === 1
  const members = memberColumns(kept, periods.length, { asked, counted, isAlone })
  return [
    `with cells as (\n${cells.join('\nunion all\n')}\n)`,
    // Periods first, so that they are told apart once for each member and not for each row.
    ...(isOne
      ? []
      : [`, sums as (select ${['period', 'member', ...sums, ...finality].join(', ')} from cells group by 1, 2)`]),
    `, members as (select member, ${members} from ${isOne ? 'cells' : 'sums'} group by member` +
      `${havingRows(
        counted,
        periods.map((_, number) => inPeriods([number], periods.length)),
      )})`,
  ].join('\n')
}

function memberColumns(
  kept: KeptAmounts,
  periodCount: number,
  {
    asked,
    counted,
    isAlone,
  }: { readonly asked: readonly string[]; readonly counted: string | null; readonly isAlone: boolean },
): string {
  const isSplit = periodCount > 2
  const sums = (prefix: string, periods: readonly number[]): readonly string[] =>
    amountNames(kept).map((name) => {
      const isAsked = asked.includes(name) && periods.every((number) => number < periodCount)
      const sum = isAsked ? `coalesce(sum(${name})${inPeriods(periods, periodCount)}, 0)` : '0'
      return `${sum} as ${prefix}${name}`
    })
  const now = isSplit ? [0, 2] : [0]
  const areAllFinal = isAlone ? 'null::boolean' : areFinal(counted, inPeriods(now, periodCount))
  const columns = [...sums('v', now), ...sums('c', [1]), ...(isSplit ? sums('k', [0]) : [])]
  return [...columns, `${areAllFinal} as is_final`].join(', ')
}

/** A filter of an aggregate; none where there is one period alone. */
function inPeriods(numbers: readonly number[], count: number): string {
  return count === 1 ? '' : ` filter (where period in (${numbers.join(', ')}))`
}

/**
 * Whether all rows of a group are final; null where it has none.
 *
 * @param counted the amount that says so, of rows that may cancel (F2 of `cells-sql.ts`)
 */
function areFinal(counted: string | null, filter: string): string {
  if (counted === null) return `bool_and(is_final)${filter}`
  const count = `sum(${counted})${filter}`
  return `case when ${count} <> 0 then ${count} = sum(final_count)${filter} end`
}

/** Leaves out groups that have no row in any of the periods. */
function havingRows(counted: string | null, filters: readonly string[]): string {
  if (counted === null) return ''
  return ` having ${filters.map((filter) => `sum(${counted})${filter} <> 0`).join(' or ')}`
}

/** The newest window of a table: its start, ms; null where it is empty. */
export function newestStatement(table: string): string {
  return `select ${epochMs('max(window_start)')} from ${qualifiedTable(table)}`
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

function orderExpression({ order, measure }: RankOrder, kept: KeptAmounts, complete: 'v' | 'k'): string {
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

/** The amounts that an order depends on, by name. */
function orderNames({ numerator, denominator }: ViewMeasure, kept: KeptAmounts): readonly string[] {
  return [numerator, ...(denominator === null ? [] : [denominator])].map((ref) => `a${columnIndex(ref, kept)}`)
}

function columnIndex(ref: AmountRef, kept: KeptAmounts): number {
  if (ref.kind === 'sum') return 2 + kept.sums.indexOf(ref.name)
  return ref.kind === 'impressions' ? 0 : 1
}
