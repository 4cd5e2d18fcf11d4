/**
 * A hash that is written down must never change.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashText } from '../../../src/text/hash-text.ts'

describe('hashText', () => {
  it('F1: is FNV-1a, by its published values', () => {
    assert.equal(hashText(''), 0x811c_9dc5)
    assert.equal(hashText('a'), 0xe40c_292c)
    assert.equal(hashText('foobar'), 0xbf9c_f968)
  })

  it('gives another hash for another seed', () => {
    assert.notEqual(hashText('foobar', 1), hashText('foobar'))
    assert.equal(hashText('foobar', 1), hashText('foobar', 1))
  })
})
