/**
 * `tidemark_meta`: one row for each pipeline that wrote to this database: its plan, who wrote last and how far.
 */
import type { Client } from 'pg'
import { planHash } from '../pipeline/plan-hash.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { qualifiedTable } from './sql-text.ts'

/** The command that writes. */
export type WriterKind = 'demo' | 'run' | 'replay'

/** Its name, on every server. */
export const META_TABLE = 'tidemark_meta'

const META = qualifiedTable(META_TABLE)

/** Creates the table where it is missing. Columns added by later versions must be nullable or have a default. */
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
}

/** Says that `writer` begins to write the plan's tables, from epoch 0 on. */
export async function recordWriter(client: Client, plan: Plan, writer: WriterKind): Promise<void> {
  const tables = allTables(plan).map((table) => table.name)
  await client.query(
    `insert into ${META} as m (pipeline, plan_hash, plan, tables, writer)
     values ($1, $2, $3, $4, $5)
     on conflict (pipeline) do update set plan_hash = excluded.plan_hash, plan = excluded.plan, tables = excluded.tables,
       writer = excluded.writer, epoch = 0, watermark = null, started_at = now(), updated_at = now()`,
    [plan.name, planHash(plan), JSON.stringify(plan), tables, writer],
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

function watermarkText(watermarkMs: number): string {
  if (watermarkMs === Infinity) return 'infinity'
  return watermarkMs === -Infinity ? '-infinity' : new Date(watermarkMs).toISOString()
}

/**
 * Who wrote last to each table that some pipeline listed as its own, under whatever name of pipeline. A table that is not
 * in here is none of ours.
 */
export async function lastWriters(client: Client): Promise<ReadonlyMap<string, WriterKind>> {
  const { rows } = await client.query<{ table: string; writer: WriterKind }>(
    `select distinct on (t) t as table, writer from ${META}, unnest(tables) as t order by t, updated_at desc`,
  )
  return new Map(rows.map(({ table, writer }) => [table, writer]))
}
