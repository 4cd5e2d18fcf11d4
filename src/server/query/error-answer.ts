/**
 * Errors of views as answers: the same body for every one of them.
 *
 * R1  No answer says where the database is: its host and user are for who runs it, and stand in the log.
 */
import { TidemarkError, type ErrorCode } from '../../errors.ts'

/** The body of an answer that is none. */
export interface ErrorBody {
  readonly code: ErrorCode
  readonly message: string
  readonly where?: string
  readonly given?: unknown
  readonly allowed?: readonly string[]
  readonly fix?: string
}

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  VIEW_INVALID: 400,
  VIEW_UNANSWERABLE: 400,
  VIEW_FORBIDDEN: 403,
  VIEW_TIMEOUT: 504,
  DATABASE_UNAVAILABLE: 503,
  DATABASE_BUSY: 503,
  JOURNAL_MISSING: 503,
}

/** A text without the address of a database (R1). */
export function withoutDatabaseUrl(text: string): string {
  return text.replaceAll(/ ?\(postgres(?:ql)?:\/\/.*\)/giu, '').replaceAll(/postgres(?:ql)?:\/\/\S*/giu, 'PostgreSQL')
}

/** The status of an answer for an error. */
export function errorStatus(error: unknown): number {
  return error instanceof TidemarkError ? (STATUS[error.code] ?? 500) : 500
}

/** What is told of an error; of one of ours only that there is one. */
export function errorBody(error: unknown): ErrorBody {
  if (!(error instanceof TidemarkError)) return { code: 'INTERNAL', message: 'Something went wrong.' }
  const { code, message, where, given, allowed, fix } = error
  const place = where === undefined ? undefined : withoutDatabaseUrl(where)
  return {
    code,
    message: withoutDatabaseUrl(message),
    ...(place === undefined || place !== where ? {} : { where }),
    ...(given === undefined ? {} : { given }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(fix === undefined ? {} : { fix }),
  }
}
