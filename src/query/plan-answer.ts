/**
 * What a plan's views have: for a page that offers only what can be answered.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import { finalAfterMs } from '../pipeline/plan.ts'
import { AXES, GRAIN_MS } from './check-view.ts'
import { coverings } from './coverage.ts'
import { viewMeasures, type ViewMeasure } from './view-measures.ts'
import { GRAINS, type Grain } from './view-query.ts'

/** The answer of `/api/v1/plan`. */
export interface PlanAnswer {
  /** The whole plan, without its sources: the pure functions of `src/query/` take it. */
  readonly plan: Plan
  readonly finalAfterMs: number
  readonly measures: readonly ViewMeasure[]
  readonly grains: readonly Grain[]
  /**
   * The sets of dimensions that one table has: a view is answered where its filters, its split and its rank are among
   * the dimensions of one entry of its axis.
   */
  readonly answerable: readonly { readonly axis: TimeAxis; readonly dimensions: readonly string[] }[]
}

/** What a plan's views have. */
export function describePlan(plan: Plan): PlanAnswer {
  return {
    plan: { ...plan, sources: [] },
    finalAfterMs: finalAfterMs(plan.parameters),
    measures: viewMeasures(plan),
    grains: GRAINS.filter((grain) => GRAIN_MS[grain] >= plan.parameters.windowSizeMs),
    answerable: AXES.flatMap((axis) =>
      coverings(plan, axis).map(({ table }) => ({ axis, dimensions: [...table.dimensions] })),
    ),
  }
}
