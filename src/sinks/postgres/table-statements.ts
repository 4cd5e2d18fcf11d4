/**
 * The SQL that writes one table, derived from the plan. Values arrive as one array for each column.
 *
 * Q1  Values are absolute: running a statement twice changes nothing.
 * Q2  A row whose values are as they were is not written: no new version, no WAL, `updated_at` stays.
 */
import { columnList, qualifiedTable, quoteIdentifier } from '../../text/sql-text.ts'
import { sqlType } from '../../database/table-changes.ts'
import type { ColumnPlan, LedgerTablePlan, TablePlan } from '../../pipeline/plan.ts'

/** The statements of one table. */
export interface TableStatements {
  /** Columns that come as parameters, in order: all but `window_end` and `updated_at`, which the server derives. */
  readonly parameters: readonly ColumnPlan[]
  /** Inserts rows or changes them to the values given. */
  readonly upsert: string
  /** Inserts rows into a table that holds none of them. */
  readonly insert: string
  /** Deletes rows; parameters are the columns of the primary key, in its order. */
  readonly remove: string
}

/** Derives the statements of a table whose windows are `windowSizeMs` long. */
export function tableStatements(table: TablePlan | LedgerTablePlan, windowSizeMs: number): TableStatements {
  const parameters = table.columns.filter((column) => column.name !== 'window_end' && column.name !== 'updated_at')
  const names = table.columns.map((column) => column.name)
  const values = names.map((name) => valueOf(name, windowSizeMs))
  const target = qualifiedTable(table.name)
  const insert =
    `insert into ${target} as t (${columnList(names)}) select ${values.join(', ')} ` +
    `from unnest(${arrayParameters(parameters)}) as u(${columnList(parameters.map((column) => column.name))})`
  return { parameters, insert, upsert: `${insert} ${onConflict(table)}`, remove: removal(table, target) }
}

function valueOf(name: string, windowSizeMs: number): string {
  if (name === 'updated_at') return 'now()'
  if (name === 'window_end') return `u.window_start + interval '${windowSizeMs} milliseconds'`
  return `u.${quoteIdentifier(name)}`
}

function arrayParameters(columns: readonly ColumnPlan[]): string {
  return columns.map((column, index) => `$${index + 1}::${sqlType(column)}[]`).join(', ')
}

function onConflict(table: TablePlan | LedgerTablePlan): string {
  const settable = table.columns.map((column) => column.name).filter((name) => !table.primaryKey.includes(name))
  const compared = settable.filter((name) => name !== 'updated_at')
  const assignments = settable.map((name) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`)
  return (
    `on conflict (${columnList(table.primaryKey)}) do update set ${assignments.join(', ')} ` +
    `where (${columnList(compared, 't.')}) is distinct from (${columnList(compared, 'excluded.')})`
  )
}

function removal(table: TablePlan | LedgerTablePlan, target: string): string {
  const key = table.columns.filter((column) => table.primaryKey.includes(column.name))
  const ordered = table.primaryKey.flatMap((name) => key.filter((column) => column.name === name))
  const matches = table.primaryKey.map((name) => `t.${quoteIdentifier(name)} = u.${quoteIdentifier(name)}`)
  return (
    `delete from ${target} as t using unnest(${arrayParameters(ordered)}) as u(${columnList(table.primaryKey)}) ` +
    `where ${matches.join(' and ')}`
  )
}
