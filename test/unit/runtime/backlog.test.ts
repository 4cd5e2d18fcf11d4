/**
 * The backlog by its invariants B1 to B4.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ChangeSet } from '../../../src/pipeline/cells.ts'
import { Backlog } from '../../../src/runtime/backlog.ts'
import { cellChanges, ledgerChanges, type CellInput } from '../../support/change-sets.ts'
import { checkProperty } from '../../support/check-property.ts'

const FILE = 'test/unit/runtime/backlog.test.ts'

function changesOf(cells: readonly CellInput[], rollUp: string = 'ctr_by_campaign'): ChangeSet {
  return { cells: [cellChanges(rollUp, cells)], ledger: ledgerChanges([]) }
}

/** Impressions by roll-up, minute and dimensions. */
function contents(changes: ChangeSet): Map<string, number> {
  const found = new Map<string, number>()
  for (const cells of changes.cells)
    for (let row = 0; row < cells.count; row++) {
      const key = [cells.rollUp, cells.windowStartMs[row], ...cells.dimensions.map((texts) => texts[row])].join('|')
      assert.ok(!found.has(key), `${key} stands twice`)
      found.set(key, cells.impressions[row] ?? NaN)
    }
  return found
}

describe('backlog', () => {
  it('B1: keeps the newest value of each cell, once', () => {
    const backlog = new Backlog()
    backlog.add(
      changesOf([
        { dimensions: ['c1'], impressions: 1 },
        { dimensions: ['c2'], impressions: 5 },
      ]),
    )
    backlog.add(changesOf([{ dimensions: ['c1'], impressions: 2, isFinal: true, micros: 3n, clicks: 1 }]))
    assert.equal(backlog.size, 2)
    const [cells] = backlog.take().cells
    assert.deepEqual(cells?.dimensions, [['c1', 'c2']])
    assert.deepEqual(cells?.impressions, [2, 5])
    assert.deepEqual(cells?.clicks, [1, 0])
    assert.deepEqual(cells?.sumsMicros, [[3n, 0n]])
    assert.deepEqual(cells?.isFinal, [true, false])
  })

  it('B1: tells cells apart by roll-up, minute and every dimension, whatever texts hold', () => {
    const backlog = new Backlog()
    backlog.add(changesOf([{ dimensions: ['a', 'b'] }, { dimensions: ['ab', ''] }, { dimensions: ['', 'ab'] }]))
    backlog.add(changesOf([{ dimensions: ['a', 'b'], minute: 1 }]))
    backlog.add(changesOf([{ dimensions: ['a', 'b'] }], 'performance'))
    assert.equal(backlog.size, 5)
  })

  it('B1: a removed cell that came back, and the other way round', () => {
    const backlog = new Backlog()
    backlog.add(
      changesOf([
        { dimensions: ['c1'], removed: true },
        { dimensions: ['c2'], impressions: 1 },
      ]),
    )
    backlog.add(
      changesOf([
        { dimensions: ['c2'], removed: true },
        { dimensions: ['c1'], impressions: 4 },
      ]),
    )
    const [cells] = backlog.take().cells
    assert.deepEqual(cells?.removed, [false, true])
    assert.deepEqual(cells?.impressions, [4, 0])
  })

  it('B2: what was taken is gone, and what comes later does not bring it back', () => {
    const backlog = new Backlog()
    backlog.add(
      changesOf([
        { dimensions: ['c1'], impressions: 1 },
        { dimensions: ['c2'], impressions: 1 },
      ]),
    )
    assert.equal(backlog.size, 2, 'control')
    backlog.take()
    assert.equal(backlog.size, 0)
    backlog.add(changesOf([{ dimensions: ['c1'], impressions: 2, isFinal: true }]))
    assert.deepEqual([...contents(backlog.take()).values()], [2])
  })

  it('B3: counts waiting rows of cells and of the ledger, each cell once', () => {
    const backlog = new Backlog()
    const ledger = ledgerChanges([
      [0, 'clicks', 'pending', 2],
      [0, 'clicks', 'orphan', 1],
    ])
    backlog.add({ ...changesOf([{ dimensions: ['c1'] }]), ledger })
    backlog.add({ cells: [], ledger: ledgerChanges([[0, 'clicks', 'pending', 0]]) })
    assert.equal(backlog.size, 3)
    const taken = backlog.take().ledger
    assert.deepEqual(taken.eventClass, ['pending', 'orphan'])
    assert.deepEqual(taken.events, [0, 1])
  })

  it('B4: does not keep whole change sets for the sake of a few rows', () => {
    const backlog = new Backlog()
    const expected = new Map<string, number>()
    for (let epoch = 0; epoch < 500; epoch++) {
      // One cell of each epoch stays; the others are replaced by the next one.
      const cells = Array.from({ length: 100 }, (_, i) => ({
        dimensions: [`c${i === 0 ? epoch : -i}`],
        impressions: epoch,
      }))
      for (const { dimensions, impressions } of cells) expected.set(`${dimensions[0]}`, impressions)
      backlog.add(changesOf(cells))
    }
    assert.equal(backlog.size, expected.size)
    assert.ok(backlog.heldRows <= 2 * backlog.size + 4_096, `${backlog.heldRows} rows kept for ${backlog.size}`)
    assert.ok(backlog.heldRows < 50_000 / 4, 'control: 50,000 rows were offered')
    const found = [...contents(backlog.take())].map(
      ([key, impressions]) => [key.split('|')[2] ?? '', impressions] as const,
    )
    assert.deepEqual(new Map(found), expected)
    assert.equal(backlog.heldRows, 0)
  })

  it('B1, B2: whenever it is taken from, the newest values come out', () => {
    const write = fc.record({
      campaign: fc.nat(5),
      minute: fc.nat(2),
      isTaken: fc.boolean(),
      count: fc.integer({ min: 1, max: 4 }),
    })
    checkProperty(
      fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
        const backlog = new Backlog()
        const store = new Map<string, number>()
        const expected = new Map<string, number>()
        let version = 0
        for (const { campaign, minute, isTaken, count } of writes) {
          const cells = Array.from({ length: count }, (_, i) => ({
            dimensions: [`c${(campaign + i) % 6}`],
            minute,
            impressions: ++version,
          }))
          const changes = changesOf(cells)
          for (const [key, value] of contents(changes)) expected.set(key, value)
          backlog.add(changes)
          if (isTaken) for (const [key, value] of contents(backlog.take())) store.set(key, value)
        }
        for (const [key, value] of contents(backlog.take())) store.set(key, value)
        assert.deepEqual(store, expected)
      }),
      300,
      FILE,
    )
  })
})
