/**
 * The tables of narrow cells in the database, and from which window on each is kept.
 *
 * W1  They are written in the epoch's own transaction, by the owner of the epoch row alone. Anyone else who replaces
 *     the plan's tables declares them void in the same transaction.
 * W2  A table is kept from the first window on that no table of the plan held when its keeping began.
 */
import type { Client } from 'pg'
import { planHash } from '../pipeline/plan-hash.ts'
import type { Plan } from '../pipeline/plan.ts'
import { NARROW_STATE_TABLE, narrowTables, type NarrowTable } from '../query/narrow-tables.ts'
import { findRelation } from './found-schema.ts'
import { grantToReader } from './reader-role.ts'
import { qualifiedTable, quoteLiteral } from '../text/sql-text.ts'
import { tableChanges } from './table-changes.ts'

/** The state as SQL has it. A table that is void has no row. */
export const NARROW_STATE: string = qualifiedTable(NARROW_STATE_TABLE)

/** Makes room for the state. Inside the caller's transaction. */
export async function ensureNarrowState(client: Client): Promise<void> {
  await client.query(`
    create table if not exists ${NARROW_STATE} (
      name      text primary key,
      pipeline  text not null,
      plan_hash text not null,
      kept_from timestamptz not null
    )`)
}

/** Declares the narrow cells of a plan void. */
export function voidNarrowStatement(plan: Plan): string {
  const names = narrowTables(plan).map(({ name }) => quoteLiteral(name))
  return `delete from ${NARROW_STATE} where pipeline = ${quoteLiteral(plan.name)} or name = any (array[${names.join(', ')}]::text[])`
}

/** Declares some of them void. */
export async function voidNarrow(client: Client, names: readonly string[]): Promise<void> {
  await client.query(`delete from ${NARROW_STATE} where name = any ($1)`, [names])
}

/** Makes tables that are void ready to be kept from now on, and leaves the others as they are. Inside a claim. */
export async function keepNarrow(client: Client, plan: Plan): Promise<void> {
  const tables = narrowTables(plan)
  if (tables.length === 0) return
  const { rows } = await client.query<{ name: string }>(
    `select name from ${NARROW_STATE} where pipeline = $1 and plan_hash = $2 and name = any ($3)`,
    [plan.name, planHash(plan), tables.map(({ name }) => name)],
  )
  const kept = new Set(rows.map(({ name }) => name))
  for (const table of tables) {
    const found = await findRelation(client, table.name)
    if (found !== undefined && kept.has(table.name)) continue
    await begin(client, plan, table, found)
  }
  await grantToReader(client, [NARROW_STATE_TABLE, ...tables.map(({ name }) => name)])
}

async function begin(
  client: Client,
  plan: Plan,
  table: NarrowTable,
  found: Awaited<ReturnType<typeof findRelation>>,
): Promise<void> {
  for (const statement of tableChanges(table, found, true)) await client.query(statement)
  if (found !== undefined) await client.query(`truncate ${qualifiedTable(table.name)}`)
  const ends = plan.tables.map(({ name }) => `(select max(window_start) from ${qualifiedTable(name)})`)
  await client.query(
    `insert into ${NARROW_STATE} (name, pipeline, plan_hash, kept_from)
     values ($1, $2, $3, coalesce(greatest(${ends.join(', ')}) + ${quoteLiteral(`${plan.parameters.windowSizeMs} milliseconds`)}::interval, '-infinity'))
     on conflict (name) do update set pipeline = excluded.pipeline, plan_hash = excluded.plan_hash, kept_from = excluded.kept_from`,
    [table.name, plan.name, planHash(plan)],
  )
}
