/**
 * Cells of a window by their invariants L1 to L3, against maps and BigInt.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CellBlock } from '../../../src/engine/state/cell-block.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/engine/cell-block.test.ts'
const MILLION_UNITS = 1e12

function addOneTo(block: CellBlock, key: number): void {
  const cell = block.cellOf(key)
  block.impressions[cell] = (block.impressions[cell] ?? NaN) + 1
}

/** Keys, impressions and sums of a block as a map: what its public columns say. */
function contents(block: CellBlock): Map<number, [impressions: number, clicks: number, sum: bigint]> {
  const cells = new Map<number, [number, number, bigint]>()
  for (let cell = 0; cell < block.end; cell++) {
    const key = block.keyOf(cell)
    if (block.isEmpty(cell)) continue
    assert.ok(!cells.has(key), `key ${key} has two cells`)
    cells.set(key, [block.impressions[cell] ?? NaN, block.clicks[cell] ?? NaN, block.sumMicros(cell, 0)])
  }
  return cells
}

function changedKeys(block: CellBlock): number[] {
  return Array.from(block.changed.subarray(0, block.changedCount), (cell) => block.keyOf(cell))
}

function addOne(block: CellBlock, key: number, micros: number): void {
  const cell = block.touch(key)
  block.impressions[cell] = (block.impressions[cell] ?? NaN) + 1
  block.addSum(cell, 0, micros)
}

