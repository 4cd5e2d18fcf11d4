/**
 * Filters that exclude, as terms of filters that include: all but A and all but B is everything, less A, less B, and A
 * of B once more. A term names one dimension less for each exclusion that it lacks, so that cells of few dimensions
 * answer most of them, and the last one visits a few members.
 *
 * X1  The terms add up to the rows that the filters let through, whatever the rows are (inclusion and exclusion).
 * X2  Only exclusions of dimensions that are asked for by nothing else are taken apart, and of few members: each term
 *     repeats them.
 */
import type { ViewFilter } from './view-query.ts'

/** Members that are excluded in all; of more, the filters stay as they are. */
const MAX_EXCLUDED = 100

/** Rows that count, or count as fewer. */
export interface FilterTerm {
  readonly isSubtracted: boolean
  readonly filters: readonly ViewFilter[]
}

/**
 * The terms of some filters; one, the filters themselves, where nothing can be taken apart.
 *
 * @param shown dimensions that rows are told apart by
 */
export function exclusionTerms(filters: readonly ViewFilter[], shown: readonly string[]): readonly FilterTerm[] {
  const needed = new Set([
    ...shown,
    ...filters.flatMap(({ dimension, mode }) => (mode === 'include' ? [dimension] : [])),
  ])
  const kept = filters.filter(({ dimension }) => needed.has(dimension))
  const excluded = new Map<string, Set<string>>()
  for (const { dimension, members } of filters.filter((filter) => !needed.has(filter.dimension)))
    excluded.set(dimension, new Set([...(excluded.get(dimension) ?? []), ...members]))
  const count = [...excluded.values()].reduce((sum, members) => sum + members.size, 0)
  if (count > MAX_EXCLUDED) return [{ isSubtracted: false, filters }]
  const terms: FilterTerm[] = [{ isSubtracted: false, filters: kept }]
  for (const [dimension, members] of excluded)
    terms.push(...terms.map((term) => without(term, dimension, [...members])))
  return terms
}

/** What a term has too much. */
function without(term: FilterTerm, dimension: string, members: readonly string[]): FilterTerm {
  return { isSubtracted: !term.isSubtracted, filters: [...term.filters, { dimension, mode: 'include', members }] }
}
