/**
 * Text that reaches people: errors without secrets.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { databaseError, describeUrl, isConflict } from '../../../src/database/database-error.ts'
import { psqlCommand } from '../../../src/database/open-database.ts'
import { TidemarkError } from '../../../src/errors.ts'

const URL_WITH_SECRET = 'postgresql://me:s3cret@db.example:5432/ads'

function failure(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}

describe('database errors', () => {
  it('X2: hide passwords wherever a URL is shown', () => {
    assert.equal(describeUrl(URL_WITH_SECRET), 'postgresql://me:…@db.example:5432/ads')
    assert.equal(
      describeUrl('postgresql:///ads?user=me&password=s3cret&x=1'),
      'postgresql:///ads?user=me&password=…&x=1',
    )
    // The driver takes a password with these as it is, so none of its parts may be left standing.
    for (const url of [
      'postgresql://me:s3c@s3cret@db/ads',
      'postgresql://me:1/s3cret@db',
      'postgresql://me:1?s3cret@db',
    ])
      assert.doesNotMatch(describeUrl(url), /s3c/, url)
    assert.equal(describeUrl('postgresql://db:5432/ads?password=a&PASSWORD=s3cret').includes('s3cret'), false)
    assert.equal(describeUrl('postgresql://me@db:5432/ads?x=a@b'), 'postgresql://me@db:5432/ads?x=a@b')
    const error = databaseError(failure('boom'), 'write', URL_WITH_SECRET)
    assert.equal(error.message.includes('s3cret'), false)
    assert.equal(error.where?.includes('s3cret'), false)
  })

  it('send nobody who only reads for the right to create tables', () => {
    const fixOf = (message: string): string | undefined =>
      databaseError(failure(message, '42501'), 'read the tables', URL_WITH_SECRET).fix
    assert.match(fixOf('permission denied for table ctr_by_campaign') ?? '', /grant select/)
    assert.match(fixOf('permission denied for schema public') ?? '', /right to create tables/)
  })

  it('X1: tell what may pass by itself from what needs somebody to change something', () => {
    const cases: readonly [Error, boolean, RegExp][] = [
      [failure('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), true, /nothing accepts connections there/],
      [failure('Connection terminated unexpectedly'), true, /closed the connection/],
      [failure('Client was closed and is not queryable'), true, /was closed/],
      [failure('Cannot call write after a stream was destroyed', 'ERR_STREAM_DESTROYED'), true, /destroyed/],
      [failure('Query read timeout'), true, /does not answer/],
      [failure('terminating connection', '57P01'), true, /shutting down/],
      [failure('sorry, too many clients already', '53300'), true, /too many clients/],
      [failure('deadlock detected', '40P01'), true, /deadlock/],
      [failure('terminating connection due to idle-in-transaction timeout', '25P03'), true, /idle-in-transaction/],
      [failure('password authentication failed', '28P01'), false, /password authentication failed/],
      [failure('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), false, /password/],
      [failure('The server does not support SSL connections'), false, /SSL/],
      [failure('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'), false, /self-signed/],
      [failure('database "x" does not exist', '3D000'), false, /does not exist/],
    ]
    for (const [given, retryable, message] of cases) {
      const error = databaseError(given, 'write epoch 7', URL_WITH_SECRET)
      assert.equal(error.code, 'DATABASE_UNAVAILABLE', given.message)
      assert.equal(error.retryable, retryable, given.message)
      assert.match(error.message, /^Could not write epoch 7: /)
      assert.match(error.message, message)
      assert.ok(error.fix)
    }
  })

  it('X3: what is not known to pass is no outage: it is not tried again, and says so', () => {
    const cases: readonly [unknown, RegExp, RegExp][] = [
      [failure('column does not exist', '42703'), /column does not exist \[42703\]/, /log of the database server/],
      [failure('duplicate key value', '23505'), /duplicate key/, /log of the database server/],
      [failure('invalid page in block 3', 'XX001'), /invalid page/, /log of the database server/],
      [new TypeError('x is not a function'), /x is not a function/, /--verbose/],
      [failure('Received unexpected dataRow message from backend.'), /unexpected dataRow/, /--verbose/],
      ['a thrown text', /a thrown text/, /--verbose/],
    ]
    for (const [given, message, fix] of cases) {
      const error = databaseError(given, 'write epoch 7', URL_WITH_SECRET)
      assert.equal(error.code, 'DATABASE_FAILED')
      assert.equal(error.retryable, false)
      assert.match(error.message, message)
      assert.match(error.message, /not tried again/)
      assert.match(error.fix ?? '', fix)
      assert.equal(error.cause, given)
    }
  })

  it('leave errors of ours alone', () => {
    const known = new TidemarkError('DATABASE_BUSY', 'busy', { fix: 'wait' })
    assert.equal(databaseError(known, 'write', URL_WITH_SECRET), known)
  })

  it('know conflicts between transactions', () => {
    assert.equal(isConflict(failure('x', '40001')), true)
    assert.equal(isConflict(failure('x', '23505')), false)
  })
})

describe('psqlCommand', () => {
  it('survives a shell', () => {
    assert.equal(psqlCommand(`postgresql://a:b@h/d'b`), String.raw`psql 'postgresql://a:b@h/d'\''b'`)
  })
})
