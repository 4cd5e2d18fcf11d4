/**
 * The tables of a plan as text, the way files and comparisons have it (table-text.ts).
 *
 * R1  All tables are read from one snapshot: a writer at work changes nothing in the middle.
 * R2  Rows come sorted by primary key in byte order, a cursor's step at a time: memory does not grow with the table.
 * R3  Text is made by the rules of table-text.ts. A value the plan's type cannot hold exactly (microseconds, say) is
 *     shown as it is, so that it differs instead of passing for another.
 */
import type { Client } from 'pg'
import { TidemarkError } from '../errors.ts'
import type { ColumnPlan, LedgerTablePlan, Plan, TablePlan } from '../pipeline/plan.ts'
import { allTables, textColumns, type TextRow } from '../pipeline/table-text.ts'
import { type Connection, connect } from './connection.ts'
import { databaseError, describeUrl } from './database-error.ts'
import { readEpochRow, type EpochRow } from './epoch-row.ts'
import { findRelation } from './found-schema.ts'
import { META_TABLE } from './meta-table.ts'
import { qualifiedTable, quoteIdentifier } from '../text/sql-text.ts'

/** One table as it was found. */
export interface StoredTable {
  readonly name: string
  /** Those columns of the plan that it has, in the plan's order. */
  readonly columns: readonly string[]
  /** Columns of the plan that it lacks. */
  readonly missingColumns: readonly string[]
  /** To be read once, and before the next table's. */
  readonly rows: AsyncIterable<TextRow>
}

/** A snapshot of all tables of a plan. */
export interface StoredTables {
  /** The tables that exist, in the order of the plan, the ledger last. */
  readonly tables: readonly StoredTable[]
  /** Names of the plan's tables that do not exist. */
  readonly missingTables: readonly string[]
  /** The epoch they hold, where it was asked for and there is one. */
  readonly epoch: EpochRow | undefined
  /** Ends the snapshot. Safe to call twice. */
  close(): Promise<void>
}

const FETCH_ROWS = 5_000
const CURSOR = 'tidemark_rows'

/**
 * Opens a snapshot of the tables of a plan.
 *
 * @param url any user who may read them
 * @throws TidemarkError DATABASE_UNAVAILABLE
 */
export async function readTables(
  url: string,
  plan: Plan,
  options: { readonly withEpoch?: boolean } = {},
): Promise<StoredTables> {
  const connection = await connect({ url, applicationName: 'tidemark verify', queryTimeoutMs: 120_000 })
  try {
    await connection.client.query('begin isolation level repeatable read read only')
    const epoch = options.withEpoch === true ? await epochOf(connection.client, plan) : undefined
    const tables: StoredTable[] = []
    const missingTables: string[] = []
    for (const table of allTables(plan)) {
      const stored = await storedTable(connection, url, table)
      if (stored === undefined) missingTables.push(table.name)
      else tables.push(stored)
    }
    return { tables, missingTables, epoch, close: () => connection.close() }
  } catch (error) {
    await connection.close()
    throw databaseError(error, 'read the tables', url)
  }
}

async function epochOf(client: Client, plan: Plan): Promise<EpochRow | undefined> {
  const columns = (await findRelation(client, META_TABLE))?.columns ?? []
  if (columns.every(({ name }) => name !== 'positions')) return undefined
  const row = await readEpochRow(client, plan.name)
  return row?.writer === 'flink' ? undefined : row
}

async function storedTable(
  connection: Connection,
  url: string,
  table: TablePlan | LedgerTablePlan,
): Promise<StoredTable | undefined> {
  const found = await findRelation(connection.client, table.name)
  if (found === undefined) return undefined
  const isPresent = (column: ColumnPlan): boolean => found.columns.some((candidate) => candidate.name === column.name)
  const wished = textColumns(table)
  const columns = wished.filter(isPresent)
  return {
    name: table.name,
    columns: columns.map((column) => column.name),
    missingColumns: wished.filter((column) => !isPresent(column)).map((column) => column.name),
    rows: rowsOf(connection.client, url, table, columns),
  }
}

async function* rowsOf(
  client: Client,
  url: string,
  table: TablePlan | LedgerTablePlan,
  columns: readonly ColumnPlan[],
): AsyncGenerator<TextRow> {
  const lacking = table.primaryKey.find((name) => !columns.some((column) => column.name === name))
  if (lacking !== undefined) throw keyMissing(table.name, lacking, url)
  const formats = columns.map(formatOf)
  try {
    await client.query(`declare ${CURSOR} no scroll cursor for ${selectSorted(table, columns)}`)
    for (;;) {
      const { rows } = await client.query<(string | null)[]>({
        text: `fetch ${FETCH_ROWS} ${CURSOR}`,
        rowMode: 'array',
      })
      for (const row of rows)
        yield row.map((value, index) => (value === null ? '' : (formats[index]?.(value) ?? value)))
      if (rows.length < FETCH_ROWS) break
    }
  } catch (error) {
    throw databaseError(error, `read the table "${table.name}"`, url)
  } finally {
    // Also when the reader stops early; after an error the snapshot is of no use anyway.
    await client.query(`close ${CURSOR}`).catch(() => undefined)
  }
}

function keyMissing(table: string, column: string, url: string): TidemarkError {
  return new TidemarkError('DATABASE_SCHEMA_MISMATCH', `Table "${table}" has no column "${column}", part of its key.`, {
    where: describeUrl(url),
    fix: 'read it with the definition it was written with',
  })
}

function selectSorted(table: TablePlan | LedgerTablePlan, columns: readonly ColumnPlan[]): string {
  const key = table.primaryKey.map((name) => {
    const isText = columns.some((column) => column.name === name && column.type === 'text')
    return `t.${quoteIdentifier(name)}${isText ? ' collate "C"' : ''}`
  })
  const values = columns.map(textExpression)
  return `select ${values.join(', ')} from ${qualifiedTable(table.name)} as t order by ${key.join(', ')}`
}

function textExpression(column: ColumnPlan): string {
  const value = `t.${quoteIdentifier(column.name)}`
  if (column.type === 'timestamp') return `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')`
  return column.type === 'boolean'
    ? `case ${value} when true then 'true' when false then 'false' end`
    : `${value}::text`
}

function formatOf(column: ColumnPlan): (text: string) => string {
  if (column.type === 'timestamp') return (text) => `${text.endsWith('000') ? text.slice(0, -3) : text}Z`
  if (column.type === 'double') return (text) => String(Number(text))
  return (text) => text
}
