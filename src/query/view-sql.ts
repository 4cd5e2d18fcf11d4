/**
 * A view as SQL that PostgreSQL answers and that anyone may run in psql. All text of a definition or of a request goes
 * through `sql-text.ts`; numbers and times are written here.
 *
 * S1  Each statement reads one table that has all it needs (`coverage.ts`), and coarse cells of it where they are complete:
 *     every window of a period once.
 * S2  A window belongs to the bucket, and to the period, in which it starts.
 *     What changed in early cells since counts in the period of the sums that it is added to: a group of changes alone may
 *     have clicks and no impression.
 * S3  Sums are exact: counts and decimals are added up as such, and only an order compares doubles (those of
 *     `view-measures.ts`).
 */
import type { AmountRef } from './amounts.ts'
import type { Buckets } from './buckets.ts'
import type { CoarseSource, CoarseTable } from './coarse-tables.ts'
import type { Covering, KeptAmounts } from './coverage.ts'
import { countedColumn, type EarlySource } from './early-tables.ts'
import { FEW_EVENTS } from './shares.ts'
import { qualifiedTable, quoteIdentifier, quoteLiteral } from '../text/sql-text.ts'
import { piecesOf, type Piece } from './span-pieces.ts'
import type { Span } from './view-answer.ts'
import type { ViewMeasure } from './view-measures.ts'
import type { Order, RankPart, ViewFilter } from './view-query.ts'

/** A table and which of its rows count. */
export interface Source {
  readonly covering: Covering
  readonly filters: readonly ViewFilter[]
  /** Coarse cells that have all of the dimensions as well, the shortest periods first. */
  readonly coarse: readonly CoarseSource[]
  /** The same windows in fewer rows, from a time on. */
  readonly narrow?: { readonly covering: Covering; readonly fromMs: number } | undefined
  /** Cells of some windows by the same dimensions alone; windows that end at `finalUpToMs` or before are final. */
  readonly early?: (EarlySource & { readonly finalUpToMs: number }) | undefined
}

/** The time looked at, or what it is compared with. */
export interface Period {
  readonly span: Span
  /** What moves a window of this period onto the buckets of the first one. */
  readonly shiftMs: number
}

/** Impressions, clicks, then the sums. */
function amountNames(kept: KeptAmounts): readonly string[] {
  return Array.from({ length: 2 + kept.sums.length }, (_, index) => `a${index}`)
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
  const chosen = { ...source, filters: [...source.filters, ...filters] }
  const member = split === undefined ? 'null::text' : quoteIdentifier(split.dimension)
  const names = amountNames(kept)
  const selects = periods.map((period, number) => {
    const borders = buckets.startsMs.map((startMs) => startMs - period.shiftMs)
    // Windows first, so that a bucket is found once for each of them and not for each row.
    const windows = cellsOf(chosen, period.span, borders, ({ covering, isFinal }) => [
      'window_start as started',
      `${member} as member`,
      ...namedSums(covering, kept),
      `${isFinal ?? 'bool_and(is_final)'} as is_final`,
      `coalesce(sum(${quoteIdentifier(covering.impressions ?? covering.clicks ?? 'impressions')})` +
        `${isFinal === 'true' ? '' : ` filter (where ${isFinal ?? 'is_final'})`}, 0) as final_count`,
    ])
    const added = [...names, 'final_count'].map((name) => `sum(${name})`)
    const outer = [number, bucketExpression(buckets, period.shiftMs), 'member', ...added.slice(0, -1)]
    return `select ${[...outer, 'bool_and(is_final)', added.at(-1)].join(', ')} from (\n${windows}\n) as windows group by 2, 3`
  })
  return selects.join('\nunion all\n')
}

/**
 * A page of members in order: columns member count, the amounts of the whole; then the member, its amounts, its amounts
 * in the compared period, is_final, and with four periods its amounts in the first of them; all of them null where the
 * page is empty.
 *
 * @param periods the time looked at, and what it is compared with; of both, where the newest window still fills, the part
 *   that is held against the other, and then the rest of both
 */
