/**
 * A span of time cut into pieces, each to be read from cells as coarse as its place allows.
 *
 * D1  Pieces follow each other without a gap and cover the span.
 * D2  Coarse cells are read where they are complete and lie in the span whole, and where no bucket begins inside of
 *     one.
 */
import type { Span } from './view-answer.ts'

/** Coarse cells that can be read. */
export interface Coarse {
  readonly lengthMs: number
  /** They are complete up to here. */
  readonly completeMs: number
}

/** A part of the span; `coarse` is undefined where it is read from windows. */
export interface Piece<C extends Coarse> {
  readonly span: Span
  readonly coarse: C | undefined
}

/**
 * Cuts a span.
 *
 * @param coarse the shortest first
 * @param bordersMs moments that no cell may hold inside of it
 */
export function piecesOf<C extends Coarse>(
  span: Span,
  coarse: readonly C[],
  bordersMs: readonly number[],
): readonly Piece<C>[] {
  const inside = bordersMs.filter((border) => border > span.startMs && border < span.endMs)
  return cut(
    span,
    coarse.filter(({ lengthMs }) => inside.every((border) => border % lengthMs === 0)),
  )
}

function cut<C extends Coarse>({ startMs, endMs }: Span, coarse: readonly C[]): readonly Piece<C>[] {
  if (startMs >= endMs) return []
  const longest = coarse.at(-1)
  if (longest === undefined) return [{ span: { startMs, endMs }, coarse: undefined }]
  const { lengthMs, completeMs } = longest
  const fromMs = Math.ceil(startMs / lengthMs) * lengthMs
  const toMs = Math.floor(Math.min(endMs, completeMs) / lengthMs) * lengthMs
  const shorter = coarse.slice(0, -1)
  if (fromMs >= toMs) return cut({ startMs, endMs }, shorter)
  return [
    ...cut({ startMs, endMs: fromMs }, shorter),
    { span: { startMs: fromMs, endMs: toMs }, coarse: longest },
    ...cut({ startMs: toMs, endMs }, shorter),
  ]
}
