/**
 * The true tables as CSV files, in the form of `replay`, and the totals of the log as JSON.
 *
 * The records are written by csv-stringify, not by the writer that `replay` has: the two check each other.
 */
import fs from 'node:fs'
import path from 'node:path'
import { stringify } from 'csv-stringify/sync'
import type { LedgerTablePlan, Plan, TablePlan } from '../../pipeline/plan.ts'
import { textColumns, type TextRow } from '../../pipeline/table-text.ts'
import type { Truth } from '../truth.ts'
import type { LogFile, LogFolder } from './log-folder.ts'

const TOTALS = 'truth/totals.json'
/** Whatever may need quotes besides a comma. */
const SPECIAL = /["\r\n]/
const TEXT_AT_ONCE = 1 << 18
const CSV_OPTIONS = { record_delimiter: '\n', quoted_match: /\r/ }

const encoder = new TextEncoder()

/** Name of a table's file, relative to the folder of the log. */
function truthFile(table: string): string {
  return `truth/${table}.csv`
}

/** Writes one CSV for each table and gives the rows of each. `truth` must be finished. */
export function* writeTruthTables(
  plan: Plan,
  truth: Truth,
  folder: LogFolder,
): Generator<{ table: string; rows: number }> {
  for (const table of plan.tables) yield writeTable(table, truth.rows(table), folder)
  yield writeTable(plan.ledger, truth.ledgerRows(), folder)
}

function writeTable(
  table: TablePlan | LedgerTablePlan,
  rows: Iterable<TextRow>,
  folder: LogFolder,
): { table: string; rows: number } {
  const header = textColumns(table).map((column) => column.name)
  return { table: table.name, rows: writeRows(header, rows, folder.create(truthFile(table.name))) }
}

function writeRows(header: TextRow, rows: Iterable<TextRow>, file: LogFile): number {
  let text = stringify([header], CSV_OPTIONS)
  let count = 0
  for (const row of rows) {
    count++
    text += csvRecord(row)
    if (text.length < TEXT_AT_ONCE) continue
    appendText(file, text)
    text = ''
  }
  appendText(file, text)
  return count
}

/** Nearly all records need no quotes, and csv-stringify takes five times as long to find that out. */
function csvRecord(row: TextRow): string {
  const record = row.join(',')
  if (!SPECIAL.test(record) && record.split(',').length === row.length) return `${record}\n`
  return stringify([row], CSV_OPTIONS)
}

/** Writes the totals of a log. Nothing in `totals` may differ between two runs with the same seed and settings. */
export function writeTotals(totals: object, folder: LogFolder): void {
  appendText(folder.create(TOTALS), `${JSON.stringify(totals, null, 2)}\n`)
}

function appendText(file: LogFile, text: string): void {
  const bytes = encoder.encode(text)
  file.append(bytes, 0, bytes.length)
}

/** The truth files of the log that stands in `folder`, as its totals name them. */
export function earlierTruthFiles(folder: string): readonly string[] {
  try {
    const totals: unknown = JSON.parse(fs.readFileSync(path.join(folder, TOTALS), 'utf8'))
    const cells = typeof totals === 'object' && totals !== null && 'cells' in totals ? totals.cells : undefined
    const tables = typeof cells === 'object' && cells !== null ? Object.keys(cells) : []
    return tables.filter((table) => path.basename(table) === table).map(truthFile)
  } catch {
    return []
  }
}
