/**
 * The one error a user can meet. Everything thrown on purpose is a `TidemarkError`; anything else is a bug in ours.
 *
 * E1  A message says what failed, where, the value given and the values allowed.
 * E2  `fix` is one command or one sentence that mends it. Only a bug in ours, and an end that was asked for, have none.
 * E3  `code` never changes meaning: other programs rely on it.
 *
 * What others throw is read here as well: in words, and by the code that the system gave it.
 */

/** Stable names of what can go wrong, by area. */
export type ErrorCode =
  | 'DEFINITION_INVALID'
  | 'DEFINITION_UNREADABLE'
  | 'USAGE'
  | 'INPUT_MISSING'
  | 'INPUT_CORRUPT'
  | 'INPUT_BAD_DATA'
  | 'OUTPUT_UNWRITABLE'
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_FAILED'
  | 'DATABASE_BINARIES_MISSING'
  | 'DATABASE_SCHEMA_MISMATCH'
  | 'DATABASE_BUSY'
  | 'DATABASE_OTHER_FOLDER'
  | 'EPOCH_MISMATCH'
  | 'PLAN_CHANGED'
  | 'FENCED'
  | 'DATA_DIR_BUSY'
  | 'DATA_DIR_UNUSABLE'
  | 'PORT_UNAVAILABLE'
  | 'INSTANCE_UNAVAILABLE'
  | 'KEY_REQUIRED'
  | 'KEYS_UNREADABLE'
  | 'USERS_UNREADABLE'
  | 'INGEST_REFUSED'
  | 'KAFKA_UNAVAILABLE'
  | 'KAFKA_REFUSED'
  | 'KAFKA_CORRUPT'
  | 'KAFKA_GAP'
  | 'FLINK_UNAVAILABLE'
  | 'FLINK_BUSY'
  | 'FLINK_REFUSED'
  | 'STACK_UNAVAILABLE'
  | 'SUPERSET_UNAVAILABLE'
  | 'SUPERSET_REFUSED'
  | 'STATE_LIMIT'
  | 'MEMORY_FULL'
  | 'MEMORY_TOO_LITTLE'
  | 'DISK_FAILED'
  | 'DISK_FULL'
  | 'JOURNAL_BUSY'
  | 'JOURNAL_CORRUPT'
  | 'JOURNAL_MISSING'
  | 'CHECKPOINT_CORRUPT'
  | 'CHECKPOINT_MISSING'
  | 'FORMAT_NEWER'
  | 'STATE_CORRUPT'
  | 'VIEW_INVALID'
  | 'VIEW_UNANSWERABLE'
  | 'VIEW_TIMEOUT'
  | 'VIEW_FORBIDDEN'
  | 'INTERRUPTED'
  | 'INTERNAL'

/** What there is nothing to mend of for who reads it (E2). */
type CodeWithoutFix = 'INTERNAL' | 'INTERRUPTED'

/** What else an error can carry. */
export interface ErrorDetails {
  /** One command or sentence that mends it. */
  readonly fix: string
  /** Whether the same call may succeed later without a change. */
  readonly retryable?: boolean
  /** Where it happened: file, table, path in the definition. */
  readonly where?: string
  /** The value given, and the values allowed, for programs; the message names them for people. */
  readonly given?: unknown
  readonly allowed?: readonly string[]
  readonly cause?: unknown
}

/** An error with a stable code, a message for people and one way out. */
export class TidemarkError extends Error {
  readonly code: ErrorCode
  readonly fix: string | undefined
  readonly retryable: boolean
  readonly where: string | undefined
  readonly given: unknown
  readonly allowed: readonly string[] | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails)
  constructor(code: CodeWithoutFix, message: string, details?: Partial<ErrorDetails>)
  constructor(code: ErrorCode, message: string, details: Partial<ErrorDetails> = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'TidemarkError'
    this.code = code
    this.fix = details.fix
    this.retryable = details.retryable ?? false
    this.where = details.where
    this.given = details.given
    this.allowed = details.allowed
  }
}

/** What was thrown, in words: the message of an error, or anything else as text. */
export function messageOf(thrown: unknown): string {
  // Node reports a host name of several addresses as an AggregateError without a message of its own.
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(messageOf).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The code of what was thrown, such as `ENOENT` or a SQLSTATE, or undefined. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}
