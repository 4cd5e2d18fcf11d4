/**
 * Errors of views as answers: the same body for every one of them.
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

/** The status of an answer for an error. */
export function errorStatus(error: unknown): number {
  return error instanceof TidemarkError ? (STATUS[error.code] ?? 500) : 500
}

/** What is told of an error; of one of ours only that there is one. */
export function errorBody(error: unknown): ErrorBody {
  if (!(error instanceof TidemarkError)) return { code: 'INTERNAL', message: 'Something went wrong.' }
  const { code, message, where, given, allowed, fix } = error
  return {
    code,
    message,
    ...(where === undefined ? {} : { where }),
    ...(given === undefined ? {} : { given }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(fix === undefined ? {} : { fix }),
  }
}
