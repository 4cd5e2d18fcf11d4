/**
 * Brings the database to the plan: creates what is missing, extends what is there, refuses what would lose data.
 *
 * All of it happens in one transaction. What the pipelines of a database share (the meta table, the state of coarse,
 * narrow and early cells, the read-only role) is made by one instance at a time; where it is in place, a migration
 * locks none of it.
 */
import type { Client } from 'pg'
import { codeOf, TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { ensureCoarseState, migrateCoarse, voidStatement } from './coarse/coarse-schema.ts'
import { ensureEarlyState, voidEarlyStatement } from './coarse/early-schema.ts'
import { inTransaction } from './connection.ts'
import { findRelation, holdsRows } from './found-schema.ts'
import { ensureMetaTable } from './meta-table.ts'
import { ensureNarrowState, voidNarrowStatement } from './narrow-schema.ts'
import { grantReaderRole, prepareReaderRole, type ReaderRoleReport } from './reader-role.ts'
import { qualifiedTable } from '../text/sql-text.ts'
import { tableChanges } from './table-changes.ts'

/** What a migration did. */
export interface MigrationReport {
  /** The statements that changed tables; none when everything was in place. */
  readonly statements: readonly string[]
  readonly readerRole: ReaderRoleReport
}

export interface MigrateOptions {
  /** The rows in the tables are about to be replaced: a table of another form is made anew though it holds some. */
  readonly discardRows?: boolean
  /** Other tables of ours, which exist, that the read-only role may read. */
  readonly alsoReadable?: readonly string[]
}

/** Any number that no other program uses for an advisory lock. */
const MIGRATION_LOCK = 7_433_660_112

/**
 * Migrates the tables of a plan, in a transaction of its own.
 *
 * @throws TidemarkError DATABASE_SCHEMA_MISMATCH naming table and column, what is and what should be; DATABASE_BUSY
 */
export async function migrate(client: Client, plan: Plan, options: MigrateOptions = {}): Promise<MigrationReport> {
  return inTransaction(client, async () => {
    await lockMigrations(client)
    return migrateTables(client, plan, options)
  })
}

/**
 * Makes what the pipelines of a database share, in a transaction of its own. A migration after it that is kept open for
 * long is in nobody's way.
 *
 * @throws TidemarkError DATABASE_BUSY, retryable
 */
export async function prepareDatabase(client: Client): Promise<void> {
  await inTransaction(client, async () => {
    await lockMigrations(client)
    await ensureMetaTable(client)
    await ensureCoarseState(client)
    await ensureNarrowState(client)
    await ensureEarlyState(client)
    await prepareReaderRole(client)
  })
}

/**
 * Waits until no other instance changes tables, and keeps others waiting until the transaction ends.
 *
 * @throws TidemarkError DATABASE_BUSY, retryable
 */
export async function lockMigrations(client: Client): Promise<void> {
  try {
    await client.query(`set local lock_timeout = '9s'`)
    await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  } catch (error) {
    if (codeOf(error) !== '55P03') throw error
    throw new TidemarkError('DATABASE_BUSY', 'Another instance is changing the tables of this database.', {
      retryable: true,
      fix: 'try again when it has finished',
      cause: error,
    })
  }
}

/** The same as {@link migrate}, inside the caller's transaction. */
export async function migrateTables(client: Client, plan: Plan, options: MigrateOptions): Promise<MigrationReport> {
  await ensureMetaTable(client)
  await migrateCoarse(client, plan, options.discardRows === true)
  await ensureNarrowState(client)
  await ensureEarlyState(client)
  if (options.discardRows === true) await client.query(`${voidNarrowStatement(plan)}; ${voidEarlyStatement(plan)}`)
  const statements: string[] = []
  for (const table of allTables(plan)) {
    const found = await findRelation(client, table.name)
    const isTable = found !== undefined && (found.kind === 'r' || found.kind === 'p')
    const isEmpty = options.discardRows === true || !isTable || !(await holdsRows(client, table.name))
    statements.push(...tableChanges(table, found, isEmpty && isTable))
  }
  for (const statement of statements) await client.query(statement)
  const readerRole = await grantReaderRole(client, plan, options.alsoReadable)
  return { statements, readerRole }
}

/** Empties the tables of a plan, at once. Readers wait for that moment only. */
export async function clearTables(client: Client, plan: Plan): Promise<void> {
  const tables = allTables(plan).map((table) => qualifiedTable(table.name))
  const areVoid = [voidStatement(plan), voidNarrowStatement(plan), voidEarlyStatement(plan)]
  await client.query(`${areVoid.join('; ')}; truncate ${tables.join(', ')}`)
}

/** Names of the plan's tables that exist and hold a row. */
export async function tablesWithRows(client: Client, plan: Plan): Promise<readonly string[]> {
  const names: string[] = []
  for (const { name } of allTables(plan)) {
    const found = await findRelation(client, name)
    if (found !== undefined && 'rp'.includes(found.kind) && (await holdsRows(client, name))) names.push(name)
  }
  return names
}
