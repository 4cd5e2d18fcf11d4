/**
 * Where a view's rows come from, in one snapshot: a table with its coarse, narrow and early cells, or a difference of
 * several.
 *
 * V1  A source has the same rows whatever cells there are: they only decide what is visited.
 * V2  Only rows of one epoch are subtracted from each other.
 */
import type { Plan, TimeAxis } from '../pipeline/plan.ts'
import type { Source, Term } from './source-parts.ts'
import { coarseSources, coarseTables, type CoarseTable } from './coarse-tables.ts'
import { requireTable } from './coverage.ts'
import { countedColumn, earlySource } from './early-tables.ts'
import { exclusionTerms, type FilterTerm } from './exclusion-terms.ts'
import { narrowSource } from './narrow-tables.ts'
import type { ViewFilter } from './view-query.ts'
import { finalUpTo, type TableState } from './view-span.ts'

/** Of more dimensions, several terms would visit the wide table: there are no cells by three of four dimensions. */
const MAX_TAKEN_APART = 3

/** Finds sources of the views of one snapshot. */
export class ViewSources {
  readonly #plan: Plan
  readonly #state: TableState
  readonly #coarse: readonly CoarseTable[]

  constructor(plan: Plan, state: TableState) {
    this.#plan = plan
    this.#state = state
    this.#coarse = state.coarse === undefined ? [] : coarseTables(plan)
  }

  /**
   * The rows that filters let through.
   *
   * @param shown dimensions that they are told apart by
   * @throws TidemarkError VIEW_UNANSWERABLE where no table has all dimensions
   */
  source(axis: TimeAxis, shown: readonly string[], filters: readonly ViewFilter[]): Source {
    const whole = this.#term(axis, shown, { isSubtracted: false, filters })
    if (!this.#mayBeTakenApart(axis, whole, shown)) return { whole, terms: [whole] }
    return { whole, terms: exclusionTerms(filters, shown).map((term) => this.#term(axis, shown, term)) }
  }

  #term(axis: TimeAxis, shown: readonly string[], term: FilterTerm): Term {
    const all = dimensionsOf(term, shown)
    return {
      ...term,
      covering: requireTable(this.#plan, axis, all, this.#state.sizes),
      coarse: coarseSources(this.#coarse, axis, all, this.#state),
      narrow: narrowSource(this.#plan, axis, all, this.#state.narrow),
      early: this.#early(axis, all),
    }
  }

  // Early cells do not say which of their windows are final: the watermark does.
  #early(axis: TimeAxis, dimensions: readonly string[]): Term['early'] {
    const early = earlySource(this.#plan, axis, dimensions, this.#state.early)
    const finalUpToMs = finalUpTo(this.#plan, this.#state, null)
    return early === undefined || finalUpToMs === null ? undefined : { ...early, finalUpToMs }
  }

  // A row that is there has a count above 0, or nothing would tell what is left of a difference.
  #mayBeTakenApart(axis: TimeAxis, whole: Term, shown: readonly string[]): boolean {
    const { coarse, epoch } = this.#state
    const isCounted = countedColumn(whole.covering, axis) !== null
    return coarse !== undefined && epoch !== null && isCounted && dimensionsOf(whole, shown).length <= MAX_TAKEN_APART
  }
}

function dimensionsOf({ filters }: FilterTerm, shown: readonly string[]): readonly string[] {
  return [...new Set([...filters.map(({ dimension }) => dimension), ...shown])]
}
