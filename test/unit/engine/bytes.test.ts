/**
 * State as bytes: B1 and B2 of `bytes.ts`.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader, ByteWriter } from '../../../src/engine/snapshot/bytes.ts'

const NUMBERS = Int32Array.of(0, 1, -1, 63, -64, 64, 127, 128, 2 ** 31 - 1, -(2 ** 31))
const BIG = Float64Array.of(2 ** 52 - 1, -(2 ** 52) + 1, 0)
const ASCENDING = Int32Array.of(0, 1, 64, 65, 129, 193, 20_000, 2 ** 31 - 1)

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
  writer.varintsOf(Float64Array.from(NUMBERS), Int32Array.from(NUMBERS.keys()))
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

  it('B1: whole numbers of any length come back, on their own and as distances', () => {
    const edges = Array.from({ length: 52 }, (_, bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]).flat()
    const values = Float64Array.from(edges.flatMap((value) => [value, -value]).filter((value) => value < 2 ** 52))
    const all = new ByteWriter(0)
    all.varintsOf(values, Int32Array.from(values.keys()))
    all.ascending(ASCENDING)
    const reader = new ByteReader(all.done())
    const back = new Float64Array(values.length)
    reader.intoVarints(back)
    const distances = new Int32Array(ASCENDING.length)
    reader.intoVarints(distances)
    // Minus zero is zero.
    assert.deepEqual(
      [...back],
      [...values].map((value) => value + 0),
    )
    let before = 0
    assert.deepEqual(
      [...distances].map((distance) => (before += distance)),
      [...ASCENDING],
    )
    assert.ok(!reader.hasMore)
  })

  it('B1: zeros are written as those of a column', () => {
    const [some, column] = [new ByteWriter(0), new ByteWriter(0)]
    some.zeroVarints(5)
    column.varintsOf(new Float64Array(3), Int32Array.of(0, 1, 2, -1, 0))
    assert.deepEqual(some.done(), column.done())
  })

  it('B2: is damaged where it ends early, wherever that is', () => {
    const bytes = written()
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => read(bytes.subarray(0, length)), { code: 'STATE_CORRUPT' }, `${length} bytes`)
  })
})
