/**
 * Names of the tables that are kept beside those of a plan. They are put together from names of tables and dimensions,
 * so that two of them may come out as one: `ad_group` is a pair of dimensions, or one.
 *
 * O1  No two tables of a plan have one name, and none has a name that PostgreSQL cuts.
 */

/** PostgreSQL cuts longer names. */
export const MAX_NAME_BYTES = 63

/** Those whose names are all short enough, and those of no other before them (O1). */
export function withOwnNames<T>(candidates: readonly T[], namesOf: (candidate: T) => readonly string[]): readonly T[] {
  const taken = new Set<string>()
  return candidates.filter((candidate) => {
    const names = namesOf(candidate)
    const areOwn = new Set(names).size === names.length && names.every((name) => isOwn(name, taken))
    if (areOwn) for (const name of names) taken.add(name)
    return areOwn
  })
}

function isOwn(name: string, taken: ReadonlySet<string>): boolean {
  return name.length <= MAX_NAME_BYTES && !taken.has(name)
}
