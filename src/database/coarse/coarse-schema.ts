/**
 * The tables of coarse cells in the database, and how far they are. They hold nothing that the tables of the plan do
 * not, so any of them may be thrown away at any time.
 *
 * H1  Whoever removes or replaces cells of the plan's tables declares the coarse ones void in the same transaction, and
 *     before it locks any table: a builder locks the same rows first.
 * H2  Void tables may hold rows, have another form, or be missing. Nobody reads them; the builder mends that first.
 */
import type { Client } from 'pg'
import { planHash } from '../../pipeline/plan-hash.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { coarseLengths, COARSE_STATE_TABLE, coarseTables, type CoarseTable } from '../../query/coarse-tables.ts'
import { grantToReader } from '../reader-role.ts'
import { columnList, qualifiedTable, quoteIdentifier, quoteLiteral, SCHEMA } from '../../text/sql-text.ts'

/** The state as SQL has it. `complete_until` is null where the tables are void, `-infinity` where they are empty. */
export const COARSE_STATE: string = qualifiedTable(COARSE_STATE_TABLE)

/** Columns of the amounts that a table of coarse cells has. */
export function amountColumns({ covering: { impressions, clicks, sums } }: CoarseTable): readonly string[] {
  return [...new Set([impressions, clicks, ...sums].filter((name) => name !== null))]
}

/** Creates the table of the state where it is missing. */
export async function ensureCoarseState(client: Client): Promise<void> {
  await client.query(`
    create table if not exists ${COARSE_STATE} (
      pipeline       text not null,
      length_ms      bigint not null,
      plan_hash      text not null,
      tables         text[] not null,
      complete_until timestamptz,
      primary key (pipeline, length_ms)
    )`)
}

/**
 * Makes room for the state of a plan's coarse cells, void where they are of another plan, and removes tables that the
 * plan no longer has. Inside the caller's transaction, which holds the lock of migrations.
 *
 * @param areReplaced the plan's tables are about to be emptied: coarse cells are void (H1)
 */
export async function migrateCoarse(client: Client, plan: Plan, areReplaced: boolean): Promise<void> {
  await ensureCoarseState(client)
  const tables = coarseTables(plan)
  const names = tables.map(({ name }) => name)
  const found = await lockState(client, plan, names)
  const own = found.filter(({ pipeline }) => pipeline === plan.name)
  const isSame =
    own.length === coarseLengths(plan).length &&
    own.every((row) => row.planHash === planHash(plan)) &&
    found.every((row) => row.isVoid || own.includes(row))
  if (isSame && !areReplaced) return
  await client.query(voidStatement(plan))
  const former = own.flatMap((row) => row.tables).filter((name) => !names.includes(name))
  for (const name of new Set(former)) await client.query(`drop table if exists ${qualifiedTable(name)}`)
  await client.query(`delete from ${COARSE_STATE} where pipeline = $1`, [plan.name])
  for (const lengthMs of coarseLengths(plan)) {
    const listed = tables.flatMap((table) => (table.lengthMs === lengthMs ? [table.name] : []))
    await client.query(`insert into ${COARSE_STATE} (pipeline, length_ms, plan_hash, tables) values ($1, $2, $3, $4)`, [
      plan.name,
      lengthMs,
      planHash(plan),
      listed,
    ])
  }
}

/** Declares the coarse cells of a plan void, and whoever else lists a table of theirs. Waits for a builder's piece. */
export function voidStatement(plan: Plan): string {
  const names = coarseTables(plan).map(({ name }) => quoteLiteral(name))
  return (
    `update ${COARSE_STATE} set complete_until = null ` +
    `where complete_until is not null and (pipeline = ${quoteLiteral(plan.name)} or tables && array[${names.join(', ')}]::text[])`
  )
}

/**
 * Whether a table has more dimensions than those of early cells: views ask it for few members of all but one of them.
 */
function isWide({ dimensions }: CoarseTable): boolean {
  return dimensions.length > 2
}

/**
 * The order in which rows of a period lie. Plans tend to name the dimension with most members first; in a wide table it
 * comes last, so that all of its members beside given ones of the others lie together.
 */
export function storedOrder(table: CoarseTable): readonly string[] {
  return isWide(table) ? table.dimensions.toReversed() : table.dimensions
}

