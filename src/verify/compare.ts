/**
 * Tables that were found against tables that are expected, cell by cell.
 *
 * D1  A cell is a column of a row that is not part of the primary key. A row that only one side has differs in each of
 *     its cells, and so does a column in each row.
 * D2  Texts are compared as they are: equal cells have equal text (table-text.ts).
 * D3  Found rows may come in any order and are not kept; one whose key came before is a row too many.
 * D4  What the plan does not know is named, but is no difference.
 */
import { allTables, textColumns, type TextRow, type TextTables } from '../pipeline/table-text.ts'
import type { LedgerTablePlan, Plan, TablePlan } from '../pipeline/plan.ts'

/** A table as it was found, in a folder or a database. */
export interface FoundTable {
  readonly name: string
  readonly columns: readonly string[]
  /** Rows with a text for each of `columns`. Read once, and before the next table's. */
  readonly rows: AsyncIterable<TextRow> | Iterable<TextRow>
}

/** A cell that differs; null stands for a row or a column that one side does not have. */
export interface CellDifference {
  readonly table: string
  /** The primary key: column to text. */
  readonly key: Readonly<Record<string, string>>
  readonly column: string
  readonly expected: string | null
  readonly found: string | null
}

/** How one table compares. */
export interface TableComparison {
  readonly table: string
  readonly isMissing: boolean
  readonly missingColumns: readonly string[]
  /** Columns that the plan does not have. */
  readonly unknownColumns: readonly string[]
  readonly cells: number
  readonly differing: number
  /** Expected rows that were not found, and found ones that are not expected. */
  readonly missingRows: number
  readonly extraRows: number
}

/** How all tables compare. */
export interface Comparison {
  readonly isEqual: boolean
  readonly cells: number
  readonly differing: number
  readonly tables: readonly TableComparison[]
  /** Tables that the plan does not have. */
  readonly unknownTables: readonly string[]
  /** The first of the cells that differ. */
  readonly differences: readonly CellDifference[]
}

/** How many differing cells a comparison names. */
const DIFFERENCES_NAMED = 10

/** Compares every table of `plan`; `updated_at` is left out, for it says when a row was written. */
export async function compareTables(
  plan: Plan,
  expected: TextTables,
  found: AsyncIterable<FoundTable> | Iterable<FoundTable>,
): Promise<Comparison> {
  const planned = new Map(allTables(plan).map((table) => [table.name, table]))
  const differences: CellDifference[] = []
  const compared = new Map<string, TableComparison>()
  const unknownTables: string[] = []
  for await (const table of found) {
    const tablePlan = planned.get(table.name)
    if (tablePlan === undefined) unknownTables.push(table.name)
    else compared.set(table.name, await compareTable(tablePlan, expected.get(table.name) ?? [], table, differences))
  }
  for (const [name, table] of planned) {
    if (!compared.has(name))
      compared.set(name, await compareTable(table, expected.get(name) ?? [], undefined, differences))
  }
  const tables = [...planned.keys()].flatMap((name) => compared.get(name) ?? [])
  const differing = sum(tables.map((table) => table.differing))
  return {
    isEqual: differing === 0 && tables.every((table) => !table.isMissing && table.missingColumns.length === 0),
    cells: sum(tables.map((table) => table.cells)),
    differing,
    tables,
    unknownTables,
    differences,
  }
}

async function compareTable(
  plan: TablePlan | LedgerTablePlan,
  expected: readonly TextRow[],
  found: FoundTable | undefined,
  differences: CellDifference[],
): Promise<TableComparison> {
  const work = new TableWork(plan, expected, found?.columns ?? [], differences)
  if (found !== undefined) for await (const row of found.rows) work.compare(row)
  work.finish()
  return {
    table: plan.name,
    isMissing: found === undefined,
    missingColumns: found === undefined ? [] : work.columns.filter((name) => !found.columns.includes(name)),
    unknownColumns: (found?.columns ?? []).filter((name) => !plan.columns.some((column) => column.name === name)),
    cells: work.cells,
    differing: work.differing,
    missingRows: work.missingRows,
    extraRows: work.extraRows,
  }
}

class TableWork {
  readonly columns: readonly string[]
  cells = 0
  differing = 0
  missingRows = 0
  extraRows = 0
  readonly #plan: TablePlan | LedgerTablePlan
  readonly #differences: CellDifference[]
  /** Rows that were not found yet, by key. */
  readonly #awaited: Map<string, TextRow>
  /** Where each expected column stands in a found row; -1 where it does not. */
  readonly #places: readonly number[]

  constructor(
    plan: TablePlan | LedgerTablePlan,
    expected: readonly TextRow[],
    foundColumns: readonly string[],
    differences: CellDifference[],
  ) {
    this.#plan = plan
    this.#differences = differences
    this.columns = textColumns(plan).map((column) => column.name)
    this.#places = this.columns.map((name) => foundColumns.indexOf(name))
    this.#awaited = new Map(expected.map((row) => [this.#keyOf(row), row]))
  }

  /** Compares a found row with the expected one of its key. */
  compare(foundRow: TextRow): void {
    const found = this.#places.map((place) => foundRow[place] ?? null)
    const key = this.#keyOf(found)
    const expected = this.#awaited.get(key)
    this.#awaited.delete(key)
    if (expected === undefined) this.extraRows++
    this.#compareCells(expected, found)
  }

  /** Counts the expected rows that were not found. */
  finish(): void {
    this.missingRows = this.#awaited.size
    for (const row of this.#awaited.values()) this.#compareCells(row, undefined)
  }

  #compareCells(expected: TextRow | undefined, found: readonly (string | null)[] | undefined): void {
    for (const [i, column] of this.columns.entries()) {
      if (this.#plan.primaryKey.includes(column)) continue
      this.cells++
      const [expectedText, foundText] = [expected?.[i] ?? null, found?.[i] ?? null]
      if (expectedText === foundText && expected !== undefined) continue
      this.differing++
      if (this.#differences.length === DIFFERENCES_NAMED) continue
      const key = this.#keyTexts(expected ?? found ?? [])
      this.#differences.push({ table: this.#plan.name, key, column, expected: expectedText, found: foundText })
    }
  }

  #keyTexts(row: readonly (string | null)[]): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#plan.primaryKey.map((name) => [name, row[this.columns.indexOf(name)] ?? '']))
  }

  #keyOf(row: readonly (string | null)[]): string {
    return JSON.stringify(this.#plan.primaryKey.map((name) => row[this.columns.indexOf(name)] ?? null))
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
