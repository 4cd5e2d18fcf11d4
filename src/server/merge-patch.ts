/**
 * JSON Merge Patch (RFC 7396): how the page follows the server. Runs on both sides.
 *
 * M1  `applyPatch(from, diff(from, to))` equals `to` for all JSON values that hold no null.
 * M2  Nothing is changed in place, and what a patch does not touch is the same object before and after: a reader may
 *     compare by identity.
 */

type Json = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The patch that turns `from` into `to`, or undefined when they are equal. Neither may hold a null. */
export function diff(from: object, to: object): object | undefined {
  const before = from as Json
  const after = to as Json
  const patch: [string, unknown][] = []
  for (const key of Object.keys(before)) {
    if (!Object.hasOwn(after, key)) patch.push([key, null])
  }
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (isObject(value) && isObject(old)) {
      const inner = diff(old, value)
      if (inner !== undefined) patch.push([key, inner])
    } else if (!isEqual(old, value)) {
      patch.push([key, value])
    }
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch)
}

/** `target` with `patch` applied. */
export function applyPatch<T extends object>(target: T, patch: object): T {
  const result = new Map<string, unknown>(Object.entries(target))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, isObject(value) ? applyPatch(objectOrEmpty(result.get(key)), value) : value)
  }
  return Object.fromEntries(result) as T
}

function objectOrEmpty(value: unknown): object {
  return isObject(value) ? value : {}
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]))
  }
  return isObject(a) && isObject(b) && diff(a, b) === undefined
}
