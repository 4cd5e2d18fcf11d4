/**
 * Text that reaches PostgreSQL stays inside its quotes.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { columnList, qualifiedTable, quoteLiteral } from '../../../src/text/sql-text.ts'

describe('SQL text', () => {
  it('quotes identifiers and literals', () => {
    assert.equal(qualifiedTable('a"b'), '"public"."a""b"')
    assert.equal(columnList(['a', 'B c'], 't.'), 't."a", t."B c"')
    assert.equal(quoteLiteral(`it's`), `'it''s'`)
    assert.equal(quoteLiteral(String.raw`a\'b`), String.raw`E'a\\''b'`)
  })
})
