/**
 * `extends: 'ads'`: a definition that says only what differs from the ad pipeline.
 *
 * X1  Objects are merged key by key; texts, numbers and lists replace what the base has.
 * X2  A key set to null removes what the base has there; removing what is not there is a problem.
 * X3  A measure that says how it is measured replaces the base's measure whole: it has one kind, not two.
 * X4  A source replaces the base's source of its name whole.
 * X5  What the base has keeps its place in the order; what is new comes after it.
 */
import { adPipeline } from '../ad-pipeline.ts'
import { isPlainObject, member, type PlainObject } from './plain-data.ts'
import { formatPath, problemAt, type Path, type Problem } from './problem.ts'

const BASES: Readonly<Record<string, PlainObject>> = { ads: { ...adPipeline } }

/** A definition made whole. */
export interface Extended {
  readonly definition: PlainObject
  readonly problems: readonly Problem[]
  /** Paths of what the definition takes away from its base. */
  readonly removed: ReadonlySet<string>
}

/** Merges a definition over the base it names, if it names one. */
export function extendDefinition(input: PlainObject): Extended {
  if (!Object.hasOwn(input, 'extends')) return { definition: input, problems: [], removed: new Set() }
  const { extends: name, ...changes } = input
  const base = typeof name === 'string' ? member(BASES, name) : undefined
  const merge = new Merge()
  if (!isPlainObject(base)) {
    const details = { given: name, allowed: Object.keys(BASES) }
    merge.problems.push(problemAt(['extends'], 'UNKNOWN_BASE', 'There is no pipeline of this name to extend.', details))
  }
  // With a wrong name the ad pipeline is taken, so that the rest is judged as what it must be: a set of changes.
  const definition = merge.objects(isPlainObject(base) ? base : { ...adPipeline }, changes, [])
  return { definition, problems: merge.problems, removed: merge.removed }
}

class Merge {
  readonly problems: Problem[] = []
  readonly removed = new Set<string>()

  objects(base: PlainObject, changes: PlainObject, path: Path): PlainObject {
    const result = new Map(Object.entries(base))
    for (const [key, change] of Object.entries(changes)) {
      const here = [...path, key]
      if (change === null) this.remove(result, key, here)
      else result.set(key, this.values(result.get(key), change, here))
    }
    return Object.fromEntries(result)
  }

  private values(base: unknown, change: unknown, path: Path): unknown {
    if (!isPlainObject(change)) return change
    if (!isPlainObject(base) || isWholeMeasure(change, path) || isSource(path)) return change
    return this.objects(base, change, path)
  }

  private remove(result: Map<string, unknown>, key: string, path: Path): void {
    if (result.delete(key)) {
      this.removed.add(formatPath(path))
      return
    }
    const message = `null removes what the base has, and "${key}" is not there.`
    const details = { given: null, allowed: [...result.keys()], meant: key }
    this.problems.push(problemAt(path, 'NOTHING_TO_REMOVE', message, details))
  }
}

function isWholeMeasure(change: PlainObject, path: Path): boolean {
  return (
    path.length === 2 && path[0] === 'measures' && ['count', 'sum', 'ratio'].some((kind) => Object.hasOwn(change, kind))
  )
}

function isSource(path: Path): boolean {
  return path.length === 2 && path[0] === 'sources'
}
