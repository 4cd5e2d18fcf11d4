/**
 * Limits of the ingest by name: every one can be set, and is in the document.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { addIngestOptions, givenLimits, LIMIT_NAMES, type IngestOptions } from '../../../src/cli/ingest-options.ts'
import { DEFAULT_INGEST_LIMITS } from '../../../src/server/ingest/limits.ts'

function parsed(...args: readonly string[]): IngestOptions {
  const command = addIngestOptions(new Command('run'))
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  return command.parse([...args], { from: 'user' }).opts<IngestOptions>()
}

describe('--limit', () => {
  it('names every limit once', () => {
    const keys = [...LIMIT_NAMES.values()].map(([key]) => key)
    assert.deepEqual(keys.toSorted(), Object.keys(DEFAULT_INGEST_LIMITS).toSorted())
  })

  it('is in docs/ingest.md with its name', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/ingest.md'), 'utf8')
    for (const name of LIMIT_NAMES.keys()) assert.ok(text.includes(`\`${name}\``), name)
  })

  it('may be repeated; bytes, times and counts each in their form', () => {
    const { limit } = parsed('--limit', 'body=32MB', '--limit', 'headers-timeout=500ms', '--limit', 'connections=9')
    assert.deepEqual(limit, { maxBodyBytes: 32e6, headersTimeoutMs: 500, maxConnections: 9 })
    assert.equal(parsed().limit, undefined)
  })

  it('says what is allowed', () => {
    assert.throws(() => parsed('--limit', 'boddy=1'), /Did you mean body\?/)
    assert.throws(() => parsed('--limit', 'foo=1'), /burst-seconds\.$/)
    assert.throws(() => parsed('--limit', 'body'), /Allowed: body=VALUE/)
    assert.throws(() => parsed('--limit', 'body=0'), /Allowed: bytes/)
    assert.throws(() => parsed('--limit', 'connections=-1'), /Allowed: a whole number/)
  })

  it('lets headers take no longer than the request that they are of, whichever of the two is given', () => {
    const given = (...limits: readonly string[]): ReturnType<typeof givenLimits> =>
      givenLimits(parsed(...limits.flatMap((limit) => ['--limit', limit])))
    const tooLong = { code: 'USAGE', message: /must not be longer/ }
    assert.throws(() => given('request-timeout=1s', 'headers-timeout=2s'), tooLong)
    assert.throws(() => given('headers-timeout=2m'), { ...tooLong, fix: '--limit request-timeout=2m' })
    assert.deepEqual(given('headers-timeout=2m', 'request-timeout=2m'), {
      headersTimeoutMs: 120_000,
      requestTimeoutMs: 120_000,
    })
    assert.deepEqual(given('request-timeout=5s'), { headersTimeoutMs: 5_000, requestTimeoutMs: 5_000 })
  })
})

describe('--redirect-host', () => {
  it('takes hosts, not addresses', () => {
    const { redirectHost } = parsed('--redirect-host', 'shop.example', '--redirect-host', '*.shop.example')
    assert.deepEqual(redirectHost, ['shop.example', '*.shop.example'])
    for (const wrong of ['https://shop.example', 'a@b', '', 'a b', 'shop.example/path'])
      assert.throws(() => parsed('--redirect-host', wrong), /Allowed: a host/, wrong)
  })
})
