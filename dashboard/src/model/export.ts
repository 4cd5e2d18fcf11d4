/**
 * What is seen as CSV and JSON.
 *
 * E1  A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers never do.
 * E2  Numbers are as exact as they were sent: money with its six decimals, a ratio as the double it is.
 */
import { formatMicros } from '../../../src/pipeline/cells.ts'
import type { PageMeasure, PagePlan } from '../../../src/pipeline/page.ts'
import type { RankedMember } from '../../../src/query/view-answer.ts'
import type { Values } from '../../../src/server/page-data.ts'
import { measuresKept } from './answerable.ts'
import { valuesReader } from './answer-values.ts'
import type { ChartModel } from './chart-model.ts'
import { amountOf, measureNumber } from './measures.ts'

export type ExportCell = string | number | boolean | null

/** A table to take away: column names, then rows. */
export interface ExportTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly ExportCell[])[]
}

/** A chart as one row for each window and member. */
export function chartExport({ plan, series, windowsMs, isFinal }: ChartModel): ExportTable {
  const dimension = plan.dimension?.name
  const columns = [
    'window_start',
    ...(dimension === undefined ? [] : [dimension]),
    ...(plan.axis === 'click' ? [] : ['impressions']),
    'clicks',
    plan.measure.name,
    'is_final',
  ]
  const unique = [...new Set(columns)]
  const rows = windowsMs.flatMap((startMs, index) =>
    series.flatMap(({ name, cells, isOthers }) => {
      const cell = cells[index]
      if (cell === undefined) return []
      const named: Record<string, ExportCell> = {
        window_start: new Date(startMs).toISOString(),
        impressions: Number(cell[0] ?? 0),
        clicks: Number(cell[1] ?? 0),
        [plan.measure.name]: exactValue(plan.measure, cell),
        is_final: isFinal[index] ?? false,
      }
      if (dimension !== undefined) named[dimension] = isOthers ? '(others)' : name
      return [unique.map((column) => named[column] ?? null)]
    }),
  )
  return { columns: unique, rows }
}

/** Members of a dimension with every measure that tables keep, one row for each. */
export function membersExport(page: PagePlan, dimension: string, members: readonly RankedMember[]): ExportTable {
  const values = valuesReader(page)
  const measures = measuresKept(page)
  return {
    columns: [dimension, ...measures.map(({ name }) => name), 'is_final'],
    rows: members.map(({ name, value, isFinal }) => {
      const amounts = values(value) ?? []
      return [name, ...measures.map((measure) => exactValue(measure, amounts)), isFinal]
    }),
  }
}

/** A measure for other programs: exact decimals as text of digits, everything else as a number. */
function exactValue(measure: PageMeasure, values: Values): ExportCell {
  if (measure.kind !== 'money') return measureNumber(measure, values)
  const amount = amountOf(values, measure.quantity)
  return typeof amount === 'bigint' ? formatMicros(amount) : amount
}

/** RFC 4180, with a byte-order mark so that spreadsheets read it as UTF-8. */
export function toCsv({ columns, rows }: ExportTable): string {
  const lines = [columns, ...rows].map((row) => row.map(csvField).join(','))
  return `\uFEFF${lines.join('\r\n')}\r\n`
}

/** An array of objects. */
export function toJson({ columns, rows }: ExportTable): string {
  return `${JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null]))),
    null,
    1,
  )}\n`
}

function csvField(cell: ExportCell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const isNumber = /^-?\d+(\.\d+)?$/.test(cell)
  const guarded = !isNumber && /^[\s]*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
}
