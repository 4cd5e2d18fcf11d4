/**
 * What a table looks like in the database now, read from the catalog.
 */
import type { Client } from 'pg'
import { qualifiedTable, SCHEMA } from '../text/sql-text.ts'

export interface FoundColumn {
  readonly name: string
  /** As the catalog writes it, such as `numeric(20,6)`. */
  readonly type: string
  readonly notNull: boolean
  readonly hasDefault: boolean
}

export interface FoundRelation {
  /** `r` table, `p` partitioned table, `v` view, `m` materialised view, and so on. */
  readonly kind: string
  readonly columns: readonly FoundColumn[]
  /** Columns of the primary key in order; empty where there is none. */
  readonly primaryKey: readonly string[]
}

/** The relation called `name`, or undefined. */
export async function findRelation(client: Client, name: string): Promise<FoundRelation | undefined> {
  const found = await client.query<{ oid: string; kind: string }>(
    `select c.oid::text as oid, c.relkind::text as kind
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2`,
    [SCHEMA, name],
  )
  const relation = found.rows[0]
  if (relation === undefined) return undefined
  const columns = await client.query<FoundColumn>(
    `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull", atthasdef as "hasDefault"
       from pg_attribute where attrelid = $1::oid and attnum > 0 and not attisdropped order by attnum`,
    [relation.oid],
  )
  const key = await client.query<{ name: string }>(
    `select a.attname as name
       from pg_index i cross join unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
      where i.indrelid = $1::oid and i.indisprimary order by k.place`,
    [relation.oid],
  )
  return { kind: relation.kind, columns: columns.rows, primaryKey: key.rows.map((row) => row.name) }
}

/** Whether a table holds any row. */
export async function holdsRows(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    `select exists (select 1 from ${qualifiedTable(name)}) as held`,
  )
  return rows[0]?.held ?? false
}
