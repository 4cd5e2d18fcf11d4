/**
 * What can be asked at all: one table answers a question, so filters and split have to be dimensions of one (N1 of
 * `view-question.ts`).
 */
import { inSentence, type PagePlan } from '../../../src/pipeline/page.ts'
import type { TimeAxis } from '../../../src/pipeline/plan.ts'
import type { PageState } from './page-state.ts'

/** The plan as a viewer of `scope` can ask for it: the server filters by the dimensions of the scope, always. */
export function planWithin(page: PagePlan, scope: readonly { readonly dimension: string }[]): PagePlan {
  if (scope.length === 0) return page
  return {
    ...page,
    tables: page.tables.filter(({ dimensions }) => scope.every(({ dimension }) => dimensions.includes(dimension))),
  }
}

/** Whether one table holds all dimensions of the filters, and this one. */
export function isCovered(
  { tables }: Pick<PagePlan, 'tables'>,
  { filters }: Pick<PageState, 'filters'>,
  axis: TimeAxis,
  dimension?: string,
): boolean {
  const asked = [...filters.map((filter) => filter.dimension), ...(dimension === undefined ? [] : [dimension])]
  return tables.some((table) => table.axis === axis && asked.every((name) => table.dimensions.includes(name)))
}

/** Why a dimension cannot be asked for beside the filters, in words; undefined where it can. */
export function whyNot(page: PagePlan, state: Pick<PageState, 'filters'>, dimension: string): string | undefined {
  if (isCovered(page, state, 'impression', dimension)) return undefined
  const labelOf = (name: string): string =>
    page.boards.find((board) => board.dimension.name === name)?.dimension.label ?? name
  const names = [...new Set(state.filters.map((filter) => filter.dimension))].filter((name) => name !== dimension)
  const filters = names.map((name) => inSentence(labelOf(name))).join(' and ')
  const own = inSentence(labelOf(dimension))
  return filters === ''
    ? `No table that you may see has ${own}.`
    : `No table has ${own} together with ${filters}: let the filter go, or add such a table to the definition.`
}
