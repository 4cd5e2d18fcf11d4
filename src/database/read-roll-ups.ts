/**
 * Cells of roll-ups that are no tables, summed up from tables that are: what a page shows of the time before a restart.
 *
 * U1  A roll-up is read from a table of its time axis that has its dimensions and every quantity, the one with the
 *     fewest dimensions. One that no table covers is left out.
 * U2  Values are exact: counts as integers, sums as whole millionths. A cell is final where all of its parts are.
 */
import { summedFields, type MeasurePlan, type Plan, type RollUp, type TablePlan } from '../pipeline/plan.ts'
import type { CellChanges } from '../pipeline/cells.ts'
import { MINUTE_MS } from '../time/units.ts'
import { connect } from './connection.ts'
import { databaseError } from './database-error.ts'
import { epochMs, qualifiedTable, quoteIdentifier } from '../text/sql-text.ts'

/** Columns of a table that hold the quantities of a cell; undefined where the axis has none. */
interface Quantities {
  readonly impressions: string | undefined
  readonly clicks: string
  readonly sums: readonly string[]
}

interface Covering {
  readonly table: TablePlan
  readonly quantities: Quantities
}

/**
 * Reads the cells of `rollUps` in windows that start at `fromMs` or later, all from one snapshot.
 *
 * @throws TidemarkError DATABASE_UNAVAILABLE
 */
export async function readRollUps(
  url: string,
  plan: Plan,
  rollUps: readonly RollUp[],
  fromMs: number,
): Promise<readonly CellChanges[]> {
  const connection = await connect({ url, applicationName: 'tidemark page', queryTimeoutMs: MINUTE_MS })
  try {
    const { client } = connection
    await client.query('begin isolation level repeatable read read only')
    const read: CellChanges[] = []
    for (const rollUp of rollUps) {
      const covering = coveringTable(plan, rollUp)
      if (covering === undefined) continue
      const { rows } = await client.query<(string | boolean)[]>({
        text: selectCells(covering, rollUp),
        values: [new Date(fromMs).toISOString()],
        rowMode: 'array',
      })
      read.push(toChanges(plan, rollUp, rows))
    }
    return read
  } catch (error) {
    throw databaseError(error, 'read what the page shows', url)
  } finally {
    await connection.close()
  }
}

/** The table a roll-up can be read from (U1). */
export function coveringTable(plan: Plan, rollUp: RollUp): Covering | undefined {
  const covering = plan.tables.flatMap((table): Covering[] => {
    if (table.axis !== rollUp.axis || !rollUp.dimensions.every((name) => table.dimensions.includes(name))) return []
    const quantities = quantitiesOf(plan, table)
    return quantities === undefined ? [] : [{ table, quantities }]
  })
  return covering.toSorted((a, b) => a.table.dimensions.length - b.table.dimensions.length)[0]
}

function quantitiesOf(plan: Plan, table: TablePlan): Quantities | undefined {
  const measures = plan.measures.filter(({ name }) => table.measures.includes(name))
  const counting = (of: MeasurePlan & { kind: 'count' }): string => of.name
  const countOf = (stream: 'impressions' | 'clicks'): string | undefined =>
    measures.flatMap((measure) => (measure.kind === 'count' && measure.of === stream ? [counting(measure)] : []))[0]
  const clicks = countOf('clicks')
  if (clicks === undefined) return undefined
  if (table.axis === 'click') return { impressions: undefined, clicks, sums: [] }
  const impressions = countOf('impressions')
  const sums = summedFields(plan).map(
    (field) => measures.find((one) => one.kind === 'sum' && one.field === field)?.name,
  )
  if (impressions === undefined || !sums.every((name) => name !== undefined)) return undefined
  return { impressions, clicks, sums }
}

function selectCells({ table, quantities }: Covering, rollUp: RollUp): string {
  const dimensions = rollUp.dimensions.map(quoteIdentifier)
  const columns = [
    `${epochMs('window_start')}::text`,
    ...dimensions,
    `bool_and(is_final)`,
    quantities.impressions === undefined ? `'0'` : `sum(${quoteIdentifier(quantities.impressions)})::text`,
    `sum(${quoteIdentifier(quantities.clicks)})::text`,
    ...quantities.sums.map((name) => `(sum(${quoteIdentifier(name)}) * 1000000)::numeric(40, 0)::text`),
  ]
  const groups = ['window_start', ...dimensions].join(', ')
  return `select ${columns.join(', ')} from ${qualifiedTable(table.name)} where window_start >= $1 group by ${groups}`
}

function toChanges(plan: Plan, rollUp: RollUp, rows: readonly (readonly (string | boolean)[])[]): CellChanges {
  const width = rollUp.dimensions.length
  const texts = (column: number): string[] => rows.map((row) => String(row[column] ?? ''))
  const numbers = (column: number): number[] => rows.map((row) => Number(row[column]))
  return {
    rollUp: rollUp.name,
    count: rows.length,
    windowStartMs: numbers(0),
    dimensions: rollUp.dimensions.map((_, d) => texts(1 + d)),
    isFinal: rows.map((row) => row[1 + width] === true),
    impressions: numbers(2 + width),
    clicks: numbers(3 + width),
    sumsMicros: summedFields(plan).map((_, sum) => rows.map((row) => BigInt(row[4 + width + sum] ?? 0))),
    removed: rows.map(() => false),
  }
}
