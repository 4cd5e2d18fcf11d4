/**
 * Whether a database holds the tables of a plan, for whoever reads tables that somebody else fills.
 */
import type { Client } from 'pg'
import { TidemarkError } from '../errors.ts'
import { planChanges } from '../pipeline/plan-changes.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { quoteLiteral } from '../text/sql-text.ts'
import { connect } from './connection.ts'
import { databaseError, describeUrl } from './database-error.ts'
import { findRelation } from './found-schema.ts'
import { META } from './meta-table.ts'

/**
 * What the plan that they were written by differs in from ours, in words; none where that is the same, or not known.
 *
 * @param url any user who may read the tables
 * @throws TidemarkError DATABASE_SCHEMA_MISMATCH naming what is missing; DATABASE_UNAVAILABLE
 */
export async function requireTables(url: string, plan: Plan): Promise<readonly string[]> {
  const connection = await connect({ url, applicationName: 'tidemark page' })
  try {
    await requireAll(connection.client, plan, describeUrl(url))
    return await changesSince(connection.client, plan)
  } catch (error) {
    throw databaseError(error, 'look for the tables', url)
  } finally {
    await connection.close()
  }
}

async function requireAll(client: Client, plan: Plan, where: string): Promise<void> {
  const tables = allTables(plan)
  const missing: string[] = []
  for (const { name, columns } of tables) {
    const found = await findRelation(client, name)
    const lacking = columns.filter((column) => found?.columns.every((other) => other.name !== column.name) ?? false)
    if (found === undefined) missing.push(`table "${name}"`)
    else missing.push(...lacking.map((column) => `column "${column.name}" of "${name}"`))
  }
  if (missing.length === 0) return
  const isEmpty = missing.length === tables.length && missing.every((what) => what.startsWith('table'))
  throw new TidemarkError(
    'DATABASE_SCHEMA_MISMATCH',
    isEmpty
      ? `There are no tables of pipeline "${plan.name}" in ${where}.`
      : `The tables of pipeline "${plan.name}" in ${where} are of another definition: ${missing.join(', ')} not there.`,
    {
      where,
      fix: isEmpty
        ? 'fill them first (./tidemark run, replay or flink submit), or name the database that holds them'
        : 'give the definition that they were written with (--definition), or name another database',
    },
  )
}

/** A Flink job leaves no plan; of who may not read the row nothing is known either. */
async function changesSince(client: Client, plan: Plan): Promise<readonly string[]> {
  const { rows: rights } = await client.query<{ may: boolean | null }>(
    `select has_table_privilege(to_regclass(${quoteLiteral(META)})::oid, 'select') as may`,
  )
  if (rights[0]?.may !== true) return []
  const { rows } = await client.query<{ plan: unknown }>(
    `select plan from ${META} where pipeline = $1 and writer <> 'flink'`,
    [plan.name],
  )
  return rows[0] === undefined ? [] : planChanges(rows[0].plan, plan)
}
