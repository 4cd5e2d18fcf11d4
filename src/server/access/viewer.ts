/**
 * Who looks, and what of the numbers they may see.
 *
 * V1  A viewer who is limited sees no number that an event of another member took part in: not in an answer, not in the
 *     live feed, not as a total.
 */
/** `admin` sees everything, raw events and dead letters too; `viewer` sees numbers. */
export const ROLES = ['admin', 'viewer'] as const
export type Role = (typeof ROLES)[number]

/** Members of a dimension that a viewer is limited to. It has the form of a filter of the query API. */
export interface ScopeFilter {
  readonly dimension: string
  readonly mode: 'include'
  /** At least one. */
  readonly members: readonly string[]
}

/** Whoever asks. */
export interface Viewer {
  /** Null where nobody has to say who they are. */
  readonly name: string | null
  readonly role: Role
  /** Filters that hold whatever is asked for; none where everything may be seen. */
  readonly scope: readonly ScopeFilter[]
}

/** Everybody on a server that asks nobody. */
export const ANYBODY: Viewer = { name: null, role: 'admin', scope: [] }

/** Whether a viewer may see a part only (V1). */
export function isLimited({ scope }: Viewer): boolean {
  return scope.length > 0
}
