import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BodyPool } from '../../../src/server/ingest/body-pool.ts'

describe('buffers for bodies (P1, P2)', () => {
  it('are of the length asked for, and used again once they are back', () => {
    const pool = new BodyPool()
    const first = pool.take(200_001)
    assert.equal(first.length, 200_001)
    assert.notEqual(pool.take(200_001).buffer, first.buffer, 'lent to one body at a time')
    pool.giveBack(first)
    assert.equal(pool.take(150_000).buffer, first.buffer)
  })

  it('come back once, and only where they were lent', () => {
    const pool = new BodyPool()
    const body = pool.take(100_000)
    pool.giveBack(body)
    pool.giveBack(body)
    const again = pool.take(100_000)
    assert.equal(again.buffer, body.buffer)
    assert.notEqual(pool.take(100_000).buffer, again.buffer, 'given back twice it is still one buffer')
    const foreign = Buffer.from(new ArrayBuffer(1 << 17))
    pool.giveBack(foreign)
    assert.notEqual(pool.take(1 << 17).buffer, foreign.buffer)
  })

  it('do not pile up', () => {
    const pool = new BodyPool()
    const bodies = Array.from({ length: 200 }, () => pool.take(200_000))
    for (const body of bodies) pool.giveBack(body)
    const known = new Set(bodies.map((body) => body.buffer))
    const kept = Array.from({ length: 200 }, () => pool.take(200_000)).filter((body) => known.has(body.buffer))
    assert.equal(kept.length, 64)
  })
})