export function rankStatement(
  source: Source,
  kept: KeptAmounts,
  periods: readonly Period[],
  part: Pick<RankPart, 'dimension' | 'limit' | 'offset' | 'search'>,
  order: { readonly order: Order; readonly measure: ViewMeasure },
): string {
  const names = amountNames(kept)
  const cells = periods.map((period, number) => {
    return cellsOf(source, period.span, [], ({ covering, isFinal }) => [
      `${number} as period`,
      `${quoteIdentifier(part.dimension)} as member`,
      ...namedSums(covering, kept),
      `${isFinal ?? 'bool_and(is_final)'} as is_final`,
    ])
  })
  const isSplit = periods.length > 2
  const now = isSplit ? 'period in (0, 2)' : 'period = 0'
  const of = (name: string, period: string): string => `coalesce(sum(${name}) filter (where ${period}), 0)`
  const complete = isSplit ? names.map((name) => `k${name}`) : []
  const members = [
    'member',
    ...names.map((name) => `${of(name, now)} as v${name}`),
    ...names.map((name) => `${of(name, 'period = 1')} as c${name}`),
    ...(isSplit ? names.map((name) => `${of(name, 'period = 0')} as k${name}`) : []),
    `bool_and(is_final) filter (where ${now}) as is_final`,
  ]
  const place = `row_number() over (order by ${orderExpression(order, kept, isSplit ? 'k' : 'v')}, member collate "C")`
  const found = searchCondition(part.search)
  return [
    `with cells as (\n${cells.join('\nunion all\n')}\n)`,
    `, members as (select ${members.join(', ')} from cells group by member)`,
    `, whole as (select count(*) filter (where ${found}) as found, ${names
      .map((name) => `coalesce(sum(v${name}), 0) as w${name}`)
      .join(', ')} from members)`,
    `, page as (select *, ${place} as place from members where ${found} order by place` +
      ` limit ${part.limit} offset ${part.offset})`,
    `select ${['found', ...names.map((name) => `w${name}`), 'member', ...names.map((name) => `v${name}`)].join(', ')}, ` +
      `${[...names.map((name) => `c${name}`), 'is_final', ...complete].join(', ')} from whole left join page on true order by place`,
  ].join('\n')
}

/** The newest window of a table: its start, ms; null where it is empty. */
export function newestStatement(table: string): string {
  return `select (extract(epoch from max(window_start)) * 1000)::bigint from ${qualifiedTable(table)}`
}

/** The rows that a filter lets through. */
export function filterCondition({ dimension, mode, members }: ViewFilter): string {
  const list = members.map(quoteLiteral).join(', ')
  return `${quoteIdentifier(dimension)} ${mode === 'include' ? 'in' : 'not in'} (${list})`
}

/** A moment as a literal of SQL. */
export function timeLiteral(timeMs: number): string {
  return `timestamptz ${quoteLiteral(new Date(timeMs).toISOString())}`
}

/** Where the rows of a piece of a period come from. */
interface Cells {
  /** What stands behind `from`. */
  readonly from: string
  readonly covering: Covering
  /** Undefined where rows say it. */
  readonly isFinal: 'true' | 'false' | undefined
  /** Whether they are those of the span alone already. */
  readonly isCut?: true
  /** A condition on groups, where rows may add up to nothing. */
  readonly having?: string
}

