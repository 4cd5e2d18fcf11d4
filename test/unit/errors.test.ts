/**
 * What others throw, in words and by its code.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codeOf, messageOf, TidemarkError } from '../../src/errors.ts'

describe('what was thrown', () => {
  test('in words', () => {
    assert.equal(messageOf(new RangeError('too far')), 'too far')
    assert.equal(messageOf('a text'), 'a text')
    assert.equal(messageOf(undefined), 'undefined')
  })

  test('a name with several addresses says what is wrong with each', () => {
    assert.equal(messageOf(new AggregateError([new Error('one'), new Error('two')], '')), 'one; two')
    assert.equal(messageOf(new AggregateError([new Error('one')], 'all failed')), 'all failed')
  })

  test('by its code', () => {
    assert.equal(codeOf(Object.assign(new Error('gone'), { code: 'ENOENT' })), 'ENOENT')
    assert.equal(codeOf(new TidemarkError('INTERNAL', 'ours')), 'INTERNAL')
    assert.equal(codeOf({ code: '42P01' }), '42P01')
  })

  test('what has no code, or none that is a text, has none', () => {
    for (const thrown of [new Error('plain'), 'ENOENT', null, undefined, { code: 5 }]) {
      assert.equal(codeOf(thrown), undefined)
    }
  })
})
