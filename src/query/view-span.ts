/**
 * Which time a view is about, once it is known how far the tables are.
 */
import { finalAfterMs, type Plan, type TimeAxis } from '../pipeline/plan.ts'
import type { CoarseState } from './coarse-tables.ts'
import { coverings, type TableSizes } from './coverage.ts'
import type { EarlyState } from './early-tables.ts'
import type { NarrowState } from './narrow-tables.ts'
import { daysLater, floorTo } from './time-zone.ts'
import type { Span } from './view-answer.ts'
import type { ViewRange, ViewScope } from './view-query.ts'
import { newestStatement } from './view-sql.ts'

/** How far the tables of the snapshot are, as their epoch row says it; null where there is no such row. */
export interface TableState {
  readonly epoch: number | null
  /** ±Infinity as such; null where it is not known. */
  readonly watermarkMs: number | null
  /** How large tables are, where that is known. */
  readonly sizes?: TableSizes
  /** How far coarse cells are complete, where there are any. */
  readonly coarse?: CoarseState
  /** From when on narrow cells are kept, where there are any. */
  readonly narrow?: NarrowState
  /** Which windows have early cells, where any have. */
  readonly early?: EarlyState
}

/** The statement that finds the newest window of an axis; undefined where no table has the axis. */
export function newestOfAxis(plan: Plan, axis: TimeAxis): string | undefined {
  const [covering] = coverings(plan, axis).toSorted((a, b) => a.table.dimensions.length - b.table.dimensions.length)
  return covering === undefined ? undefined : newestStatement(covering.table.name)
}

/** Where the newest window ends, from the answer of {@link newestOfAxis}; null where nothing is counted. */
export function newestEnd(plan: Plan, row: readonly (string | null)[] | undefined): number | null {
  const text = row?.[0] ?? null
  return text === null ? null : Number(text) + plan.parameters.windowSizeMs
}

/** The time a range stands for. */
export function rangeSpan(plan: Plan, range: ViewRange, newestEndMs: number | null, nowMs: number): Span {
  if (range.kind === 'fixed') return { startMs: range.startMs, endMs: range.endMs }
  const { windowSizeMs } = plan.parameters
  const endMs = newestEndMs ?? floorTo(nowMs, windowSizeMs) + windowSizeMs
  const windows = Math.max(1, Math.round(range.lengthMs / windowSizeMs))
  return { startMs: endMs - windows * windowSizeMs, endMs }
}

/** The time it is compared with, of the same length; null for none. */
export function comparisonSpan(
  { comparison, zone }: Pick<ViewScope, 'comparison' | 'zone'>,
  { startMs, endMs }: Span,
): Span | null {
  if (comparison.kind === 'none') return null
  const lengthMs = endMs - startMs
  if (comparison.kind === 'previous') return { startMs: startMs - lengthMs, endMs: startMs }
  const beganMs =
    comparison.kind === 'fixed' ? comparison.startMs : daysLater(zone, startMs, comparison.kind === 'day' ? -1 : -7)
  return { startMs: beganMs, endMs: beganMs + lengthMs }
}

/** The end of the last window that is final with all before it; null where that is not known. */
export function finalUpTo(plan: Plan, { watermarkMs }: TableState, newestEndMs: number | null): number | null {
  if (watermarkMs === Infinity) return newestEndMs
  if (watermarkMs === null || !Number.isFinite(watermarkMs)) return null
  return floorTo(watermarkMs - finalAfterMs(plan.parameters), plan.parameters.windowSizeMs)
}
