/**
 * What an error looks like to people and to programs, and which exit code it has.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exitCodeOf } from '../../../src/cli/exit-codes.ts'
import { errorDocument, formatError } from '../../../src/cli/report-error.ts'
import { TidemarkError, type ErrorCode } from '../../../src/errors.ts'

const missing = new TidemarkError('INPUT_MISSING', 'Cannot read the clicks: there is no file.', {
  where: 'clicks.ndjson',
  fix: './tidemark generate --out log',
})

describe('exit codes', () => {
  const expected: Readonly<Record<string, readonly ErrorCode[]>> = {
    1: ['INTERNAL', 'DATABASE_FAILED', 'OUTPUT_UNWRITABLE', 'STATE_LIMIT', 'DISK_FAILED'],
    2: ['USAGE'],
    65: ['INPUT_BAD_DATA'],
    66: [
      'INPUT_MISSING',
      'INPUT_CORRUPT',
      'JOURNAL_CORRUPT',
      'JOURNAL_MISSING',
      'CHECKPOINT_CORRUPT',
      'CHECKPOINT_MISSING',
    ],
    69: ['DATABASE_UNAVAILABLE', 'PORT_UNAVAILABLE', 'DISK_FULL', 'JOURNAL_BUSY'],
    76: ['FENCED'],
    78: [
      'DEFINITION_INVALID',
      'DEFINITION_UNREADABLE',
      'FORMAT_NEWER',
      'PLAN_CHANGED',
      'DATABASE_OTHER_FOLDER',
      'MEMORY_TOO_LITTLE',
    ],
    130: ['INTERRUPTED'],
  }
  for (const [exitCode, codes] of Object.entries(expected)) {
    for (const code of codes)
      it(`${code} is ${exitCode}`, () =>
        assert.equal(exitCodeOf(new TidemarkError(code, '', { fix: '' })), Number(exitCode)))
  }
  it('anything else is 1', () => {
    for (const thrown of [new Error('x'), 'x', undefined, 3n]) assert.equal(exitCodeOf(thrown), 1)
  })
})

describe('an error for people', () => {
  it('says code, what failed, where and the way out', () => {
    assert.equal(
      formatError(missing, { verbose: false, colour: false }),
      'error [INPUT_MISSING] Cannot read the clicks: there is no file.\n' +
        '  where  clicks.ndjson\n' +
        '  fix    ./tidemark generate --out log\n',
    )
  })

  it('does not repeat a place that the message names', () => {
    const error = new TidemarkError('INTERRUPTED', 'No such thing in a.json.', { where: 'a.json' })
    assert.equal(
      formatError(error, { verbose: false, colour: false }),
      'error [INTERRUPTED] No such thing in a.json.\n',
    )
  })

  it('shows stacks and causes only when asked', () => {
    const error = new Error('outer', { cause: new Error('inner') })
    assert.doesNotMatch(formatError(error, { verbose: false, colour: false }), /inner|\bat\b/)
    assert.match(
      formatError(error, { verbose: true, colour: false }),
      /outer[^]*report-error\.test[^]*caused by: [^]*inner/,
    )
  })

  it('is coloured only when asked', () => {
    assert.match(formatError(missing, { verbose: false, colour: true }), /\u001b\[/)
    assert.doesNotMatch(formatError(missing, { verbose: false, colour: false }), /\u001b/)
  })

  it('survives whatever is thrown', () => {
    const loop = new Error('loop')
    loop.cause = loop
    for (const thrown of [loop, undefined, null, 3n, Symbol('s'), { a: 1 }, new Error('')])
      assert.match(formatError(thrown, { verbose: true, colour: false }), /^error \[INTERNAL\] ./)
  })
})

describe('an error for programs', () => {
  it('is plain data', () => {
    assert.deepEqual(errorDocument(missing), {
      error: {
        code: 'INPUT_MISSING',
        message: 'Cannot read the clicks: there is no file.',
        where: 'clicks.ndjson',
        fix: './tidemark generate --out log',
        retryable: false,
        exitCode: 66,
      },
    })
  })

  it('carries every problem of a definition', () => {
    class ManyProblems extends TidemarkError {
      readonly problems = [{ path: 'tables' }]
    }
    assert.deepEqual(errorDocument(new ManyProblems('DEFINITION_INVALID', 'bad', { fix: 'mend it' })).error.problems, [
      { path: 'tables' },
    ])
  })
})