/** Rows of a period, grouped by the first two columns: of coarse cells where they can be, of windows for the rest. */
function cellsOf(
  source: Source,
  span: Span,
  bordersMs: readonly number[],
  columnsOf: (cells: Cells) => readonly string[],
): string {
  const { filters, coarse, early } = source
  const pieces = piecesOf(span, coarse, bordersMs).flatMap((piece): readonly Part[] =>
    piece.coarse === undefined && early !== undefined ? earlyParts(early, piece.span, bordersMs) : [piece],
  )
  const selects = pieces.map((piece) => {
    const cells = cellsOfPiece(source, piece)
    const conditions = [...(cells.isCut ? [] : within(piece.span)), ...filters.map(filterCondition)]
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}\n`
    const having = cells.having === undefined ? '' : ` having ${cells.having}`
    return `select ${columnsOf(cells).join(', ')}\nfrom ${cells.from}\n${where}group by 1, 2${having}`
  })
  return selects.join('\nunion all\n')
}

/** A piece, of early cells where `early` is given. */
interface Part extends Piece<CoarseSource> {
  readonly early?: CoarseTable
}

type Early = NonNullable<Source['early']>

function earlyParts(early: Early, span: Span, bordersMs: readonly number[]): readonly Part[] {
  const { cells, sums, fromMs, finalUpToMs, untilMs } = early
  return cutAt(span, [fromMs, finalUpToMs, untilMs]).flatMap((part): readonly Part[] => {
    if (part.startMs < fromMs || part.endMs > untilMs) return [{ span: part, coarse: undefined }]
    const summed = sums === undefined ? [] : [{ table: sums, lengthMs: sums.lengthMs, completeMs: untilMs }]
    return piecesOf(part, summed, bordersMs).map((piece) => ({
      span: piece.span,
      coarse: undefined,
      early: piece.coarse?.table ?? cells,
    }))
  })
}

function cellsOfPiece(source: Source, { span, coarse, early }: Part): Cells {
  const { covering: wide, narrow } = source
  if (coarse !== undefined) {
    const { name, covering } = coarse.table
    return { from: qualifiedTable(name), covering, isFinal: 'true' }
  }
  if (early !== undefined && source.early !== undefined) return earlyCells(source.early, early, span)
  const covering = narrow !== undefined && span.startMs >= narrow.fromMs ? narrow.covering : wide
  return { from: qualifiedTable(covering.table.name), covering, isFinal: undefined }
}

/** Early cells of a span, with what changed in them since: in the same periods. A cell may have come and gone. */
function earlyCells({ changes, finalUpToMs }: Early, cells: CoarseTable, span: Span): Cells {
  const { covering, dimensions, axis, lengthMs } = cells
  const amounts = [covering.impressions, covering.clicks, ...covering.sums].filter((name) => name !== null)
  const columns = [...dimensions, ...new Set(amounts)].map(quoteIdentifier)
  const seconds = lengthMs / 1_000
  const period = `to_timestamp(floor(extract(epoch from window_start) / ${seconds}) * ${seconds}) as window_start`
  const selects = [cells, changes].map((table) => {
    const start = table.lengthMs === lengthMs ? 'window_start' : period
    return `select ${[start, ...columns].join(', ')} from ${qualifiedTable(table.name)} where ${within(span).join(' and ')}`
  })
  return {
    from: `(${selects.join(' union all ')}) as cells`,
    covering,
    isCut: true,
    isFinal: span.endMs <= finalUpToMs ? 'true' : 'false',
    having: `sum(${quoteIdentifier(countedColumn(covering, axis) ?? '')}) <> 0`,
  }
}

function within({ startMs, endMs }: Span): readonly string[] {
  return [`window_start >= ${timeLiteral(startMs)}`, `window_start < ${timeLiteral(endMs)}`]
}

function cutAt({ startMs, endMs }: Span, bordersMs: readonly number[]): readonly Span[] {
  const inside = bordersMs.filter((border) => border > startMs && border < endMs).toSorted((a, b) => a - b)
  return [startMs, ...inside].map((from, index) => ({ startMs: from, endMs: inside[index] ?? endMs }))
}

function namedSums(covering: Covering, kept: KeptAmounts): readonly string[] {
  const names = amountNames(kept)
  return sumColumns(covering, kept).map((sum, index) => `${sum} as ${names[index]}`)
}

function sumColumns({ impressions, clicks, sums }: Covering, kept: KeptAmounts): readonly string[] {
  const sum = (column: string | null | undefined): string =>
    column === null || column === undefined ? '0' : `sum(${quoteIdentifier(column)})`
  return [sum(impressions), sum(clicks), ...kept.sums.map((_, index) => sum(sums[index]))]
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

/** Ratios of few events say more about chance than about a member: they come after all others, whatever the direction. */
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
