/**
 * What can be wrong with a definition, said so that it can be mended without looking anything up.
 *
 * R1  A problem names one place, what was found there and, where they can be listed, the values allowed.
 * R2  `code` never changes meaning; `message` is for people and may.
 */
import { distance } from 'fastest-levenshtein'
import { TidemarkError } from '../../errors.ts'

/** Stable names of what can be wrong. */
export const PROBLEM_CODES = [
  'NOT_PLAIN_DATA',
  'TOO_DEEP',
  'TOO_LARGE',
  'UNKNOWN_BASE',
  'NOTHING_TO_REMOVE',
  'MISSING_KEY',
  'UNKNOWN_KEY',
  'WRONG_TYPE',
  'NOT_ALLOWED',
  'BAD_NAME',
  'BAD_TEXT',
  'BAD_DURATION',
  'OUT_OF_RANGE',
  'UNKNOWN_FIELD',
  'WRONG_FIELD_TYPE',
  'UNKNOWN_DIMENSION',
  'UNKNOWN_MEASURE',
  'UNKNOWN_SOURCE',
  'REMOVED_BUT_USED',
  'WRONG_MEASURE',
  'WRONG_SOURCE',
  'REPEATED',
  'NAME_TAKEN',
  'TOO_MANY',
  'EMPTY',
] as const

export type ProblemCode = (typeof PROBLEM_CODES)[number]

/** One thing wrong with a definition. */
export interface Problem {
  /** Where: `tables.ctr.dimensions[1]`; empty for the definition itself. */
  readonly path: string
  readonly code: ProblemCode
  /** One sentence that stands alone. */
  readonly message: string
  /** The value found there as JSON, cut to a bounded length; `nothing` where there is none. */
  readonly given: string
  /** The values or forms allowed there, where they can be listed. */
  readonly allowed?: readonly string[]
  /** The allowed value that comes nearest to the given one. */
  readonly suggestion?: string
}

/** Keys and indexes from the definition's root. */
export type Path = readonly (string | number)[]

/** Writes a path as one would in code: `tables.ctr.dimensions[1]`, `streams.clicks.fields["user id"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

const SHOWN_LENGTH = 100

/** A value as JSON in at most about a hundred characters; `nothing` for undefined. */
function showValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, SHOWN_LENGTH + 1)) : JSON.stringify(value)
  return text.length > SHOWN_LENGTH + 2 ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}

/** What {@link problemAt} may be told beside the place, the code and the message. */
export interface ProblemDetails {
  readonly given?: unknown
  readonly allowed?: readonly string[]
  /** The word to find a suggestion for among the allowed values: the given text unless said otherwise. */
  readonly meant?: string
}

/** Makes a problem, with the allowed value that is near to the given one as the suggestion. */
export function problemAt(path: Path, code: ProblemCode, message: string, details: ProblemDetails = {}): Problem {
  const { given, allowed, meant = given } = details
  const suggestion = typeof meant === 'string' && allowed !== undefined ? nearest(meant, allowed) : undefined
  return {
    path: formatPath(path),
    code,
    message,
    given: showValue(given),
    ...(allowed === undefined ? {} : { allowed }),
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

const MAX_SUGGESTED_LENGTH = 100

/**
 * The candidate that differs least from `given` (Levenshtein distance, upper case, hyphens and underscores aside),
 * or undefined where none is near: at most one edit for every three characters.
 */
export function nearest(given: string, candidates: readonly string[]): string | undefined {
  const wanted = plainWord(given)
  if (wanted === '' || given.length > MAX_SUGGESTED_LENGTH) return undefined
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(wanted, plainWord(candidate))
    if (candidate !== given && edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

function plainWord(text: string): string {
  return text.toLowerCase().replaceAll(/[-_ ]/g, '')
}

/** A problem as lines for people. `place` is put before the path, such as a file with line and column. */
function describeProblem(problem: Problem, place = ''): string {
  const where = [place, problem.path === '' ? '(the definition)' : problem.path]
    .filter((part) => part !== '')
    .join('  ')
  const lines = [`${where}  ${problem.code}`, `  ${problem.message}`, `  given:   ${problem.given}`]
  if (problem.allowed !== undefined) lines.push(`  allowed: ${problem.allowed.join(', ') || 'nothing'}`)
  if (problem.suggestion !== undefined) lines.push(`  did you mean ${JSON.stringify(problem.suggestion)}?`)
  return lines.join('\n')
}

function fileWord(source: string): string {
  return /^[\w./@+-]+$/.test(source) ? source : 'FILE'
}

/** A definition with everything that is wrong with it. */
export class DefinitionError extends TidemarkError {
  readonly problems: readonly Problem[]

  /** @param places one text for each problem, put before its path */
  constructor(source: string, problems: readonly Problem[], places: readonly string[] = []) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    const details = problems.map((problem, index) => describeProblem(problem, places[index]))
    super('DEFINITION_INVALID', `${[`${source} has ${count}.`, ...details].join('\n\n')}\n`, {
      where: source,
      fix: `Mend what is listed (docs/definition.md has every key), then: ./tidemark validate ${fileWord(source)}`,
    })
    this.problems = problems
  }
}
