/**
 * SQL that makes cells of longer periods or fewer dimensions from those of a wider table.
 */
import type { CoarseTable } from '../../query/coarse-tables.ts'
import { columnList, qualifiedTable, quoteIdentifier, quoteLiteral } from '../../text/sql-text.ts'
import { amountColumns } from './coarse-schema.ts'

/** Inserts rows of one table for the periods from `startMs` to `endMs`. In order, so that a member's rows of a period lie together. */
export function pieceStatement(table: CoarseTable, startMs: number, endMs: number): string {
  const { covering, dimensions, lengthMs, parent } = table
  const { impressions, clicks } = covering
  const seconds = lengthMs / 1_000
  const period =
    endMs - startMs === lengthMs
      ? timeLiteral(startMs)
      : `to_timestamp(floor(extract(epoch from window_start) / ${seconds}) * ${seconds})`
  const columns = amountColumns(table)
  const amounts = columns.map((name) => {
    const sum = `sum(${quoteIdentifier(name)})`
    return name === impressions || name === clicks ? `${sum}::bigint` : sum
  })
  const members = dimensions.map(quoteIdentifier)
  const groups = ['1', ...members]
  return (
    `insert into ${qualifiedTable(table.name)} (${columnList(['window_start', ...dimensions, ...columns])}) ` +
    `select ${[period, ...members, ...amounts].join(', ')} from ${qualifiedTable(parent ?? covering.table.name)} ` +
    `where window_start >= ${timeLiteral(startMs)} and window_start < ${timeLiteral(endMs)} group by ${groups.join(', ')} order by ${groups.join(', ')}`
  )
}

/** A moment as SQL has it. */
export function timeLiteral(ms: number): string {
  return `timestamptz ${quoteLiteral(new Date(ms).toISOString())}`
}
