/**
 * Comparison of tables, each way in which they can differ with the cells it must count.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { allTables, textColumns, type TextRow, type TextTables } from '../../../src/pipeline/table-text.ts'
import { compareTables, type Comparison, type FoundTable } from '../../../src/verify/compare.ts'

const PLAN = freezePlan(adPipeline)
const START = '2026-01-01T10:00:00.000Z'
const END = '2026-01-01T10:01:00.000Z'

const EXPECTED: TextTables = new Map<string, readonly TextRow[]>([
  [
    'ctr_by_campaign',
    [
      ['c1', START, END, '2', '1', '0.5', '0.250000', 'true'],
      ['c2', START, END, '1', '0', '0', '0.000000', 'true'],
    ],
  ],
  ['engagement_by_device', []],
  ['performance', []],
  ['clicks_by_minute', []],
  ['ledger', [['impressions', START, 'counted', '3']]],
])
// 2 rows of 6 cells, and 1 of 1: the keys are no cells.
const CELLS = 13

/** The expected tables as if they had been found, changed by `change`. */
function found(change: (table: FoundTable & { rows: TextRow[] }) => FoundTable | undefined): FoundTable[] {
  return allTables(PLAN).flatMap((table) => {
    const rows = [...(EXPECTED.get(table.name) ?? [])]
    return change({ name: table.name, columns: textColumns(table).map((column) => column.name), rows }) ?? []
  })
}

async function compareChanged(
  name: string,
  change: (table: FoundTable & { rows: TextRow[] }) => FoundTable | undefined,
): Promise<Comparison> {
  return compareTables(
    PLAN,
    EXPECTED,
    found((table) => (table.name === name ? change(table) : table)),
  )
}

/** Row `index` with some texts changed, by place. */
function changed(rows: readonly TextRow[], index: number, texts: Readonly<Record<number, string>>): TextRow[] {
  return rows.map((row, i) => (i === index ? row.map((text, place) => texts[place] ?? text) : row))
}

describe('compareTables', () => {
  it('D2, D3: finds equal tables equal, whatever the order of rows and columns', async () => {
    const comparison = await compareChanged('ctr_by_campaign', (table) => ({
      name: table.name,
      columns: table.columns.toReversed(),
      rows: table.rows.toReversed().map((row) => row.toReversed()),
    }))
    assert.ok(comparison.isEqual)
    assert.equal(comparison.cells, CELLS)
    assert.equal(comparison.differing, 0)
    assert.deepEqual(comparison.differences, [])
  })

  it('control: one changed cell of any column of any table differs', async () => {
    for (const [name, rows] of EXPECTED) {
      const table = allTables(PLAN).find((candidate) => candidate.name === name)
      assert.ok(table)
      for (const [place, column] of textColumns(table).entries()) {
        if (rows.length === 0) continue
        const comparison = await compareChanged(name, (given) => ({
          ...given,
          rows: changed(given.rows, 0, { [place]: 'x' }),
        }))
        assert.ok(!comparison.isEqual, column.name)
        const isKey = table.primaryKey.includes(column.name)
        if (!isKey) assert.equal(comparison.differing, 1, column.name)
      }
    }
  })

  it('names the cell', async () => {
    const comparison = await compareChanged('ctr_by_campaign', (table) => ({
      ...table,
      rows: changed(table.rows, 1, { 4: '7' }),
    }))
    const key = { window_start: START, campaign_id: 'c2' }
    assert.deepEqual(comparison.differences, [
      { table: 'ctr_by_campaign', key, column: 'clicks', expected: '0', found: '7' },
    ])
  })

  it('D1: counts each cell of a missing and of an extra row', async () => {
    const missing = await compareChanged('ctr_by_campaign', (table) => ({ ...table, rows: table.rows.slice(1) }))
    assert.deepEqual([missing.differing, missing.cells, missing.tables[0]?.missingRows], [6, CELLS, 1])
    assert.deepEqual(
      missing.differences.map(({ found: text }) => text),
      new Array(6).fill(null),
    )

    const extra = await compareChanged('ctr_by_campaign', (table) => ({
      ...table,
      rows: [...table.rows, ...changed(table.rows.slice(0, 1), 0, { 0: 'c9' })],
    }))
    assert.deepEqual([extra.differing, extra.cells, extra.tables[0]?.extraRows], [6, CELLS + 6, 1])
    assert.deepEqual(
      extra.differences.map(({ expected }) => expected),
      new Array(6).fill(null),
    )
  })

  it('D3: takes a second row of one key for a row too many', async () => {
    const comparison = await compareChanged('ledger', (table) => ({ ...table, rows: [...table.rows, ...table.rows] }))
    assert.deepEqual([comparison.differing, comparison.cells], [1, CELLS + 1])
  })

  it('reports a missing table, also one of which no row is expected', async () => {
    const comparison = await compareChanged('ctr_by_campaign', () => undefined)
    assert.deepEqual([comparison.isEqual, comparison.differing, comparison.tables[0]?.isMissing], [false, 12, true])
    const empty = await compareChanged('performance', () => undefined)
    assert.deepEqual([empty.isEqual, empty.differing], [false, 0])
  })

  it('reports a missing column, which differs in each row, also when there is none', async () => {
    const without = (table: FoundTable): FoundTable => ({
      ...table,
      columns: table.columns.map((name) => (name === 'spend' ? 'money' : name)),
    })
    const comparison = await compareChanged('ctr_by_campaign', without)
    assert.deepEqual([comparison.isEqual, comparison.differing], [false, 2])
    assert.deepEqual(comparison.tables[0]?.missingColumns, ['spend'])
    assert.deepEqual(comparison.tables[0]?.unknownColumns, ['money'])
    const empty = await compareChanged('performance', without)
    assert.deepEqual([empty.isEqual, empty.differing], [false, 0])
  })

  it('D4: names columns and tables that the plan does not have, without calling them different', async () => {
    const tables = found((table) => ({ ...table, columns: [...table.columns, 'updated_at', 'note'] }))
    const comparison = await compareTables(PLAN, EXPECTED, [...tables, { name: 'more', columns: [], rows: [] }])
    assert.ok(comparison.isEqual)
    assert.deepEqual(comparison.unknownTables, ['more'])
    assert.deepEqual(comparison.tables[0]?.unknownColumns, ['note'])
  })

  it('names ten cells and counts all', async () => {
    const comparison = await compareChanged('ctr_by_campaign', (table) => ({ ...table, rows: [] }))
    assert.deepEqual([comparison.differing, comparison.differences.length], [12, 10])
  })
})
