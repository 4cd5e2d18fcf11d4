/**
 * The table of keys by its invariants Y1 to Y3, against a map.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { KeyTable } from '../../../src/engine/state/key-table.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/engine/key-table.test.ts'

/** Numbers tuples in one batch. */
function numbersOf(table: KeyTable, tuples: readonly (readonly number[])[]): number[] {
  const columns = Array.from({ length: table.width }, (_, d) => Int32Array.from(tuples, (tuple) => tuple[d] ?? 0))
  table.locate(
    columns,
    Int32Array.from(tuples, (_, row) => row),
    tuples.length,
  )
  return tuples.map((_, row) => table.numberAt(columns, row, row))
}

function codesOf(table: KeyTable, number: number): number[] {
  return Array.from(table.codes.subarray(number * table.width, (number + 1) * table.width))
}

const code = fc.oneof(
  { weight: 8, arbitrary: fc.nat(12) },
  { weight: 2, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.nat(2 ** 31 - 1) },
)

/** Batches of tuples, each with a share of the tuples that are dropped after it. */
const histories = fc.record({ width: fc.integer({ min: 0, max: 5 }), large: fc.boolean() }).chain(({ width, large }) =>
  fc.record({
    width: fc.constant(width),
    batches: fc.array(
      fc.record({
        tuples: fc.array(fc.array(large ? code : fc.nat(12), { minLength: width, maxLength: width }), {
          maxLength: 60,
          size: 'max',
        }),
        dropOneIn: fc.constantFrom(0, 2, 3, 1),
      }),
      { maxLength: 8 },
    ),
  }),
)

describe('key table', () => {
  it('Y1, Y2: equal tuples have equal numbers, others others, through growth, hashing and forgetting', () => {
    checkProperty(
      fc.property(histories, ({ width, batches }) => {
        const table = new KeyTable(width)
        const expected = new Map<string, number>()
        for (const { tuples, dropOneIn } of batches) {
          numbersOf(table, tuples).forEach((number, i) => {
            const key = String(tuples[i])
            assert.equal(number, expected.get(key) ?? number)
            expected.set(key, number)
            assert.deepEqual(codesOf(table, number), tuples[i])
          })
          assert.equal(new Set(expected.values()).size, expected.size, 'two tuples share a number')
          assert.equal(table.size, expected.size)
          if (dropOneIn === 0) continue
          const dropped = [...expected].filter(([, number]) => number % dropOneIn === 0)
          for (const [key] of dropped) expected.delete(key)
          const kept = new Set(expected.values())
          table.retain((number) => kept.has(number))
          const listed: number[] = []
          table.forEach((number) => listed.push(number))
          assert.deepEqual(new Set(listed), kept)
          assert.equal(listed.length, kept.size)
        }
      }),
      300,
      FILE,
    )
  })

  it('Y3: numbers survive the change from places to hashing, in the middle of a run', () => {
    const table = new KeyTable(2)
    const small = Array.from({ length: 300 }, (_, i) => [i % 20, Math.floor(i / 20)])
    const before = numbersOf(table, small)
    const large = [...small.slice(0, 10), [1_500_000, 3], ...small]
    const after = numbersOf(table, large)
    assert.deepEqual(after.slice(0, 10), before.slice(0, 10))
    assert.deepEqual(after.slice(11), before)
    assert.equal(after[10], 300)
  })

  it('Y3: and the way back, once the large codes are gone', () => {
    const table = new KeyTable(2)
    const before = numbersOf(table, [
      [1, 2],
      [1_500_000, 3],
      [3, 4],
    ])
    table.retain((number) => number !== before[1])
    assert.deepEqual(
      numbersOf(table, [
        [3, 4],
        [1, 2],
      ]),
      [before[2], before[0]],
    )
    assert.deepEqual(numbersOf(table, [[5, 6]]), [before[1]], 'the number is given again')
  })

  it('Y2: numbers do not run away when keys come and go', () => {
    const table = new KeyTable(1)
    for (let round = 0; round < 50; round++) {
      const numbers = numbersOf(
        table,
        Array.from({ length: 1_000 }, (_, i) => [round * 1_000 + i]),
      )
      assert.equal(new Set(numbers).size, 1_000)
      table.retain(() => false)
      assert.equal(table.size, 0)
    }
    assert.equal(table.end, 1_000)
    assert.ok(table.capacity < 2_048)
  })

  it('gives no room to numbers beyond its capacity', () => {
    const table = new KeyTable(1)
    const numbers = numbersOf(
      table,
      Array.from({ length: 10_000 }, (_, i) => [i]),
    )
    assert.ok(numbers.every((number) => number < table.capacity && number < table.end))
  })

  it('knows one tuple of no codes', () => {
    const table = new KeyTable(0)
    assert.deepEqual(numbersOf(table, [[], [], []]), [0, 0, 0])
    assert.equal(table.size, 1)
  })

  it('hashes from the start when there are more dimensions than bits of a place', () => {
    const table = new KeyTable(25)
    const tuples = Array.from({ length: 200 }, (_, i) => Array.from({ length: 25 }, (_unused, d) => (i >> d) & 1))
    assert.deepEqual(
      numbersOf(table, tuples),
      tuples.map((_, i) => i),
    )
    assert.deepEqual(
      numbersOf(table, tuples.toReversed()),
      tuples.map((_, i) => 199 - i),
    )
    table.retain((number) => number < 100)
    assert.deepEqual(
      numbersOf(table, tuples.slice(0, 100)),
      tuples.slice(0, 100).map((_, i) => i),
    )
  })
})
