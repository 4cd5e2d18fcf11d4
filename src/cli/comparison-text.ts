/**
 * A comparison of tables for people: tables, cells compared, cells that differ, and the first of those.
 */
import type { CellDifference, Comparison, TableComparison } from '../verify/compare.ts'
import { grouped } from './ledger-text.ts'
import { shown } from './shown-text.ts'

/** What the two sides of a comparison are called. */
export interface Sides {
  readonly expected: string
  readonly found: string
}

/** A line a table, the verdict, and a line for each difference that is named. */
export function comparisonLines(comparison: Comparison, sides: Sides): readonly string[] {
  return [
    ...comparison.tables.flatMap(tableLines),
    ...comparison.unknownTables.map((name) => `  ${shown(name)}: no table of the plan, not compared`),
    ...differenceLines(comparison, sides),
  ]
}

function tableLines(table: TableComparison): readonly string[] {
  const rows = [
    ...(table.missingRows > 0 ? [`missing rows: ${grouped(table.missingRows)}`] : []),
    ...(table.extraRows > 0 ? [`rows too many: ${grouped(table.extraRows)}`] : []),
  ]
  const notes = rows.length === 0 ? '' : `  (${rows.join(', ')})`
  const [cells, differing] = [grouped(table.cells).padStart(12), grouped(table.differing).padStart(9)]
  return [
    `  ${table.table.padEnd(24)} ${cells} cells ${differing} differ${notes}`,
    ...(table.isMissing ? ['    the table is missing'] : []),
    ...table.missingColumns.map((name) => `    column ${shown(name)} is missing`),
    ...table.unknownColumns.map((name) => `    column ${shown(name)} is not in the plan, not compared`),
  ]
}

function differenceLines({ isEqual, cells, differing, differences }: Comparison, sides: Sides): readonly string[] {
  if (isEqual) return [`equal: all ${grouped(cells)} cells`]
  const named = differences.length < differing ? `, the first ${differences.length} of them` : ''
  return [
    `DIFFERENT: ${grouped(differing)} of ${grouped(cells)} cells${named}`,
    ...differences.map((one) => differenceLine(one, sides)),
  ]
}

function differenceLine({ table, key, column, expected, found }: CellDifference, sides: Sides): string {
  const keyText = Object.entries(key).map(([name, text]) => `${name}=${shown(text)}`)
  return `  ${table} [${keyText.join(', ')}] ${column}: ${sides.expected} ${shown(expected)}, ${sides.found} ${shown(found)}`
}
