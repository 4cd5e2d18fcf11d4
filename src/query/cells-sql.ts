/**
 * The cells that a view reads, as SQL: of its time, cut into pieces, each from where it has the fewest rows.
 *
 * F1  Each window of a period is read once: from coarse cells where they are complete, from early or narrow ones where there
 *     are some, from the table itself for the rest.
 * F2  What changed in early cells since counts in the period of the sums that it is added to: a group of changes alone may
 *     have clicks and no impression.
 */
import { qualifiedTable, quoteIdentifier, quoteLiteral } from '../text/sql-text.ts'
import type { CoarseSource, CoarseTable } from './coarse-tables.ts'
import type { Covering, KeptAmounts } from './coverage.ts'
import { countedColumn, type EarlySource } from './early-tables.ts'
import { piecesOf, type Piece } from './span-pieces.ts'
import type { Span } from './view-answer.ts'
import type { ViewFilter } from './view-query.ts'

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

/** Impressions, clicks, then the sums. */
export function amountNames(kept: KeptAmounts): readonly string[] {
  return Array.from({ length: 2 + kept.sums.length }, (_, index) => `a${index}`)
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
export interface Cells {
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
export function cellsOf(
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

export function namedSums(covering: Covering, kept: KeptAmounts): readonly string[] {
  const names = amountNames(kept)
  return sumColumns(covering, kept).map((sum, index) => `${sum} as ${names[index]}`)
}

function sumColumns({ impressions, clicks, sums }: Covering, kept: KeptAmounts): readonly string[] {
  const sum = (column: string | null | undefined): string =>
    column === null || column === undefined ? '0' : `sum(${quoteIdentifier(column)})`
  return [sum(impressions), sum(clicks), ...kept.sums.map((_, index) => sum(sums[index]))]
}
