/**
 * What can be asked at all: one table answers a question, so filters and split have to be dimensions of one (N1 of
 * `view-question.ts`).
 */
import { inSentence, type PageMeasure, type PagePlan } from '../../../src/pipeline/page.ts'
import type { TimeAxis } from '../../../src/pipeline/plan.ts'
import type { Order, ViewScope } from '../../../src/query/view-query.ts'
import type { Screen } from './screen.ts'

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
  { filters }: Pick<ViewScope, 'filters'>,
  axis: TimeAxis,
  dimension?: string,
): boolean {
  const asked = [...filters.map((filter) => filter.dimension), ...(dimension === undefined ? [] : [dimension])]
  return tables.some((table) => table.axis === axis && asked.every((name) => table.dimensions.includes(name)))
}

/** Why a dimension cannot be asked for beside the filters, in words; undefined where it can. */
export function whyNot(page: PagePlan, state: Pick<ViewScope, 'filters'>, dimension: string): string | undefined {
  if (isCovered(page, state, 'impression', dimension)) return undefined
  const labelOf = (name: string): string =>
    page.boards.find((board) => board.dimension.name === name)?.dimension.label ?? name
  const names = [...new Set(state.filters.map((filter) => filter.dimension))].filter((name) => name !== dimension)
  const filters = names.map((name) => inSentence(labelOf(name))).join(' and ')
  const own = inSentence(labelOf(dimension))
  if (filters === '') return whyNone(page, dimension, own)
  return `No table has ${own} together with ${filters}: let the filter go, or add such a table to the definition.`
}

/** Why no table answers for a dimension at all. */
function whyNone({ silentTables }: PagePlan, dimension: string, label: string): string {
  const silent = silentTables.find(({ dimensions }) => dimensions.includes(dimension))
  if (silent === undefined) return `No table that you may see has ${label}.`
  const lacks = silent.lacks.join(' and ')
  return `The table ${silent.name} has ${label} without ${lacks}, which the page needs: add ${lacks} to its measures.`
}

/** An order that the server can put members in: by what tables keep. */
export function orderTaken(page: PagePlan, order: Order): Order {
  const names = ['impressions', 'clicks', ...page.measures.map(({ name }) => name)]
  const by = isKept(page, order.by) ? order.by : names.find((name) => isKept(page, name))
  return by === undefined || by === order.by ? order : { by, of: 'value', direction: order.direction }
}

/** The tiles that have numbers: of tables those alone that they keep. */
export function tilesShown(page: PagePlan, source: Screen['source']): readonly PageMeasure[] {
  return source === 'memory' ? page.tiles : page.tiles.filter(({ name }) => isKept(page, name))
}

/** The measures that tables keep; others would be shown as 0. */
export function measuresKept(page: PagePlan): readonly PageMeasure[] {
  return page.measures.filter(({ name }) => isKept(page, name))
}

/** Whether tables keep what a measure is made of. */
export function isKept({ measures, keptQuantities }: PagePlan, name: string): boolean {
  const own = measures.find((measure) => measure.name === name)
  const quantities =
    own === undefined
      ? [name === 'clicks' ? 1 : 0]
      : own.kind === 'ratio'
        ? [own.numerator, own.denominator]
        : [own.quantity]
  return quantities.every((quantity) => keptQuantities.includes(quantity))
}