/** How tables are read: by time alone, or by members too. */
type Indexes = 'by members' | 'plain'

/** Whether every table is there in its form, with the indexes that it is read by. */
export async function areAsWished(
  client: Client,
  tables: readonly CoarseTable[],
  indexes: Indexes = 'by members',
): Promise<boolean> {
  const found = await formsOf(client, tables)
  return tables.every((table) => isInForm(table, found.get(table.name), indexes))
}

/**
 * Makes tables what they should be, and readable for the role that only reads.
 *
 * @param indexes `plain` for tables that are only read by time
 */
export async function makeTables(
  client: Client,
  tables: readonly CoarseTable[],
  indexes: Indexes = 'by members',
): Promise<void> {
  const found = await formsOf(client, tables)
  for (const table of tables) {
    if (isInForm(table, found.get(table.name), indexes)) continue
    const name = qualifiedTable(table.name)
    const columns = columnsOf(table).map(([column, type]) => `${quoteIdentifier(column)} ${type}`)
    const statements = [
      `drop table if exists ${name}`,
      `create table ${name} (${columns.join(', ')})`,
      ...indexesOf(table, indexes).map((indexed) => `create index on ${name} (${columnList(indexed)})`),
    ]
    await client.query(statements.join('; '))
  }
  await grantToReader(client, [COARSE_STATE_TABLE, ...tables.map(({ name }) => name)])
}

interface StateRow {
  readonly pipeline: string
  readonly planHash: string
  readonly tables: readonly string[]
  readonly isVoid: boolean
}

/**
 * The rows of a pipeline, and of others that list one of the tables; nobody else changes them before the transaction
 * ends.
 */
async function lockState(client: Client, plan: Plan, names: readonly string[]): Promise<readonly StateRow[]> {
  const { rows } = await client.query<StateRow>(
    `select pipeline, plan_hash as "planHash", tables, complete_until is null as "isVoid" from ${COARSE_STATE}
      where pipeline = $1 or tables && $2 order by pipeline, length_ms for update`,
    [plan.name, names],
  )
  return rows
}

/** A table as it is there. */
interface Form {
  readonly columns: string
  /** The columns of each index, as JSON. */
  readonly indexes: readonly string[]
}

async function formsOf(client: Client, tables: readonly CoarseTable[]): Promise<ReadonlyMap<string, Form>> {
  const { rows } = await client.query<Form & { name: string }>(
    `select c.relname as name, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum) as columns,
            array(select json_agg(k.attname order by k.attnum)::text from pg_index x join pg_attribute k on k.attrelid = x.indexrelid
                   where x.indrelid = c.oid and x.indisvalid group by x.indexrelid) as indexes
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' and c.relname = any ($2) group by c.relname, c.oid`,
    [SCHEMA, tables.map(({ name }) => name)],
  )
  return new Map(rows.map(({ name, ...form }) => [name, form]))
}

function isInForm(table: CoarseTable, found: Form | undefined, indexes: Indexes): boolean {
  if (found?.columns !== formOf(table)) return false
  const present = new Set(found.indexes.map((text) => JSON.stringify(JSON.parse(text))))
  return indexesOf(table, indexes).every((columns) => present.has(JSON.stringify(columns)))
}

function indexesOf(table: CoarseTable, indexes: Indexes): readonly (readonly string[])[] {
  if (indexes === 'plain') return [['window_start']]
  const byTime = ['window_start', ...(isWide(table) ? storedOrder(table) : [])]
  return [byTime, ...table.dimensions.map((dimension) => [dimension, 'window_start'])]
}

function formOf(table: CoarseTable): string {
  return columnsOf(table)
    .map((column) => column.join(' '))
    .join(', ')
}

function columnsOf(table: CoarseTable): readonly (readonly [name: string, type: string])[] {
  const { sums } = table.covering
  const typeOf = (name: string): string => (sums.includes(name) ? 'numeric' : 'bigint')
  return [
    ['window_start', 'timestamp with time zone'],
    ...table.dimensions.map((name) => [name, 'text'] as const),
    ...amountColumns(table).map((name) => [name, typeOf(name)] as const),
  ]
}
