/**
 * What the driver and the server throw, as errors with a code and a way out.
 *
 * X1  `retryable` means that the same work may succeed later without anyone changing anything.
 * X2  No message ever holds a password.
 * X3  Only what is known counts as a server that is away or that turns us down (`DATABASE_UNAVAILABLE`). Everything
 *     else is `DATABASE_FAILED`: trying it again would hide a fault behind an outage.
 */
import { codeOf, messageOf, TidemarkError } from '../errors.ts'

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])
const CONFLICT_STATES = new Set(['40P01', '40001'])
// Connection, transaction rolled back, resources (disk, memory, connections), shutdown, system trouble.
const PASSING_CLASSES = ['08', '40', '53', '57P', '58']
// Cancelled or waiting too long; in use; a server that became a standby.
const PASSING_STATES = new Set(['57014', '55P03', '55006', '25P03', '25P04', '25006'])
const DRIVER_LOSS =
  /^(Query read timeout|timeout exp|Connection terminated|Client (has encountered a connection error|was closed))/

// Password or user, no such database, no right to do this.
const REFUSING_STATES = ['28', '3D000', '42501']
const DRIVER_REFUSAL = /^SASL|SSL connection/
const TLS_CODES = /^(ERR_TLS|ERR_SSL|EPROTO$|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/

/** Whether another transaction was in the way, so that the same transaction may be tried again at once. */
export function isConflict(error: unknown): boolean {
  return CONFLICT_STATES.has(codeOf(error) ?? '')
}

/** Whether the server, or the way to it, is gone or overloaded for now. */
function isUnavailable(error: unknown): boolean {
  const state = codeOf(error) ?? ''
  if (NETWORK_CODES.has(state) || PASSING_STATES.has(state)) return true
  if (PASSING_CLASSES.some((passing) => state.startsWith(passing))) return true
  return error instanceof Error && DRIVER_LOSS.test(error.message)
}

/** A URL fit for messages: the password hidden, also one with characters that ought to be written as %XX. */
export function describeUrl(url: string): string {
  return url.replace(/(:\/\/[^:/@?#]*):.*@/s, '$1:…@').replace(/([?&](?:ssl)?password=)[^&#]*/gi, '$1…')
}

/** Whether the server is there and turns us down: somebody has to change the URL, or a right. */
function isRefusal(error: unknown): boolean {
  const state = codeOf(error) ?? ''
  if (TLS_CODES.test(state) || REFUSING_STATES.some((refusing) => state.startsWith(refusing))) return true
  return error instanceof Error && DRIVER_REFUSAL.test(error.message)
}

/**
 * The error a user should meet for `error`, thrown while doing `what` (such as `write epoch 7`) on the server at `url`.
 * A TidemarkError is given back as it is.
 */
export function databaseError(error: unknown, what: string, url: string): TidemarkError {
  if (error instanceof TidemarkError) return error
  const where = describeUrl(url)
  const retryable = isUnavailable(error) || isConflict(error)
  const details = { retryable, where, fix: fixFor(error), cause: error }
  const failed = `Could not ${what}: ${reasonOf(error)} (${where}).`
  return retryable || isRefusal(error)
    ? new TidemarkError('DATABASE_UNAVAILABLE', failed, details)
    : new TidemarkError('DATABASE_FAILED', `${failed} This does not pass by itself, so it is not tried again.`, details)
}

/** The same error, of which somebody who knows more says whether it may pass by itself. */
export function retryableAs(error: TidemarkError, retryable: boolean): TidemarkError {
  const { code, message, fix, where, cause } = error
  return new TidemarkError(code, message, {
    retryable,
    fix: fix ?? fixFor(cause),
    ...(where === undefined ? {} : { where }),
    cause,
  })
}

const PASSING_REASONS: Readonly<Record<string, string>> = {
  '25006': 'the server lets us read only (a standby, or default_transaction_read_only)',
  '53100': 'the disk of the database server is full',
  '53200': 'the database server is out of memory',
  '53300': 'the server has no connection left',
  '57014': 'the server took too long for a statement',
  '57P01': 'the server is shutting down',
  '57P03': 'the server is starting up or shutting down',
}

function reasonOf(error: unknown): string {
  const state = codeOf(error)
  const text = messageOf(error)
  if (state === 'ECONNREFUSED') return 'nothing accepts connections there'
  if (state === 'ENOTFOUND' || state === 'EAI_AGAIN') return 'the host name is unknown'
  if (text.startsWith('Query read timeout') || text.startsWith('timeout exp')) return 'the server does not answer'
  if (/^Connection terminated|^Client has encountered/.test(text) || state === 'ECONNRESET' || state === 'EPIPE')
    return 'the server closed the connection'
  if (state === undefined) return text
  const known = PASSING_REASONS[state]
  return known === undefined ? `${text} [${state}]` : `${known}: ${text}`
}

function fixFor(error: unknown): string {
  const state = codeOf(error) ?? ''
  const text = messageOf(error)
  if (state.startsWith('28') || text.startsWith('SASL')) return 'check the user and the password in the database URL'
  if (state === '3D000') return 'create the database first: createdb NAME'
  if (state === '42501')
    return /for (schema|database)/.test(text)
      ? 'give the user of the URL the right to create tables, or name another user'
      : 'give the user of the URL this right (grant select, where it is only to read), or name another user'
  if (state === '53100') return 'free disk space on the database server'
  if (state === '53300') return 'end other sessions, or raise max_connections'
  if (state === '25006') return 'name the server that takes writes with --database-url'
  if (isRefusal(error)) return 'check sslmode in the database URL, and the certificate of the server'
  if (isUnavailable(error)) return 'start the server, or give another one with --database-url'
  if (/^[0-9A-Z]{5}$/.test(state)) return 'see the log of the database server'
  return 'run it again with --verbose and report what it prints: this is a fault of Tidemark'
}
