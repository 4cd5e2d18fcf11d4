/**
 * Values of a request as they came, JSON or text of a URL, checked one by one.
 */
import { viewError } from './view-error.ts'

/** The members of an object, all of them known. */
export function objectAt(where: string, value: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw viewError(where, 'must be an object', value, [`an object of ${keys.join(', ')}`])
  const unknown = Object.keys(value).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw viewError(where, 'has a key that is not known', unknown, keys)
  return value as Readonly<Record<string, unknown>>
}

/** A list of `most` entries at most. */
export function listAt(where: string, value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value
  throw viewError(where, 'must be a list', Array.isArray(value) ? `${value.length} entries` : value, [
    `a list of up to ${most}`,
  ])
}

/** One of some texts. */
export function choiceAt<T extends string>(where: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw viewError(where, 'is not one of them', value, allowed)
  return found
}

/** A whole number between two, both included. */
export function wholeAt(where: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value === 0 ? 0 : value
  throw viewError(where, 'must be a whole number', value, [`${least} to ${most}`])
}

export function booleanAt(where: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw viewError(where, 'must be true or false', value, ['true', 'false'])
}

/** A text that PostgreSQL can hold, of `most` UTF-16 units at most. */
export function textAt(where: string, value: unknown, most: number): string {
  if (typeof value === 'string' && value.length <= most && !/[\ud800-\udfff]/u.test(value) && !value.includes('\0'))
    return value
  throw viewError(where, 'must be a text', typeof value === 'string' ? value.slice(0, 100) : value, [
    `well-formed text of up to ${most} characters, without U+0000`,
  ])
}

/** Texts, each once. */
export function textsAt(where: string, value: unknown, most: number, mostLength: number): readonly string[] {
  const texts = listAt(where, value, most).map((text, index) => textAt(`${where}[${index}]`, text, mostLength))
  const twice = texts.find((text, index) => texts.indexOf(text) !== index)
  if (twice !== undefined) throw viewError(where, 'names something twice', twice, ['each name once'])
  return texts
}
