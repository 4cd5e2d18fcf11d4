/**
 * Turns of bodies by their rules U1 to U3, on a clock of the test's own.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteBudget } from '../../../src/server/ingest/byte-budget.ts'
import { type Turn, Turns } from '../../../src/server/ingest/turns.ts'

const LIMIT_BYTES = 8_000_000
const LOOK_MS = 50

function crowd(count: number, bytes: number): { turns: Turns; bodies: Turn[]; begun: number[] } {
  const budget = new ByteBudget(LIMIT_BYTES)
  const turns = new Turns(budget)
  assert.ok(!turns.isCrowded, 'U1')
  budget.tryTake(LIMIT_BYTES / 8 + 1)
  assert.ok(turns.isCrowded)
  const begun: number[] = []
  const bodies = Array.from({ length: count }, (_, i) => ({ bytes, begin: () => void begun.push(i) }))
  for (const body of bodies) turns.wait(body)
  return { turns, bodies, begun }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('turns', () => {
  it('U2: as many as there is room for, in the order in which they came, and each passes its turn on', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { turns, bodies, begun } = crowd(40, 100_000)
    assert.deepEqual(begun, upTo(10), 'a million bytes together')
    for (const body of bodies.slice(0, 3)) {
      turns.complete(body)
      turns.end(body)
      turns.end(body)
    }
    assert.deepEqual(begun, upTo(13))
    turns.end(bodies[13] as Turn)
    turns.end(bodies[3] as Turn)
    assert.deepEqual(begun, [...upTo(13), 14], 'whoever left has no turn')
  })

  it('U2: one that is larger than the room for all goes alone', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { turns, bodies, begun } = crowd(3, LIMIT_BYTES)
    assert.deepEqual(begun, [0])
    turns.complete(bodies[0] as Turn)
    turns.end(bodies[0] as Turn)
    assert.deepEqual(begun, [0, 1])
  })

  it('U3: senders who send nothing hold up nobody, a disk that takes long holds up all', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { turns, bodies, begun } = crowd(40, 100_000)
    t.mock.timers.tick(LOOK_MS)
    assert.deepEqual(begun, upTo(10), 'some began a moment ago')
    t.mock.timers.tick(LOOK_MS)
    assert.deepEqual(begun, upTo(20))
    for (const body of bodies.slice(0, 20)) turns.complete(body)
    t.mock.timers.tick(20 * LOOK_MS)
    assert.deepEqual(begun, upTo(20), 'what is there as a whole waits for us')
  })
})
