/**
 * How far the tables of a snapshot are: from the epoch row where an engine of ours writes, otherwise from the tables.
 *
 * T1  What is read belongs to the snapshot, so it is true of everything else read in it.
 * T2  Without a row of ours, windows count as final up to the first one that is not: what a Flink job has closed.
 */
import { finalAfterMs, type Plan } from '../../pipeline/plan.ts'
import type { TableState } from '../../query/view-span.ts'
import { qualifiedTable, quoteLiteral, SCHEMA } from '../../query/sql-text.ts'
import { META } from '../../database/meta-table.ts'
import type { Snapshot } from './reader-pool.ts'

const MILLISECONDS = (time: string): string => `(extract(epoch from ${time}) * 1000)::bigint`

/** The state of the plan's tables in a snapshot. */
export async function readTableState(snapshot: Snapshot, plan: Plan): Promise<TableState> {
  const state = (await stateOfRow(snapshot, plan)) ?? (await stateOfTables(snapshot, plan))
  return { ...state, sizes: await sizesOf(snapshot, plan) }
}

// What the server keeps for its own plans: near enough to tell a small table from a large one.
async function sizesOf(snapshot: Snapshot, plan: Plan): Promise<ReadonlyMap<string, number>> {
  const names = plan.tables.map(({ name }) => quoteLiteral(name)).join(', ')
  const rows = await snapshot.rows(
    `select relname, reltuples from pg_class where relnamespace = to_regnamespace(${quoteLiteral(SCHEMA)}) and relname in (${names})`,
  )
  return new Map(rows.map(([name, count]) => [name ?? '', Number(count)]))
}

async function stateOfRow(snapshot: Snapshot, plan: Plan): Promise<TableState | undefined> {
  const [found] = await snapshot.rows(
    `select has_column_privilege(to_regclass(${quoteLiteral(META)})::oid, 'epoch', 'select')`,
  )
  if (found?.[0] !== 't') return undefined
  const [row] = await snapshot.rows(
    `select epoch, case when isfinite(watermark) then ${MILLISECONDS('watermark')}::text else watermark::text end
       from ${META} where pipeline = ${quoteLiteral(plan.name)}`,
  )
  if (row === undefined) return undefined
  return { epoch: Number(row[0]), watermarkMs: watermarkOf(row[1] ?? null) }
}

function watermarkOf(text: string | null): number | null {
  if (text === null || text === '-infinity') return null
  return text === 'infinity' ? Infinity : Number(text)
}

async function stateOfTables(snapshot: Snapshot, plan: Plan): Promise<TableState> {
  const [smallest] = plan.tables.toSorted((a, b) => a.dimensions.length - b.dimensions.length)
  if (smallest === undefined) return { epoch: null, watermarkMs: null }
  const name = qualifiedTable(smallest.name)
  const [row] = await snapshot.rows(
    `select ${MILLISECONDS(
      'least(closed.window_end, (select min(window_start) from ' +
        `${name} where not is_final and window_start > closed.window_end - interval '1 day'))`,
    )}
       from (select window_end from ${name} where is_final order by window_start desc limit 1) as closed`,
  )
  const text = row?.[0] ?? null
  return { epoch: null, watermarkMs: text === null ? null : Number(text) + finalAfterMs(plan.parameters) }
}
