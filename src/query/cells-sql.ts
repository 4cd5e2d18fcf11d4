/**
 * The cells that a view reads, as SQL: of its time, cut into pieces, each from where it has the fewest rows.
 *
 * F1  Each window of a period is read once: from coarse cells where they are complete, from early or narrow ones where
 *     there are some, from the table itself for the rest.
 * F2  Windows by many dimensions are read as a difference of windows by fewer where filters exclude
 *     (`exclusion-terms.ts`). Terms may have their groups at different times, so only sums over them all say what is
 *     there and what is final.
 * F3  What changed in early cells since counts in the period of the sums that it is added to: a group of changes alone
 *     may have clicks and no impression.
 */
import { periodStart, qualifiedTable, quoteIdentifier, quoteLiteral, timeLiteral } from '../text/sql-text.ts'
import type { CoarseSource, CoarseTable } from './coarse-tables.ts'
import type { Covering, KeptAmounts } from './coverage.ts'
import { countedColumn, type EarlySource } from './early-tables.ts'
import { piecesOf, type Piece } from './span-pieces.ts'
import type { Span } from './view-answer.ts'
import type { ViewFilter } from './view-query.ts'

/** What a view counts. */
export interface Source {
  readonly whole: Term
  /** Terms that add up to the same; the whole alone where it cannot be taken apart. */
  readonly terms: readonly Term[]
}

/** The rows of one term, or of several that add up to what is counted. */
export type Terms = readonly Term[]

/** A time that is read, and moments that no cell may hold inside of it. */
export interface Reading {
  readonly span: Span
  readonly bordersMs: readonly number[]
}

/** A table and which of its rows count. */
export interface Term {
  /** Whether its rows count as fewer. */
  readonly isSubtracted: boolean
  readonly covering: Covering
  readonly filters: readonly ViewFilter[]
  /** Coarse cells that have all of the dimensions as well, the shortest periods first. */
  readonly coarse: readonly CoarseSource[]
  /** The same windows in fewer rows, from a time on. */
  readonly narrow?: { readonly covering: Covering; readonly fromMs: number } | undefined
  /** Cells of some windows by the same dimensions alone; windows that end at `finalUpToMs` or before are final. */
  readonly early?: (EarlySource & { readonly finalUpToMs: number }) | undefined
}

/**
 * What is read of a source: its terms where cells answer most of them. The last of them has all dimensions: what it has
 * no cells for, each of them reads from the wide table.
 */
export function termsFor({ whole, terms }: Source, readings: readonly Reading[]): Terms {
  const last = terms.at(-1)
  if (last === undefined || terms.length === 1) return [whole]
  let [allMs, wideMs] = [0, 0]
  for (const { span, bordersMs } of readings) {
    allMs += span.endMs - span.startMs
    for (const part of partsOf(last, span, bordersMs))
      if (part.coarse === undefined && part.early === undefined) wideMs += part.span.endMs - part.span.startMs
  }
  return 2 * wideMs > allMs ? [whole] : terms
}

/** Whether only sums over all groups say what is there and what is final (F2). */
export function isDifference(terms: Terms): boolean {
  return terms.length > 1
}

/** Impressions, clicks, then the sums. */
export function amountNames(kept: KeptAmounts): readonly string[] {
  return Array.from({ length: 2 + kept.sums.length }, (_, index) => `a${index}`)
}

/** The rows that a filter lets through. */
function filterCondition({ dimension, mode, members }: ViewFilter): string {
  const list = members.map(quoteLiteral).join(', ')
  return `${quoteIdentifier(dimension)} ${mode === 'include' ? 'in' : 'not in'} (${list})`
}

/** Where the rows of a piece of a period come from. */
export interface Cells {
  readonly sign: '' | '-'
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
export function cellsOf(terms: Terms, reading: Reading, columnsOf: (cells: Cells) => readonly string[]): string {
  return terms.flatMap((term) => selectsOf(term, reading, columnsOf)).join('\nunion all\n')
}

function selectsOf(
  term: Term,
  { span, bordersMs }: Reading,
  columnsOf: (cells: Cells) => readonly string[],
): readonly string[] {
  const { filters } = term
  return partsOf(term, span, bordersMs).map((piece) => {
    const cells: Cells = { ...cellsOfPiece(term, piece), sign: term.isSubtracted ? '-' : '' }
    const conditions = [...(cells.isCut ? [] : within(piece.span)), ...filters.map(filterCondition)]
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}\n`
    const having = cells.having === undefined ? '' : ` having ${cells.having}`
    return `select ${columnsOf(cells).join(', ')}\nfrom ${cells.from}\n${where}group by 1, 2${having}`
  })
}

/** A piece, of early cells where `early` is given. */
interface Part extends Piece<CoarseSource> {
  readonly early?: CoarseTable
}

function partsOf({ coarse, early }: Term, span: Span, bordersMs: readonly number[]): readonly Part[] {
  return piecesOf(span, coarse, bordersMs).flatMap((piece): readonly Part[] =>
    piece.coarse === undefined && early !== undefined ? earlyParts(early, piece.span, bordersMs) : [piece],
  )
}

type Early = NonNullable<Term['early']>

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

function cellsOfPiece(term: Term, { span, coarse, early }: Part): Omit<Cells, 'sign'> {
  const { covering: wide, narrow } = term
  if (coarse !== undefined) {
    const { name, covering } = coarse.table
    return { from: qualifiedTable(name), covering, isFinal: 'true' }
  }
  if (early !== undefined && term.early !== undefined) return earlyCells(term.early, early, span)
  const covering = narrow !== undefined && span.startMs >= narrow.fromMs ? narrow.covering : wide
  return { from: qualifiedTable(covering.table.name), covering, isFinal: undefined }
}

/** Early cells of a span, with what changed in them since: in the same periods. A cell may have come and gone. */
function earlyCells({ changes, finalUpToMs }: Early, cells: CoarseTable, span: Span): Omit<Cells, 'sign'> {
  const { covering, dimensions, axis, lengthMs } = cells
  const amounts = [covering.impressions, covering.clicks, ...covering.sums].filter((name) => name !== null)
  const columns = [...dimensions, ...new Set(amounts)].map(quoteIdentifier)
  const period = `${periodStart(lengthMs)} as window_start`
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

/** The amounts of a group, by name. */
export function namedSums({ covering, sign }: Cells, kept: KeptAmounts): readonly string[] {
  const names = amountNames(kept)
  return sumColumns(covering, kept).map((sum, index) => `${sum === '0' ? '' : sign}${sum} as ${names[index]}`)
}

/** What of the first count of a group is final. */
export function finalCount({ covering, isFinal, sign }: Cells): string {
  const counted = covering.impressions ?? covering.clicks
  if (counted === null) return '0 as final_count'
  const count = quoteIdentifier(counted)
  const ofFinal = isFinal === 'true' ? '' : ` filter (where ${isFinal ?? 'is_final'})`
  return `${sign}coalesce(sum(${count})${ofFinal}, 0) as final_count`
}

/** The name of the first count: what of it is above 0 in each row that there is. */
export function firstCount([term]: Terms): string {
  return (term?.covering.impressions ?? null) === null ? 'a1' : 'a0'
}

function sumColumns({ impressions, clicks, sums }: Covering, kept: KeptAmounts): readonly string[] {
  const sum = (column: string | null | undefined): string =>
    column === null || column === undefined ? '0' : `sum(${quoteIdentifier(column)})`
  return [sum(impressions), sum(clicks), ...kept.sums.map((_, index) => sum(sums[index]))]
}
