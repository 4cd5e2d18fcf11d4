/**
 * What a view counts, and its time cut into parts, each read from where it has the fewest rows.
 *
 * F1  Each window of a period is read once: from coarse cells where they are complete, from early or narrow ones where
 *     there are some, from the table itself for the rest.
 */
import type { CoarseSource, CoarseTable } from './coarse-tables.ts'
import type { Covering } from './coverage.ts'
import type { EarlySource } from './early-tables.ts'
import { piecesOf, type Piece } from './span-pieces.ts'
import type { Span } from './view-answer.ts'
import type { ViewFilter } from './view-query.ts'

/** What a view counts. */
export interface Source {
  readonly whole: Term
  /** Terms that add up to the same; the whole alone where it cannot be taken apart. */
  readonly terms: readonly Term[]
}

/** A time that is read, and moments that no cell may hold inside of it. */
export interface Reading {
  readonly span: Span
  readonly bordersMs: readonly number[]
}

/** Early cells; windows that end at `finalUpToMs` or before are final. */
export interface Early extends EarlySource {
  readonly finalUpToMs: number
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
  /** Cells of some windows by the same dimensions alone. */
  readonly early?: Early | undefined
}

/** The rows of a source that filters let through as well. */
export function narrowed({ whole, terms }: Source, filters: readonly ViewFilter[]): Source {
  const narrow = (term: Term): Term => ({ ...term, filters: [...term.filters, ...filters] })
  return { whole: narrow(whole), terms: terms.map(narrow) }
}

/** Whether rows may count as fewer: of several terms. */
export function isDifference({ terms }: Source): boolean {
  return terms.length > 1
}

/** What is read of a source: its terms where cells answer any of it, else the whole. */
export function sourceFor(source: Source, readings: readonly Reading[]): Source {
  const hasCells = readings.some((reading) => stretchesOf(source.whole, reading).some((stretch) => stretch.hasCells))
  return hasCells ? source : { ...source, terms: [source.whole] }
}

/** Whether rows may add up to nothing (F2 of `cells-sql.ts`). */
export function mayCancel(source: Source, readings: readonly Reading[]): boolean {
  const isEarly = (reading: Reading): boolean => partsOf(source.whole, reading).some(({ early }) => early !== undefined)
  return isDifference(source) || readings.some(isEarly)
}

/** A piece, of early cells where `early` is given. */
export interface Part extends Piece<CoarseSource> {
  readonly early?: CoarseTable
}

/** A time cut into parts, each with what it is read from (F1). */
export function partsOf({ coarse, early }: Term, { span, bordersMs }: Reading): readonly Part[] {
  return piecesOf(span, coarse, bordersMs).flatMap((piece): readonly Part[] =>
    piece.coarse === undefined && early !== undefined ? earlyParts(early, piece.span, bordersMs) : [piece],
  )
}

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

/** A part of a time, and whether there are cells of its windows. */
export interface Stretch {
  readonly span: Span
  readonly hasCells: boolean
}

/** The parts of a time, as long as they can be. */
export function stretchesOf(term: Term, reading: Reading): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (const { span: part, coarse, early } of partsOf(term, reading)) {
    const hasCells = coarse !== undefined || early !== undefined
    const last = stretches.at(-1)
    if (last?.hasCells === hasCells)
      stretches.splice(-1, 1, { span: { startMs: last.span.startMs, endMs: part.endMs }, hasCells })
    else stretches.push({ span: part, hasCells })
  }
  return stretches
}

/** Spans in order, those that follow each other without a gap as one. */
export function joined(spans: readonly Span[]): readonly Span[] {
  const found: Span[] = []
  for (const { startMs, endMs } of spans) {
    const last = found.at(-1)
    if (last?.endMs === startMs) found.splice(-1, 1, { startMs: last.startMs, endMs })
    else found.push({ startMs, endMs })
  }
  return found
}

function cutAt({ startMs, endMs }: Span, bordersMs: readonly number[]): readonly Span[] {
  const inside = bordersMs.filter((border) => border > startMs && border < endMs).toSorted((a, b) => a - b)
  return [startMs, ...inside].map((from, index) => ({ startMs: from, endMs: inside[index] ?? endMs }))
}
