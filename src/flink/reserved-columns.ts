/**
 * Columns that Flink cannot write: its JDBC connector puts the names of columns into PostgreSQL's statements as they
 * stand, so a key word of PostgreSQL would be a syntax error there.
 */
import { TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'

/** The reserved key words of PostgreSQL 13 to 18, those that may name functions or types included. */
const RESERVED: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
  localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
  select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
  variadic verbose when where window with`.split(/\s+/),
)

/**
 * Checks that Flink can write every column of a plan.
 *
 * @throws TidemarkError DEFINITION_INVALID naming the columns
 */
export function requireWritableColumns(plan: Plan): void {
  const columns = allTables(plan).flatMap((table) =>
    table.columns.filter(({ name }) => RESERVED.has(name)).map(({ name }) => `"${name}" of ${table.name}`),
  )
  if (columns.length === 0) return
  const message = `Flink cannot write columns that are reserved words of PostgreSQL: ${columns.join(', ')}.`
  throw new TidemarkError('DEFINITION_INVALID', message, {
    where: `pipeline ${plan.name}`,
    fix: 'give these dimensions or measures other names (a dimension reads any field with "field"), or use ./tidemark run',
  })
}
