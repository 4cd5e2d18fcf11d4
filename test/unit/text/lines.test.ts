/**
 * Bytes as lines, with and without a line feed at their end.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linesOf } from '../../../src/text/lines.ts'

const lines = (text: string): readonly string[] => [...linesOf(Buffer.from(text))].map(String)

describe('linesOf', () => {
  it('gives each line once, the last also where nothing ends it', () => {
    assert.deepEqual(lines(''), [])
    assert.deepEqual(lines('a\nb\n'), ['a', 'b'])
    assert.deepEqual(lines('a\n\nb'), ['a', '', 'b'])
    assert.deepEqual(lines('\n'), [''])
    assert.deepEqual(lines('a\r\nb'), ['a\r', 'b'])
    assert.deepEqual(lines('a\n\nb\r\nc'), ['a', '', 'b\r', 'c'])
  })
})
