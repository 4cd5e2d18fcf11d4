/**
 * Database URLs: U1 and U2.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect } from '../../../src/database/connection.ts'
import { checkDatabaseUrl } from '../../../src/database/database-url.ts'

const GOOD = [
  'postgresql://me:s3cret@db.example:5432/ads',
  'postgres://db.example',
  'postgresql://me:p%40%2F@[::1]:5432/ads?sslmode=require',
  'postgresql:///ads?host=/run/postgresql',
  'postgresql://me@%2Frun%2Fpostgresql/ads',
]

const WRONG: readonly (readonly [url: string, problem: RegExp])[] = [
  ['', /an empty text/],
  ['x', /does not begin with postgresql:/],
  ['db.example:5432/ads', /does not begin/],
  ['me:s3cret@db.example/ads', /does not begin/],
  ['mysql://me:s3cret@db.example/ads', /mysql:/],
  ['http://localhost:4400', /http:/],
  ['postgresql:///ads', /no host/],
  ['postgresql://me:s3cret@db.example:70000/ads', /cannot be read/],
  ['postgresql://me:s3cret@db.example:0/ads', /port 0/],
  ['postgresql://me:s3cret@db.example:x/ads', /cannot be read/],
  ['postgresql://me:s3cret%zz@db.example/ads', /cannot be read/],
  ['postgresql://me:s3cret/@db.example/ads', /cannot be read/],
  ['postgresql://me:s3cret@db.example/ads/more', /slash/],
  ['postgresql://me:s3cret @db.example/ads', /white space/],
  ['postgresql://x y?password=s3cret', /white space/],
]

describe('checkDatabaseUrl', () => {
  it('takes every form of a server that PostgreSQL takes', () => {
    for (const url of GOOD) checkDatabaseUrl(url)
  })

  for (const [url, problem] of WRONG)
    it(`U1, U2: refuses ${url === '' ? 'nothing' : url}`, () => {
      assert.throws(
        () => checkDatabaseUrl(url),
        (error: Error) => {
          assert.match(error.message, problem)
          assert.match(error.message, /Allowed: postgresql:\/\/USER/)
          assert.ok(!JSON.stringify([error.message, error]).includes('s3cret'), error.message)
          return true
        },
      )
    })

  it('U1: stands before every connection', async () => {
    await assert.rejects(connect({ url: 'mysql://h/d', applicationName: 'test' }), { code: 'USAGE' })
  })
})
