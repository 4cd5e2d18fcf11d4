/**
 * A dictionary is a Map from texts to codes, through any mix of look-ups and sweeps.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Dictionary } from '../../src/engine/decode/dictionary.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/dictionary.property.test.ts'
const encoder = new TextEncoder()

const text = fc.oneof(
  fc.constantFrom('', 'unknown', 'a', 'b', 'unknow', '你好'),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 0, max: 400 }).map((number) => `name-${number}`),
)
const step = fc.oneof(
  { weight: 40, arbitrary: fc.record({ kind: fc.constant('look' as const), text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const), keep: fc.integer({ min: 1, max: 4 }) }) },
)

test('D1: codes and texts through look-ups and sweeps', () => {
  const property = fc.property(fc.integer(), fc.array(step, { maxLength: 300 }), (seed, steps) => {
    const dictionary = new Dictionary('unknown', seed)
    const expected = new Map([['unknown', 0]])
    for (const each of steps) {
      if (each.kind === 'look') {
        const bytes = encoder.encode(each.text)
        const code = dictionary.codeOf(bytes, 0, bytes.length)
        const known = expected.get(each.text)
        if (known === undefined) assert.ok(![...expected.values()].includes(code), 'a new text has a new code')
        else assert.equal(code, known)
        expected.set(each.text, code)
      } else {
        dictionary.sweep((code) => code % each.keep === 0)
        for (const [name, code] of expected) if (code % each.keep !== 0) expected.delete(name)
      }
    }
    assert.equal(dictionary.size, expected.size)
    for (const [name, code] of expected) {
      assert.equal(dictionary.textOf(code), name)
      assert.deepEqual(dictionary.bytesOf(code), encoder.encode(name))
      assert.ok(code < dictionary.codeLimit)
    }
  })
  checkProperty(property, 500, FILE)
})
