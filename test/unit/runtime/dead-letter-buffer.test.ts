/**
 * Dead letters of an epoch: L1.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeadLetterBuffer } from '../../../src/runtime/dead-letter-buffer.ts'
import type { DeadLetter } from '../../../src/runtime/ports.ts'

function letter(position: number, length: number): DeadLetter {
  const bytes = new Uint8Array(length)
  return { partition: 'p', position, stream: 'clicks', reason: 'not_json', field: undefined, bytes, byteLength: length }
}

describe('the dead letters of an epoch', () => {
  for (const [what, length, kept] of [
    ['so many letters', 1, 10_000],
    ['so many bytes', 4_096, 2_048],
  ] as const) {
    it(`L1: are kept up to ${what}, then only counted; the next epoch has room again`, () => {
      const told: number[] = []
      const buffer = new DeadLetterBuffer({ write: ({ position }) => void told.push(position) })
      for (let position = 0; position < kept + 5; position++) buffer.write(letter(position, length))
      assert.deepEqual([buffer.take().length, buffer.left, told.length], [kept, 5, kept + 5])
      buffer.write(letter(0, length))
      assert.equal(buffer.take().length, 1)
    })
  }

  it('are copies: whose bytes they were may use them again', () => {
    const buffer = new DeadLetterBuffer()
    const given = letter(0, 1)
    buffer.write(given)
    given.bytes[0] = 7
    assert.deepEqual(buffer.take()[0]?.bytes, new Uint8Array(1))
  })
})
