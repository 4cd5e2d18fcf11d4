/**
 * The gate of every check: whatever comes in, behind it there are only plain objects, lists, texts, numbers, booleans
 * and null, of bounded depth and size, in a copy of our own.
 *
 * A definition file may export anything: functions, dates, cycles, getters that throw. Here they become problems.
 */
import { problemAt, type Path, type Problem } from './problem.ts'

const MAX_DEPTH = 12
const MAX_VALUES = 20_000

/** An object of plain data. Read it with {@link member}: its keys are a user's. */
export type PlainObject = Readonly<Record<string, unknown>>

/** Copies `input`, leaving out what is not plain data and naming each such place. Keys set to undefined are absent. */
export function copyPlainData(input: unknown): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const copier = new PlainCopier()
  return { value: copier.copy(input, []), problems: copier.problems }
}

class PlainCopier {
  readonly problems: Problem[] = []
  private values = 0
  private readonly open = new Set<object>()

  copy(value: unknown, path: Path): unknown {
    this.values++
    if (value === undefined || value === null || typeof value === 'boolean' || typeof value === 'string') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (typeof value !== 'object') return this.refuse(path, describeKind(value))
    if (this.open.has(value)) return this.refuse(path, 'an object that holds itself')
    if (path.length >= MAX_DEPTH) return this.refuseSize(path, 'TOO_DEEP', `nested deeper than ${MAX_DEPTH} levels`)
    if (this.values > MAX_VALUES) return this.refuseSize(path, 'TOO_LARGE', `of more than ${MAX_VALUES} values`)
    this.open.add(value)
    try {
      return Array.isArray(value) ? this.copyList(value, path) : this.copyObject(value, path)
    } catch (error) {
      return this.refuse(path, `a value that fails when read (${error instanceof Error ? error.message : 'it throws'})`)
    } finally {
      this.open.delete(value)
    }
  }

  private copyList(list: readonly unknown[], path: Path): unknown {
    if (list.length > MAX_VALUES) return this.refuseSize(path, 'TOO_LARGE', `of more than ${MAX_VALUES} values`)
    // Array.from visits holes, which map would keep.
    return Array.from(list, (item, index) => this.copy(item, [...path, index]) ?? null)
  }

  private copyObject(object: object, path: Path): unknown {
    const prototype: unknown = Object.getPrototypeOf(object)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      return this.refuse(path, describeKind(object))
    }
    const members: [string, unknown][] = []
    for (const [key, value] of Object.entries(object)) {
      if (key === '__proto__') this.refuse([...path, key], 'the key __proto__')
      else if (value !== undefined) members.push([key, this.copy(value, [...path, key])])
    }
    return Object.fromEntries(members)
  }

  private refuse(path: Path, kind: string): undefined {
    const message = `A definition is plain data, as in JSON, and cannot hold ${kind}.`
    this.problems.push(problemAt(path, 'NOT_PLAIN_DATA', message, { given: kind }))
  }

  private refuseSize(path: Path, code: 'TOO_DEEP' | 'TOO_LARGE', reason: string): undefined {
    if (this.problems.some((problem) => problem.code === code)) return
    this.problems.push(problemAt(path, code, `No definition needs to be ${reason}.`))
  }
}

function describeKind(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  return `an object of a class (${value?.constructor.name ?? 'unknown'})`
}

/** Whether the value is an object of plain data, not a list. */
export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value as an object, or an empty one: its type is the shape check's business. */
export function asObject(value: unknown): PlainObject {
  return isPlainObject(value) ? value : {}
}

/** The value as a list, or an empty one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The value as a text, or undefined. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** An object's own member, or undefined. */
export function member(object: PlainObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** The members of the object at `key` of `object`, or none. */
export function membersAt(object: PlainObject, key: string): readonly [string, unknown][] {
  return Object.entries(asObject(member(object, key)))
}
