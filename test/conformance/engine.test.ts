/**
 * The worked cases, driven through the embedded engine: as a replay, and one line at a time with everything handed out
 * after each.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import { replayPartitions, stepPartitions, type Step } from '../support/engine-driver.ts'
import type { WorkedCase } from './worked-case.ts'
import { WORKED_CASES } from './worked-cases.ts'

function assertExpected(worked: WorkedCase, tables: TextTables): void {
  for (const [table, rows] of worked.expected) assert.deepEqual(tables.get(table), rows, table)
}

function lineByLine(worked: WorkedCase): Step[] {
  const longest = Math.max(...worked.partitions.map(({ lines }) => lines.length))
  const round = worked.partitions.flatMap((_, read): Step[] => [{ read, lines: 1 }, 'advance', 'changes'])
  return Array.from({ length: Math.min(longest, 500) }, () => round).flat()
}

describe('worked cases: embedded engine', () => {
  for (const worked of WORKED_CASES) {
    it(`${worked.name}: replayed`, async () => {
      const { tables, store } = await replayPartitions(worked.plan, worked.partitions)
      assertExpected(worked, tables)
      assert.ok(store.committed)
    })

    it(`${worked.name}: line by line`, () => {
      const { tables, brokenFinals, imbalances } = stepPartitions(worked.plan, worked.partitions, lineByLine(worked))
      assertExpected(worked, tables)
      assert.deepEqual(brokenFinals, [], 'a final cell changed')
      assert.deepEqual(imbalances, [], 'conservation')
    })
  }
})
