/**
 * Tables of any plan filled from facts that have all of its dimensions, so that each table is a sum of the same facts.
 */
import fc from 'fast-check'
import { withConnection } from '../../src/database/connection.ts'
import { migrate } from '../../src/database/migrate.ts'
import { recordEpoch, recordWriter } from '../../src/database/meta-table.ts'
import type { ColumnPlan, Plan, TablePlan, TimeAxis } from '../../src/pipeline/plan.ts'
import { formatMicros } from '../../src/pipeline/cells.ts'
import { keptAmounts } from '../../src/pipeline/table-amounts.ts'
import { qualifiedTable } from '../../src/text/sql-text.ts'
import type { FactRow, Facts } from './view-recount.ts'

export interface FactSpan {
  readonly fromMs: number
  readonly toMs: number
  /** Windows that end here or earlier are final. */
  readonly finalUpToMs: number
}

/** Members that facts have, some of which look like SQL or need escapes. */
export const MEMBERS = ['a', 'B', 'ab-1', "o'b", '"', 'back\\slash', '100%', '_', 'x,y;z', '你好', '=1+1'] as const

/** Facts from a seed. */
export function makeFacts(plan: Plan, { fromMs, toMs, finalUpToMs }: FactSpan, count: number, seed: number): Facts {
  const { windowSizeMs } = plan.parameters
  const kept = keptAmounts(plan)
  const dimensions = fc.record(
    Object.fromEntries(plan.dimensions.map(({ name }) => [name, fc.constantFrom(...MEMBERS)])),
  )
  const row = (axis: TimeAxis): fc.Arbitrary<FactRow> =>
    fc
      .record({
        window: fc.integer({ min: Math.ceil(fromMs / windowSizeMs), max: Math.floor(toMs / windowSizeMs) - 1 }),
        dimensions,
        impressions: fc.integer({ min: 1, max: 60 }),
        clicks: fc.integer({ min: axis === 'click' ? 1 : 0, max: 5 }),
        micros: fc.bigInt({ min: 0n, max: 90_000_000_000_001n }),
      })
      .map(({ window, dimensions: members, impressions, clicks, micros }) => ({
        startMs: window * windowSizeMs,
        dimensions: members,
        impressions: axis === 'click' || !kept.impressions ? 0 : impressions,
        clicks: axis === 'impression' && !kept.clicks ? 0 : clicks,
        sums: Object.fromEntries(kept.sums.map((name) => [name, axis === 'click' ? 0n : micros])),
        isFinal: (window + 1) * windowSizeMs <= finalUpToMs,
      }))
  const rowsOf = (axis: TimeAxis): FactRow[] => fc.sample(row(axis), { seed, numRuns: count })
  return { plan, rows: { impression: rowsOf('impression'), click: rowsOf('click') }, sumNames: kept.sums }
}

/** Creates the plan's tables in an empty database and fills them. Without a watermark there is no epoch row. */
export async function writeFacts(url: string, facts: Facts, watermarkMs?: number): Promise<void> {
  const { plan } = facts
  await withConnection({ url, applicationName: 'tidemark test', queryTimeoutMs: 60_000 }, async (client) => {
    await migrate(client, plan)
    if (watermarkMs !== undefined) {
      await recordWriter(client, plan, 'run')
      await recordEpoch(client, plan, 7, watermarkMs)
    }
    for (const table of plan.tables) {
      const name = qualifiedTable(table.name)
      await client.query(`insert into ${name} select * from json_populate_recordset(null::${name}, $1::json)`, [
        JSON.stringify(tableRows(facts, table)),
      ])
      await client.query(`analyze ${name}`)
    }
  })
}

function tableRows(facts: Facts, table: TablePlan): readonly object[] {
  const keyOf = (row: FactRow): string =>
    JSON.stringify([row.startMs, ...table.dimensions.map((name) => row.dimensions[name])])
  return [...Map.groupBy(facts.rows[table.axis], keyOf).values()].map((rows) =>
    Object.fromEntries(table.columns.map((column) => [column.name, columnValue(facts.plan, column, rows)])),
  )
}

function columnValue({ measures, parameters }: Plan, { name }: ColumnPlan, rows: readonly FactRow[]): unknown {
  const [first] = rows
  if (first === undefined) throw new RangeError('a group without rows')
  const add = (of: 'impressions' | 'clicks'): number => rows.reduce((sum, row) => sum + row[of], 0)
  const measure = measures.find((candidate) => candidate.name === name)
  if (measure?.kind === 'count') return add(measure.of)
  if (measure?.kind === 'sum') return formatMicros(rows.reduce((sum, { sums }) => sum + (sums[name] ?? 0n), 0n))
  if (measure?.kind === 'ratio') return null
  if (name === 'window_start') return new Date(first.startMs).toISOString()
  if (name === 'window_end') return new Date(first.startMs + parameters.windowSizeMs).toISOString()
  if (name === 'is_final') return rows.every(({ isFinal }) => isFinal)
  if (name === 'updated_at') return new Date(first.startMs).toISOString()
  return first.dimensions[name]
}