describe('cell block', () => {
  it('L3: holds the same, whatever it was expected to come to need', () => {
    const shape = fc.record({ end: fc.nat(3_000), isDirect: fc.boolean() })
    const keys = fc.array(fc.oneof(fc.nat(300), fc.nat(3_000), fc.nat(100_000)), { maxLength: 1_000, size: 'max' })
    checkProperty(
      fc.property(shape, keys, (likely, drawn) => {
        const [block, control] = [new CellBlock(0, 1, likely), new CellBlock(0, 1)]
        for (const key of drawn) for (const one of [block, control]) addOne(one, key, key)
        const byKey = (one: CellBlock): unknown => [...contents(one)].toSorted(([a], [b]) => a - b)
        assert.deepEqual(byKey(block), byKey(control))
        assert.deepEqual(changedKeys(block).toSorted(), changedKeys(control).toSorted())
      }),
      200,
      FILE,
    )
  })

  it('takes room once for as much as its neighbour has, and hands room on only with cells in it', () => {
    const full = new CellBlock(0, 1)
    for (let key = 0; key < 1_000; key++) addOneTo(full, key)
    assert.equal(full.shape.isDirect, true)
    const next = new CellBlock(60_000, 1, full.shape)
    for (let key = 0; key < 65; key++) addOneTo(next, key * 15)
    assert.deepEqual(next.shape, full.shape)
    const control = new CellBlock(60_000, 1)
    for (let key = 0; key < 65; key++) addOneTo(control, key * 15)
    assert.equal(control.shape.isDirect, false)
    const sparse = new CellBlock(60_000, 1, { end: 100_000, isDirect: true })
    for (let key = 0; key < 65; key++) addOneTo(sparse, key * 15)
    assert.equal(sparse.shape.end, 65)
  })

  it('L3: holds one cell a key, whatever the keys and wherever it goes over to direct cells', () => {
    const key = fc.oneof(fc.nat(90), fc.nat(300), fc.nat(1_000_000))
    const touches = fc.array(fc.tuple(key, fc.nat(1e12), fc.integer({ min: 1, max: 6 })), {
      maxLength: 400,
      size: 'max',
    })
    checkProperty(
      fc.property(touches, fc.integer({ min: 1, max: 100 }), (drawn, clearEvery) => {
        const block = new CellBlock(0, 1)
        const expected = new Map<number, [number, number, bigint]>()
        drawn.forEach(([k, micros, clicks], i) => {
          if (i % clearEvery === 0) block.clearChanged()
          addOne(block, k, micros)
          const cell = block.cellOf(k)
          block.clicks[cell] = (block.clicks[cell] ?? NaN) + clicks
          const [n, c, sum] = expected.get(k) ?? [0, 0, 0n]
          expected.set(k, [n + 1, c + clicks, sum + BigInt(micros)])
        })
        assert.deepEqual(contents(block), expected)
      }),
      150,
      FILE,
    )
  })

  it('goes over to direct cells once it holds a good part of the keys, and loses nothing', () => {
    const block = new CellBlock(0, 1)
    for (let key = 0; key < 200; key++) addOne(block, key, key)
    block.clearChanged()
    for (let key = 200; key < 1_000; key++) {
      const cell = block.cellOf(key)
      block.impressions[cell] = 1
      block.addSum(cell, 0, key)
    }
    assert.equal(block.cellOf(777), 777, 'a key is its own cell')
    const cells = contents(block)
    assert.equal(cells.size, 1_000)
    for (const [key, [impressions, , sum]] of cells) assert.deepEqual([impressions, sum], [1, BigInt(key)])
  })

  it('L1: each touched cell stands once among the changed ones, until they are cleared', () => {
    const block = new CellBlock(0, 0)
    const touched = [5, 3, 5, 900, 3, 17]
    for (const key of touched) block.touch(key)
    const changed = (): number[] => changedKeys(block)
    assert.deepEqual(changed(), [5, 3, 900, 17])
    assert.ok(block.isChanged(block.cellOf(900)))
    block.clearChanged()
    assert.deepEqual(changed(), [])
    assert.ok(!block.isChanged(block.cellOf(900)))
    block.cellOf(5)
    block.touch(17)
    assert.deepEqual(changed(), [17])
  })

  it('L1: also in a block of direct cells, and through growth', () => {
    const block = new CellBlock(0, 0)
    for (let key = 0; key < 500; key++) block.cellOf(key)
    for (let key = 0; key < 5_000; key++) block.touch(key)
    const changed = changedKeys(block)
    assert.deepEqual(
      changed.toSorted((a, b) => a - b),
      Array.from({ length: 5_000 }, (_, key) => key),
    )
  })

  it('L2: 9,100 impressions at the highest cost, and ten times as many, sum exactly', () => {
    const block = new CellBlock(0, 1)
    const cell = block.cellOf(0)
    let expected = 0n
    for (let i = 0; i < 91_000; i++) {
      const micros = MILLION_UNITS - (i % 3)
      block.addSum(cell, 0, micros)
      expected += BigInt(micros)
      assert.ok(Math.abs(block.sumLow[0]?.[cell] ?? NaN) < 1e15)
      if (i === 9_099) assert.equal(block.sumMicros(cell, 0), expected)
    }
    assert.ok(expected > BigInt(Number.MAX_SAFE_INTEGER), 'beyond what a double counts')
    assert.equal(block.sumMicros(cell, 0), expected)
  })

  it('control: a sum in one double would be wrong', () => {
    let sum = 0
    let exact = 0n
    for (let i = 0; i < 91_000; i++) {
      sum += MILLION_UNITS - (i % 3)
      exact += BigInt(MILLION_UNITS - (i % 3))
    }
    assert.notEqual(BigInt(sum), exact)
  })

  it('L2: whole cells are added exactly, carries included', () => {
    const amounts = fc.array(fc.nat(999_999_999_999_999), { minLength: 1, maxLength: 40 })
    checkProperty(
      fc.property(fc.array(amounts, { minLength: 1, maxLength: 12 }), (parts) => {
        const whole = new CellBlock(0, 1)
        for (const part of parts) {
          const block = new CellBlock(0, 1)
          for (const micros of part) addOne(block, 3, micros)
          whole.addCell(whole.touch(8), block, block.cellOf(3))
        }
        const all = parts.flat()
        const sum = all.reduce((total, micros) => total + BigInt(micros), 0n)
        assert.deepEqual(contents(whole), new Map([[8, [all.length, 0, sum]]]))
      }),
      200,
      FILE,
    )
  })

  it('keeps several sums apart', () => {
    const block = new CellBlock(0, 3)
    const cell = block.cellOf(1)
    for (let sum = 0; sum < 3; sum++) for (let i = 0; i <= sum; i++) block.addSum(cell, sum, 6e14)
    assert.deepEqual(
      [0, 1, 2].map((sum) => block.sumMicros(cell, sum)),
      [600_000_000_000_000n, 1_200_000_000_000_000n, 1_800_000_000_000_000n],
    )
  })

  it('is empty of impressions and clicks only when it has neither', () => {
    const block = new CellBlock(0, 0)
    const cell = block.cellOf(4)
    assert.ok(block.isEmpty(cell))
    block.clicks[cell] = 1
    assert.ok(!block.isEmpty(cell))
    block.clicks[cell] = 0
    block.impressions[cell] = 1
    assert.ok(!block.isEmpty(cell))
  })

  it('hashes again when a key far above the others comes, and stays as small as its cells', () => {
    const block = new CellBlock(0, 1)
    const expected = new Map<number, [number, number, bigint]>()
    const add = (key: number): void => {
      const cell = block.touch(key)
      block.impressions[cell] = (block.impressions[cell] ?? NaN) + 1
      block.addSum(cell, 0, key)
      expected.set(key, [1, 0, BigInt(key)])
    }
    for (let key = 0; key < 500; key++) {
      add(key)
      block.clearChanged()
    }
    assert.equal(block.cellOf(499), 499, 'direct by now')
    for (const key of [7, 499]) block.touch(key)
    for (let key = 5_000_000; key < 5_000_100; key += 10) add(key)
    assert.ok(block.impressions.length < 5_000, `room for ${block.impressions.length} cells, 510 in use`)
    assert.deepEqual(contents(block), expected)
    const changed = changedKeys(block)
    assert.deepEqual(changed, [7, 499, ...[...expected.keys()].filter((key) => key > 499)])
  })

  it('does not creep up key by key either', () => {
    const block = new CellBlock(0, 0)
    for (let key = 0; key < 500; key++) {
      const cell = block.cellOf(key)
      block.impressions[cell] = 1
    }
    for (let key = 1_000; key < 10_000_000; key *= 3) {
      const cell = block.touch(key)
      block.impressions[cell] = 1
    }
    assert.ok(block.impressions.length < 10_000, `room for ${block.impressions.length} cells`)
  })
})

