/**
 * Whatever a text holds, it stays inside its quotes and is read back as it was.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { comment, identifier, interval, literal, memberPath } from '../../../src/flink/quoting.ts'
import { checkProperty } from '../../support/check-property.ts'
import { sqlTokens, type SqlToken } from '../../support/sql-tokens.ts'

const FILE = 'test/unit/flink/quoting.test.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom("'", '`', '"', '\\', ';', '-', '\n', '\u2028', '$', '[', ']', ',', 'a') }),
)

/** What stands in a statement made of `quoted`, with more behind it. */
function tokensOf(quoted: string): readonly SqlToken[] {
  return sqlTokens(`SELECT ${quoted} FROM t;`)
}

it('a literal is one token with its text (Q1, Q2)', () => {
  checkProperty(
    fc.property(hostile, (text) => {
      const tokens = tokensOf(literal(text))
      assert.deepEqual(tokens[1], { kind: 'literal', text })
      assert.equal(tokens.length, 5)
    }),
    500,
    FILE,
  )
})

it('an identifier is one token with its name (Q1, Q2)', () => {
  checkProperty(
    fc.property(hostile, (text) => {
      const tokens = tokensOf(identifier(text))
      assert.deepEqual(tokens[1], { kind: 'identifier', text })
      assert.equal(tokens.length, 5)
    }),
    500,
    FILE,
  )
})

it('a path is one literal, and its keys read back', () => {
  checkProperty(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 3 }), (keys) => {
      const token = tokensOf(memberPath(...keys))[1]
      assert.equal(token?.kind, 'literal')
      const inBrackets = /^lax \$\[(.*)\]$/s.exec(token?.text ?? '')?.[1] ?? ''
      const read = [...inBrackets.matchAll(/'((?:\\.|[^'\\])*)'(?:,|$)/gs)].map(([, key = '']) =>
        key.replaceAll(/\\(.)/gs, '$1'),
      )
      assert.deepEqual(read, keys)
    }),
    500,
    FILE,
  )
})

it('a comment ends nowhere but at its end', () => {
  checkProperty(
    fc.property(hostile, (text) => assert.deepEqual(sqlTokens(`${comment(text)}\nA`), [{ kind: 'word', text: 'A' }])),
    500,
    FILE,
  )
})

it('control: quotes that are not doubled break out', () => {
  assert.throws(() => tokensOf("'it's'"), SyntaxError)
})

it('an interval is exact to the millisecond', () => {
  assert.equal(interval(1_800_000), "INTERVAL '0 00:30:00.000' DAY(3) TO SECOND(3)")
  assert.equal(interval(90_061_001), "INTERVAL '1 01:01:01.001' DAY(3) TO SECOND(3)")
  assert.equal(interval(0), "INTERVAL '0 00:00:00.000' DAY(3) TO SECOND(3)")
})
