/**
 * `tidemark_meta`: one row for each pipeline that wrote to this database: its plan, who wrote last and how far. What
 * the epoch protocol keeps in it is read and written by `epoch-row.ts`.
 */
import type { Client } from 'pg'
import { planHash } from '../pipeline/plan-hash.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { findRelation } from './found-schema.ts'
import { qualifiedTable } from '../text/sql-text.ts'

/** Who writes: a command, or a Flink job, which numbers no epochs. */
export type WriterKind = 'demo' | 'run' | 'replay' | 'flink'

/** Its name, on every server. */
export const META_TABLE = 'tidemark_meta'

/** The same as SQL has it. */
export const META: string = qualifiedTable(META_TABLE)

// Columns of a later version than the table: nullable or with a default, so that older rows and programs go on.
const LATER_COLUMNS: readonly (readonly [name: string, definition: string])[] = [
  ['folder_id', 'text'],
  ['owner', 'text'],
  ['owner_name', 'text'],
  ['claimed_at', 'timestamptz'],
  ['positions', `jsonb not null default '{}'`],
  ['format_version', 'int not null default 1'],
  ['dead_letters_dropped', 'bigint not null default 0'],
]

/** Creates the table where it is missing, and what it lacks. */
export async function ensureMetaTable(client: Client): Promise<void> {
  await client.query(`
    create table if not exists ${META} (
      pipeline   text primary key,
      plan_hash  text not null,
      plan       jsonb not null,
      tables     text[] not null,
      writer     text not null,
      epoch      bigint not null default 0,
      watermark  timestamptz,
      started_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`)
  const found = await findRelation(client, META_TABLE)
  const present = new Set(found?.columns.map((column) => column.name))
  const missing = LATER_COLUMNS.filter(([name]) => !present.has(name))
  // Adding none would still lock the table against every reader.
  if (missing.length === 0) return
  const additions = missing.map(([name, definition]) => `add column if not exists ${name} ${definition}`)
  await client.query(`alter table ${META} ${additions.join(', ')}`)
}

/**
 * Says that `writer` begins to write the plan's tables, from epoch 0 on. Whoever wrote any of them before owns them no
 * longer (F1 of `epoch-row.ts`).
 */
export async function recordWriter(client: Client, plan: Plan, writer: WriterKind): Promise<void> {
  const tables = allTables(plan).map((table) => table.name)
  await client.query(
    `insert into ${META} as m (pipeline, plan_hash, plan, tables, writer)
     values ($1, $2, $3, $4, $5)
     on conflict (pipeline) do update set plan_hash = excluded.plan_hash, plan = excluded.plan, tables = excluded.tables,
       writer = excluded.writer, epoch = 0, watermark = null, started_at = now(), updated_at = now(),
       folder_id = null, owner = null, owner_name = null, claimed_at = null, positions = '{}',
       format_version = 1, dead_letters_dropped = 0`,
    [plan.name, planHash(plan), JSON.stringify(plan), tables, writer],
  )
  await disownOthers(client, plan)
}

/** Takes the tables of the plan from every other pipeline that lists one of them. */
export async function disownOthers(client: Client, plan: Plan): Promise<void> {
  const tables = allTables(plan).map((table) => table.name)
  await client.query(
    `update ${META} set owner = null, owner_name = $3, claimed_at = now()
      where pipeline <> $1 and tables && $2 and owner is not null`,
    [plan.name, tables, `pipeline "${plan.name}"`],
  )
}

/** Who may write a table of the plan, under whatever name of pipeline, in words; undefined for nobody. */
export async function tablesOwner(client: Client, plan: Plan): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select coalesce(owner_name, 'tidemark ' || writer) as name from ${META}
      where (pipeline = $1 or tables && $2) and owner is not null limit 1`,
    [plan.name, allTables(plan).map((table) => table.name)],
  )
  return rows[0]?.name
}

/** Gives the tables of the plan to a Flink job. What rows say of epochs is of before. `by` takes over: for people. */
export async function giveToJob(client: Client, plan: Plan, by: string): Promise<void> {
  await client.query(
    `update ${META} set owner = null, owner_name = $3, writer = 'flink', claimed_at = now()
      where (pipeline = $1 or tables && $2) and writer <> 'flink'`,
    [plan.name, allTables(plan).map((table) => table.name), by],
  )
}

/**
 * Says that an epoch's values are in the tables. Part of the epoch's own transaction.
 *
 * @param watermarkMs ±Infinity is kept as such
 */
export async function recordEpoch(client: Client, plan: Plan, number: number, watermarkMs: number): Promise<void> {
  await client.query({
    name: 'tidemark_epoch',
    text: `update ${META} set epoch = $2, watermark = $3, updated_at = now() where pipeline = $1`,
    values: [plan.name, number, watermarkText(watermarkMs)],
  })
}

/** A watermark as a parameter of type `timestamptz`. */
export function watermarkText(watermarkMs: number): string {
  if (watermarkMs === Infinity) return 'infinity'
  return watermarkMs === -Infinity ? '-infinity' : new Date(watermarkMs).toISOString()
}

/** Who wrote last to a table. */
export interface LastWriter {
  readonly writer: WriterKind
  /** The data folder of a live run; null for others. */
  readonly folderId: string | null
}

/**
 * Who wrote last to each table that some pipeline listed as its own, under whatever name of pipeline. A table that is
 * not in here is none of ours.
 */
export async function lastWriters(client: Client): Promise<ReadonlyMap<string, LastWriter>> {
  const { rows } = await client.query<LastWriter & { table: string }>(
    `select distinct on (t) t as table, writer, folder_id as "folderId"
       from ${META}, unnest(tables) as t order by t, updated_at desc`,
  )
  return new Map(rows.map(({ table, writer, folderId }) => [table, { writer, folderId }]))
}
