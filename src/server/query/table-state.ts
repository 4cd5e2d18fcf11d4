/**
 * How far the tables of a snapshot are: from the epoch row where an engine of ours writes, otherwise from the tables.
 *
 * T1  What is read belongs to the snapshot, so it is true of everything else read in it.
 * T2  Without a row of ours, or with one of before a Flink job was given the tables, windows count as final up to the
 *     first one that is not: what a Flink job has closed.
 * T3  Coarse, narrow and early cells count as far as their state in the same snapshot says, and of this very plan only.
 */
import { planHash } from '../../pipeline/plan-hash.ts'
import { finalAfterMs, type Plan } from '../../pipeline/plan.ts'
import { COARSE_STATE_TABLE, type CoarseState, coarseTables } from '../../query/coarse-tables.ts'
import { NARROW_STATE_TABLE, type NarrowState, narrowTables } from '../../query/narrow-tables.ts'
import {
  EARLY_STATE_TABLE,
  earlyLayout,
  type EarlyState,
  earlySets,
  earlyTableNames,
} from '../../query/early-tables.ts'
import type { TableState } from '../../query/view-span.ts'
import { epochMs, qualifiedTable, quoteLiteral, SCHEMA } from '../../text/sql-text.ts'
import { META } from '../../database/meta-table.ts'
import type { Snapshot } from './reader-pool.ts'

/** The state of the plan's tables in a snapshot. */
export async function readTableState(snapshot: Snapshot, plan: Plan): Promise<TableState> {
  const state = (await stateOfRow(snapshot, plan)) ?? (await stateOfTables(snapshot, plan))
  const sizes = await sizesOf(snapshot, plan)
  const coarse = await coarseState(snapshot, plan, sizes)
  const narrow = await narrowState(snapshot, plan, sizes)
  const early = await earlyState(snapshot, plan, sizes)
  const cells = Object.entries({ coarse, narrow, early }).filter(([, found]) => found !== undefined)
  return { ...state, sizes, ...Object.fromEntries(cells) }
}

// What the server keeps for its own plans: near enough to tell a small table from a large one. Only what may be read.
async function sizesOf(snapshot: Snapshot, plan: Plan): Promise<ReadonlyMap<string, number>> {
  const tables = [...plan.tables, ...coarseTables(plan), ...narrowTables(plan)].map(({ name }) => name)
  const early = earlySets(plan).flatMap(earlyTableNames)
  const names = [...tables, ...early, COARSE_STATE_TABLE, NARROW_STATE_TABLE, EARLY_STATE_TABLE].map(quoteLiteral)
  const rows = await snapshot.rows(
    `select relname, reltuples from pg_class where relnamespace = to_regnamespace(${quoteLiteral(SCHEMA)})
        and relname in (${names.join(', ')}) and has_table_privilege(oid, 'select')`,
  )
  return new Map(rows.map(([name, count]) => [name ?? '', Number(count)]))
}

/** How far coarse cells are (T3); undefined where there are none, or not all of them may be read. */
async function coarseState(
  snapshot: Snapshot,
  plan: Plan,
  readable: ReadonlyMap<string, number>,
): Promise<CoarseState | undefined> {
  const tables = [COARSE_STATE_TABLE, ...coarseTables(plan).map(({ name }) => name)]
  if (!tables.every((name) => readable.has(name))) return undefined
  const rows = await snapshot.rows(
    `select length_ms, ${epochMs('complete_until')} from ${qualifiedTable(COARSE_STATE_TABLE)}
      where pipeline = ${quoteLiteral(plan.name)} and plan_hash = ${quoteLiteral(planHash(plan))}
        and isfinite(complete_until) order by length_ms`,
  )
  return rows.length === 0 ? undefined : new Map(rows.map(([length, until]) => [Number(length), Number(until)]))
}

/** From when on narrow cells are kept (T3); undefined where there are none that may be read. */
async function narrowState(
  snapshot: Snapshot,
  plan: Plan,
  readable: ReadonlyMap<string, number>,
): Promise<NarrowState | undefined> {
  const names = narrowTables(plan).flatMap(({ name }) => (readable.has(name) ? [name] : []))
  if (names.length === 0 || !readable.has(NARROW_STATE_TABLE)) return undefined
  const rows = await snapshot.rows(
    `select name, case when isfinite(kept_from) then ${epochMs('kept_from')}::text else '-Infinity' end
       from ${qualifiedTable(NARROW_STATE_TABLE)}
      where plan_hash = ${quoteLiteral(planHash(plan))} and name in (${names.map(quoteLiteral).join(', ')})`,
  )
  return new Map(rows.map(([name, from]) => [name ?? '', Number(from)]))
}

/** Which windows have early cells (T3); undefined where none have that may be read. */
async function earlyState(
  snapshot: Snapshot,
  plan: Plan,
  readable: ReadonlyMap<string, number>,
): Promise<EarlyState | undefined> {
  const sets = earlySets(plan).filter((set) => earlyTableNames(set).every((name) => readable.has(name)))
  if (sets.length === 0 || !readable.has(EARLY_STATE_TABLE)) return undefined
  const names = sets.map(({ source }) => quoteLiteral(source.table.name))
  const rows = await snapshot.rows(
    `select name, ${epochMs('kept_from')}, ${epochMs('built_until')} from ${qualifiedTable(EARLY_STATE_TABLE)}
      where pipeline = ${quoteLiteral(plan.name)} and plan_hash = ${quoteLiteral(earlyLayout(plan))}
        and name in (${names.join(', ')}) and kept_from < built_until`,
  )
  return new Map(rows.map(([name, from, until]) => [name ?? '', { fromMs: Number(from), untilMs: Number(until) }]))
}

async function stateOfRow(snapshot: Snapshot, plan: Plan): Promise<TableState | undefined> {
  const [found] = await snapshot.rows(
    `select has_column_privilege(to_regclass(${quoteLiteral(META)})::oid, 'epoch', 'select')`,
  )
  if (found?.[0] !== 't') return undefined
  const [row] = await snapshot.rows(
    `select epoch, case when isfinite(watermark) then ${epochMs('watermark')}::text else watermark::text end
       from ${META} where pipeline = ${quoteLiteral(plan.name)} and writer <> 'flink'`,
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
    `select ${epochMs(
      'least(closed.window_end, (select min(window_start) from ' +
        `${name} where not is_final and window_start > closed.window_end - interval '1 day'))`,
    )}
       from (select window_end from ${name} where is_final order by window_start desc limit 1) as closed`,
  )
  const text = row?.[0] ?? null
  return { epoch: null, watermarkMs: text === null ? null : Number(text) + finalAfterMs(plan.parameters) }
}
