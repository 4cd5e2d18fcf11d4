/**
 * A definition while it is being checked: plain data of which nothing more is known, and what was taken from its base.
 */
import { asObject, isPlainObject, member, membersAt, type PlainObject } from './plain-data.ts'
import { formatPath, problemAt, type Path, type Problem, type ProblemCode } from './problem.ts'

export interface Draft {
  readonly definition: PlainObject
  /** Paths of what `extends` took away. */
  readonly removed: ReadonlySet<string>
}

/** The parts of a definition whose members a user names. */
export type Section = 'dimensions' | 'measures' | 'tables' | 'sources'

/** Names of the members of a section of the definition. */
export function namesIn(draft: Draft, section: Section): readonly string[] {
  return membersAt(draft.definition, section).map(([name]) => name)
}

/**
 * Whether a section is there and can be read. Where not, that is said of it: names that refer to it are not to blame.
 */
export function hasSection(draft: Draft, section: Section): boolean {
  return isPlainObject(member(draft.definition, section))
}

/** Whether the fields of a stream can be read; see {@link hasSection}. */
export function hasFields(draft: Draft, stream: 'impressions' | 'clicks'): boolean {
  return isPlainObject(member(streamOf(draft, stream), 'fields'))
}

/** The fields of a stream, name to type. */
export function fieldsOf(draft: Draft, stream: 'impressions' | 'clicks'): PlainObject {
  return asObject(member(streamOf(draft, stream), 'fields'))
}

/** One stream's part of the definition. */
export function streamOf(draft: Draft, stream: 'impressions' | 'clicks'): PlainObject {
  return asObject(member(asObject(member(draft.definition, 'streams')), stream))
}

/** A name that refers to something that is not there. */
export interface BrokenReference {
  /** Where the name is written. */
  readonly path: Path
  readonly name: string
  /** Where it would be declared. */
  readonly declaredAt: Path
  readonly code: ProblemCode
  /** What it is: "dimension". */
  readonly kind: string
  readonly allowed: readonly string[]
}

/** Says that a name refers to nothing, and whether that is because the definition removed it from its base. */
export function brokenReference(draft: Draft, reference: BrokenReference): Problem {
  const { path, name, kind, allowed } = reference
  const declared = formatPath(reference.declaredAt)
  if (!draft.removed.has(declared)) {
    const message = `There is no ${kind} "${name}" to use here.`
    return problemAt(path, reference.code, message, { given: name, allowed })
  }
  const message = `The ${kind} "${name}" is removed (${declared}: null) but still used here: change or remove this too.`
  return problemAt(path, 'REMOVED_BUT_USED', message, { given: name, allowed })
}
