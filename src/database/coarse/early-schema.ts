/**
 * The tables of early cells in the database, and of which windows there are any.
 *
 * Y1  Only who writes epochs makes a row of the state, in its claim, and from then on keeps changes with every epoch
 *     (`src/sinks/postgres/change-log.ts`). Cells of a claim by another owner than the one before are void: who wrote
 *     in between kept none.
 * Y2  Whoever else replaces the plan's tables removes the row in the same transaction. A row without times is void as
 *     well: nobody reads the tables, and the builder empties them first.
 * Y3  A claim empties changes that an earlier transaction declared void: nobody else removes those that were given up.
 * Y4  A row is of a plan and of a list of tables (`earlyLayout`): what another version keeps is foreign to this one,
 *     and void.
 */
import type { Client } from 'pg'
import type { Plan } from '../../pipeline/plan.ts'
import { EARLY_STATE_TABLE, earlyLayout, type EarlySet, earlySets } from '../../query/early-tables.ts'
import { grantToReader } from '../reader-role.ts'
import { qualifiedTable, quoteLiteral } from '../../text/sql-text.ts'
import { areAsWished, makeTables } from './coarse-schema.ts'

/** The state as SQL has it: a row for each wide table. */
export const EARLY_STATE: string = qualifiedTable(EARLY_STATE_TABLE)

/** Makes room for the state. Inside the caller's transaction. */
export async function ensureEarlyState(client: Client): Promise<void> {
  await client.query(`
    create table if not exists ${EARLY_STATE} (
      name        text primary key,
      pipeline    text not null,
      plan_hash   text not null,
      owner       text not null,
      kept_from   timestamptz,
      built_until timestamptz
    )`)
}

/** Declares the early cells of a plan void, and those of whoever else keeps some of the same tables. */
export function voidEarlyStatement(plan: Plan): string {
  const names = earlySets(plan).map(({ source }) => quoteLiteral(source.table.name))
  return `delete from ${EARLY_STATE} where pipeline = ${quoteLiteral(plan.name)} or name = any (array[${names.join(', ')}]::text[])`
}

/**
 * Makes early cells ready to be kept by an owner from now on, and leaves those of the owner before as they are (Y1).
 * Inside a claim.
 */
export async function keepEarly(client: Client, plan: Plan, owner: string, before: string | null): Promise<void> {
  const sets = earlySets(plan)
  if (sets.length === 0) return
  const changes = sets.map((set) => set.changes)
  // Before any row goes here: a snapshot that holds one still reads its changes, and a truncated table is empty to all.
  const areVoid = await voidSets(client, sets)
  if (!(await areAsWished(client, changes, 'plain'))) await client.query(voidEarlyStatement(plan))
  await makeTables(client, changes, 'plain')
  for (const set of areVoid) await client.query(`truncate ${qualifiedTable(set.changes.name)}`)
  await client.query(
    `delete from ${EARLY_STATE} where pipeline = $1 and (owner is distinct from $2 or plan_hash <> $3 or not name = any ($4))`,
    [plan.name, before, earlyLayout(plan), sets.map(nameOf)],
  )
  for (const set of sets)
    await client.query(
      `insert into ${EARLY_STATE} as s (name, pipeline, plan_hash, owner) values ($1, $2, $3, $4)
       on conflict (name) do update set owner = excluded.owner, pipeline = excluded.pipeline, plan_hash = excluded.plan_hash,
         kept_from = case when s.pipeline = excluded.pipeline then s.kept_from end,
         built_until = case when s.pipeline = excluded.pipeline then s.built_until end`,
      [nameOf(set), plan.name, earlyLayout(plan), owner],
    )
  await grantToReader(client, [EARLY_STATE_TABLE, ...changes.map(({ name }) => name)])
}

async function voidSets(client: Client, sets: readonly EarlySet[]): Promise<readonly EarlySet[]> {
  const { rows } = await client.query<{ name: string }>(`select name from ${EARLY_STATE}`)
  const names = new Set(rows.map(({ name }) => name))
  return sets.filter((set) => !names.has(nameOf(set)))
}

const nameOf = ({ source }: EarlySet): string => source.table.name
