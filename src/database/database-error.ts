/**
 * What the driver and the server throw, as errors with a code and a way out.
 *
 * X1  `retryable` means that the same work may succeed later without anyone changing anything.
 * X2  No message ever holds a password.
 */
import { TidemarkError } from '../errors.ts'

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
const CONFLICT_STATES = new Set(['40P01', '40001'])
// Connection, resources (disk, memory, connections), shutdown, system trouble.
const PASSING_CLASSES = ['08', '53', '57P', '58']
// Cancelled or waiting too long; a server that became a standby.
const PASSING_STATES = new Set(['57014', '55P03', '25006'])
const DRIVER_LOSS = /^(Query read timeout|timeout exp|Connection terminated|Client has encountered a connection error)/

/** The SQLSTATE or system code of an error, or undefined. */
export function errorState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Whether another transaction was in the way, so that the same transaction may be tried again at once. */
export function isConflict(error: unknown): boolean {
  return CONFLICT_STATES.has(errorState(error) ?? '')
}

/** Whether the server, or the way to it, is gone or overloaded for now. */
export function isUnavailable(error: unknown): boolean {
  const state = errorState(error) ?? ''
  if (NETWORK_CODES.has(state) || PASSING_STATES.has(state)) return true
  if (PASSING_CLASSES.some((passing) => state.startsWith(passing))) return true
  return error instanceof Error && DRIVER_LOSS.test(error.message)
}

/** A URL fit for messages: the password hidden. */
export function describeUrl(url: string): string {
  return url.replace(/(:\/\/[^:/@?#]*):[^@/]*@/, '$1:…@').replace(/([?&]password=)[^&]*/, '$1…')
}

/**
 * The error a user should meet for `error`, thrown while doing `what` (such as `write epoch 7`) on the server at `url`.
 * A TidemarkError is given back as it is.
 */
export function databaseError(error: unknown, what: string, url: string): TidemarkError {
  if (error instanceof TidemarkError) return error
  const where = describeUrl(url)
  const unavailable = isUnavailable(error)
  return new TidemarkError('DATABASE_UNAVAILABLE', `Could not ${what}: ${reasonOf(error)} (${where}).`, {
    retryable: unavailable || isConflict(error),
    where,
    fix: fixFor(error, unavailable),
    cause: error,
  })
}

function reasonOf(error: unknown): string {
  const state = errorState(error)
  const text = messageOf(error)
  if (state === 'ECONNREFUSED') return 'nothing accepts connections there'
  if (state === 'ENOTFOUND' || state === 'EAI_AGAIN') return 'the host name is unknown'
  if (text.startsWith('Query read timeout') || text.startsWith('timeout exp')) return 'the server does not answer'
  if (text.startsWith('Connection terminated') || state === 'ECONNRESET' || state === 'EPIPE')
    return 'the server closed the connection'
  if (state === '57P03') return 'the server is starting up or shutting down'
  if (state === '57P01') return 'the server is shutting down'
  return state === undefined ? text : `${text} [${state}]`
}

function messageOf(error: unknown): string {
  // Node reports a name with several addresses as an AggregateError without a message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

function fixFor(error: unknown, unavailable: boolean): string {
  const state = errorState(error)
  if (state === '28P01' || state === '28000') return 'check the user and the password in the database URL'
  if (state === '3D000') return 'create the database first: createdb NAME'
  if (state === '42501') return 'give the user of the URL the right to create tables, or name another user'
  if (state === '53100') return 'free disk space on the database server'
  if (unavailable) return 'start the server, or give another one with --database-url'
  return 'see the log of the database server'
}
