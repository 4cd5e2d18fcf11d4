/**
 * State as bytes: B1 and B2 of `bytes.ts`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader, ByteWriter } from '../../../src/engine/snapshot/bytes.ts'

const NUMBERS = Int32Array.of(0, 1, -1, 63, -64, 64, 127, 128, 2 ** 31 - 1, -(2 ** 31))
const BIG = Float64Array.of(2 ** 52 - 1, -(2 ** 52) + 1, 0)

/** One of everything, with room for nothing at first. */
function written(): Uint8Array {
  const writer = new ByteWriter(0)
  writer.u8(255)
  writer.u16(65_535)
  writer.u32(2 ** 32 - 1)
  writer.i32(-1)
  writer.f64(-Infinity)
  writer.text('ä€😀')
  writer.column(Uint16Array.of(1, 2, 3, 4), 1, 3)
  writer.varints(NUMBERS)
  writer.varintsOf(BIG, Int32Array.of(1, -1, 0))
  return writer.done()
}

function read(bytes: Uint8Array): unknown[] {
  const reader = new ByteReader(bytes)
  const scalars = [reader.u8(), reader.u16(), reader.u32(), reader.i32(), reader.f64(), reader.text()]
  const column = new Uint16Array(4)
  reader.into(column, 1, 3)
  const numbers = new Int32Array(NUMBERS.length)
  reader.intoVarints(numbers)
  const big = new Float64Array(3)
  reader.intoVarints(big)
  return [...scalars, [...column], [...numbers], [...big], reader.hasMore]
}

describe('state as bytes', () => {
  it('B1: is read back in the order in which it was written', () => {
    assert.deepEqual(read(written()), [
      255,
      65_535,
      2 ** 32 - 1,
      -1,
      -Infinity,
      'ä€😀',
      [0, 2, 3, 0],
      [...NUMBERS],
      [-(2 ** 52) + 1, 0, 2 ** 52 - 1],
      false,
    ])
  })

  it('B2: is damaged where it ends early, wherever that is', () => {
    const bytes = written()
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => read(bytes.subarray(0, length)), { code: 'STATE_CORRUPT' }, `${length} bytes`)
  })
})
