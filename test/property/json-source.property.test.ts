/**
 * The reader of definitions takes exactly the texts that `JSON.parse` takes, and finds the same values in them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonSyntaxError, readJson } from '../../src/cli/json-source.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/json-source.property.test.ts'

type Verdict = { readonly value: unknown } | 'not JSON'

function verdict(parse: () => unknown, SyntaxErrorClass: new (...args: never[]) => Error): Verdict {
  try {
    return { value: parse() }
  } catch (error) {
    assert.ok(error instanceof SyntaxErrorClass, String(error))
    return 'not JSON'
  }
}

function assertSame(text: string): void {
  const expected = verdict(() => JSON.parse(text), SyntaxError)
  const found = verdict(() => readJson(text).value, JsonSyntaxError)
  assert.deepEqual(found, expected, JSON.stringify(text))
}

const document = fc
  .tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('', ' ', '\t', '\n  '))
  .map(([value, space]) => JSON.stringify(value, undefined, space))

/** A JSON text with a few characters taken out, put in or put twice. */
const damaged = fc
  .tuple(
    document,
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...'{}[]",:\\/0123e.-+ntu \n\u0001')), { maxLength: 3 }),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [where, removed, added]) => {
      const at = where % (edited.length + 1)
      return edited.slice(0, at) + added + edited.slice(at + removed)
    }, text),
  )

test('J1: valid texts have the same value', () => {
  checkProperty(fc.property(document, assertSame), 500, FILE)
})

test('J1: damaged texts have the same verdict', () => {
  checkProperty(fc.property(damaged, assertSame), 3_000, FILE)
})

test('control: damage makes some texts wrong and leaves some right', () => {
  const verdicts = fc
    .sample(damaged, { seed: 7, numRuns: 500 })
    .map((text) => verdict(() => JSON.parse(text), SyntaxError))
  assert.ok(verdicts.includes('not JSON') && verdicts.some((one) => one !== 'not JSON'))
})
