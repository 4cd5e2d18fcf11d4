import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyPatch, diff } from '../../../src/server/merge-patch.ts'

describe('merge patches', () => {
  it('are those of RFC 7396', () => {
    const from = { a: 'b', c: { d: 'e', f: 'g' } }
    assert.deepEqual(applyPatch(from, { a: 'z', c: { f: null } }), { a: 'z', c: { d: 'e' } })
    assert.deepEqual(applyPatch({ a: ['b'] }, { a: { b: { c: 1 } } }), { a: { b: { c: 1 } } })
  })

  it('hold only what changed', () => {
    const from = { same: { x: [1, 2] }, rows: { 1: [1], 2: [2] }, gone: 1 }
    assert.deepEqual(diff(from, { same: { x: [1, 2] }, rows: { 2: [3], 3: [4] } }), {
      gone: null,
      rows: { 1: null, 2: [3], 3: [4] },
    })
    assert.equal(diff(from, structuredClone(from)), undefined)
  })

  it('M2: leave what they do not touch the same object, and their target as it was', () => {
    const from = { still: { x: 1 }, moved: { y: 1 } }
    const to = applyPatch(from, { moved: { y: 2 } })
    assert.equal(to.still, from.still)
    assert.deepEqual(from, { still: { x: 1 }, moved: { y: 1 } })
  })

  it('cannot reach a prototype', () => {
    const patch = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}',
    ) as object
    applyPatch({}, patch)
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  })
})
