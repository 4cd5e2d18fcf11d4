/**
 * What changed from one answer to the next, for pages that stay open. Unlike a JSON merge patch it reaches into lists:
 * a chart that moves on by a bucket sends one bucket. Runs on both sides.
 *
 * D1  `applyAnswerPatch(from, answerPatch(from, to))` equals `to`, for all JSON values.
 * D2  Nothing is changed in place, and what a patch does not touch is the same object before and after.
 */

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/**
 * `[value]` is put in place of what was there. `keys` are members that changed, `gone` those that are no more. A list
 * first loses `shift` entries at its beginning, then has or gets the length `length`, and `at` says which entries
 * changed.
 */
export type AnswerPatch =
  | readonly [Json]
  | { readonly keys: readonly (readonly [key: string, patch: AnswerPatch])[]; readonly gone?: readonly string[] }
  | {
      readonly shift?: number
      readonly length: number
      readonly at: readonly (readonly [index: number, patch: AnswerPatch])[]
    }

const MAX_SHIFT = 8

/** The patch that turns `from` into `to`; undefined where they are equal. */
export function answerPatch(from: Json, to: Json): AnswerPatch | undefined {
  if (from === to) return undefined
  if (isList(from) && isList(to)) return listPatch(from, to)
  if (isObject(from) && isObject(to)) return objectPatch(from, to)
  return [to]
}

/** `from` with a patch applied. */
export function applyAnswerPatch(from: Json, patch: AnswerPatch | undefined): Json {
  if (patch === undefined) return from
  if (isReplacement(patch)) return patch[0]
  if ('keys' in patch) {
    const members = new Map(isObject(from) ? Object.entries(from) : [])
    for (const key of patch.gone ?? []) members.delete(key)
    for (const [key, inner] of patch.keys) members.set(key, applyAnswerPatch(members.get(key) ?? null, inner))
    return Object.fromEntries(members)
  }
  const entries = (isList(from) ? from : []).slice(patch.shift ?? 0)
  const result = Array.from({ length: patch.length }, (_, index): Json => entries[index] ?? null)
  for (const [index, inner] of patch.at) result[index] = applyAnswerPatch(result[index] ?? null, inner)
  return result
}

function objectPatch(
  from: Readonly<Record<string, Json>>,
  to: Readonly<Record<string, Json>>,
): AnswerPatch | undefined {
  const gone = Object.keys(from).filter((key) => !Object.hasOwn(to, key))
  const keys = Object.entries(to).flatMap(([key, value]): (readonly [string, AnswerPatch])[] => {
    const inner: AnswerPatch | undefined = Object.hasOwn(from, key) ? answerPatch(from[key] ?? null, value) : [value]
    return inner === undefined ? [] : [[key, inner]]
  })
  if (keys.length === 0 && gone.length === 0) return undefined
  return gone.length === 0 ? { keys } : { keys, gone }
}

function listPatch(from: readonly Json[], to: readonly Json[]): AnswerPatch | undefined {
  const shift = shiftOf(from, to)
  const at = to.flatMap((value, index): (readonly [number, AnswerPatch])[] => {
    const inner = answerPatch(from[index + shift] ?? null, value)
    return inner === undefined ? [] : [[index, inner]]
  })
  if (at.length === 0 && shift === 0 && from.length === to.length) return undefined
  // Every entry another one: the list itself is shorter to write.
  if (at.length === to.length && at.every(([, inner]) => isReplacement(inner))) return [to]
  return shift === 0 ? { length: to.length, at } : { shift, length: to.length, at }
}

/**
 * How many entries left at the beginning: the first way to lay the lists on each other that has the second fit best.
 */
function shiftOf(from: readonly Json[], to: readonly Json[]): number {
  let [best, fewest] = [0, Infinity]
  for (let shift = 0; shift <= Math.min(MAX_SHIFT, Math.max(0, from.length - 1)); shift++) {
    const differing = to.reduce((sum: number, value, index) => {
      const old = from[index + shift]
      return sum + (old !== undefined && JSON.stringify(old) === JSON.stringify(value) ? 0 : 1)
    }, 0)
    if (differing < fewest) [best, fewest] = [shift, differing]
    if (fewest === 0) break
  }
  return best
}

function isReplacement(patch: AnswerPatch): patch is readonly [Json] {
  return Array.isArray(patch)
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
