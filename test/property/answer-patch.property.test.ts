/**
 * Patches of answers (D1, D2 of src/query/answer-patch.ts).
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { answerPatch, applyAnswerPatch, type AnswerPatch, type Json } from '../../src/query/answer-patch.ts'
import { checkProperty } from '../support/check-property.ts'

const FILE = 'test/property/answer-patch.property.test.ts'

const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

it('D1: turn any value into any other, also through JSON, and leave the first as it was', () => {
  const property = fc.property(json, json, (from, to) => {
    const before = JSON.stringify(from)
    const patch = answerPatch(from, to)
    const sent = patch === undefined ? undefined : (JSON.parse(JSON.stringify(patch)) as AnswerPatch)
    assert.deepEqual(applyAnswerPatch(from, sent), to)
    assert.equal(JSON.stringify(from), before)
    assert.equal(answerPatch(to, to), undefined)
  })
  checkProperty(property, 1_000, FILE)
})

it('D1: lists that moved on and changed at their end', () => {
  const entry = fc.option(fc.record({ clicks: fc.nat(3), sums: fc.record({ spend: fc.constantFrom('1', '2') }) }))
  const lists = fc
    .tuple(fc.array(entry, { maxLength: 20 }), fc.nat(10), fc.array(entry, { maxLength: 4 }))
    .map((drawn) => JSON.parse(JSON.stringify(drawn)) as typeof drawn)
  const property = fc.property(lists, ([from, shift, tail]) => {
    const to = [...from.slice(shift), ...tail]
    assert.deepEqual(applyAnswerPatch(from, answerPatch(from, to)), to)
  })
  checkProperty(property, 500, FILE)
})

it('a chart that moves on by a bucket sends one, and what stays is the same object', () => {
  const from = Array.from({ length: 1_000 }, (_, index) => ({ impressions: index, clicks: 0 }))
  const to = [...from.slice(1).map((entry) => ({ ...entry })), { impressions: 7, clicks: 1 }]
  const patch = answerPatch(from, to)
  assert.ok(JSON.stringify(patch).length < 100, JSON.stringify(patch).slice(0, 300))
  const result = applyAnswerPatch(from, patch) as readonly Json[]
  assert.equal(result[0], from[1])
})

it('control: a patch that is left out is missed', () => {
  assert.notDeepEqual(applyAnswerPatch([1, 2], undefined), [1, 3])
})