describe('cell block, used again', () => {
  for (const [name, keys] of [
    ['hashed', 20],
    ['direct', 500],
  ] as const)
    it(`is empty of what it held: ${name}`, () => {
      const block = new CellBlock(0, 1)
      for (let key = 0; key < keys; key++) addOne(block, key, 7e14)
      block.reuse(60)
      assert.equal(block.startMs, 60)
      assert.deepEqual(contents(block), new Map())
      assert.deepEqual(changedKeys(block), [])
      assert.equal(block.countUsed(), 0)
      for (const key of [7, 3]) addOne(block, key, key)
      assert.deepEqual(
        contents(block),
        new Map([
          [3, [1, 0, 3n]],
          [7, [1, 0, 7n]],
        ]),
      )
      assert.deepEqual(changedKeys(block), [7, 3])
      assert.equal(block.find(5) < 0 || !block.isUsed(block.find(5)), true)
      assert.equal(block.keyOf(block.find(7)), 7)
    })

  it('does not keep room for far more cells than its windows use', () => {
    const block = new CellBlock(0, 0)
    for (let key = 0; key < 5_000; key++) addOneTo(block, key)
    for (let window = 1; window <= 2; window++) {
      block.reuse(window)
      for (let key = 0; key < 10; key++) addOneTo(block, key)
    }
    block.reuse(3)
    assert.ok(block.impressions.length < 500, `room for ${block.impressions.length}`)
  })

  it('finds a key only where there is a cell', () => {
    const block = new CellBlock(0, 0)
    addOneTo(block, 9)
    assert.equal(block.find(8), -1)
    assert.equal(block.keyOf(block.find(9)), 9)
  })
})
