/**
 * SQL that makes cells of longer periods or fewer dimensions from those of a wider table, and that takes up what
 * changed in them.
 */
import type { CoarseTable } from '../../query/coarse-tables.ts'
import { columnList, periodStart, qualifiedTable, quoteIdentifier, timeLiteral } from '../../text/sql-text.ts'
import { amountColumns, storedOrder } from './coarse-schema.ts'

/** Inserts rows of one table for the periods from `startMs` to `endMs`, in the order in which they are read. */
export function pieceStatement(table: CoarseTable, startMs: number, endMs: number): string {
  const { covering, dimensions, lengthMs, parent } = table
  const period = endMs - startMs === lengthMs ? timeLiteral(startMs) : periodStart(lengthMs)
  const members = dimensions.map(quoteIdentifier)
  return (
    `${insertInto(table)} select ${[period, ...members, ...addedAmounts(table)].join(', ')} from ${qualifiedTable(parent ?? covering.table.name)} ` +
    `where window_start >= ${timeLiteral(startMs)} and window_start < ${timeLiteral(endMs)} ` +
    `group by ${['1', ...members].join(', ')} order by ${['1', ...storedOrder(table).map(quoteIdentifier)].join(', ')}`
  )
}

/**
 * Adds what changed in a window to the cells of its period, of a table that has all dimensions of the changes: less
 * work than making many cells anew for some.
 */
export function addedStatement(table: CoarseTable, changes: CoarseTable, windowMs: number): string {
  const { dimensions, lengthMs } = table
  const period = timeLiteral(Math.floor(windowMs / lengthMs) * lengthMs)
  const columns = columnList([...dimensions, ...amountColumns(table)])
  const isSame = dimensions.map(quoteIdentifier).map((member) => `former.${member} = changed.${member}`)
  return (
    `with changed as (select ${columns} from ${qualifiedTable(changes.name)} where window_start = ${timeLiteral(windowMs)}), ` +
    `taken as (delete from ${qualifiedTable(table.name)} as former using (select distinct ${columnList(dimensions)} from changed) as changed ` +
    `where former.window_start = ${period} and ${isSame.join(' and ')} ` +
    `returning ${columnList([...dimensions, ...amountColumns(table)], 'former.')}) ` +
    `${insertInto(table)} select ${[period, columnList(dimensions), ...addedAmounts(table)].join(', ')} ` +
    `from (select ${columns} from taken union all select ${columns} from changed) as cells ` +
    `group by ${columnList(dimensions)} order by ${columnList(storedOrder(table))}`
  )
}

function insertInto(table: CoarseTable): string {
  const columns = columnList(['window_start', ...table.dimensions, ...amountColumns(table)])
  return `insert into ${qualifiedTable(table.name)} (${columns})`
}

function addedAmounts(table: CoarseTable): readonly string[] {
  const { impressions, clicks } = table.covering
  return amountColumns(table).map((name) => {
    const sum = `sum(${quoteIdentifier(name)})`
    return name === impressions || name === clicks ? `${sum}::bigint` : sum
  })
}
