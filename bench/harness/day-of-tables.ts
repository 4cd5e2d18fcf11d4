/**
 * The tables of a day as a run leaves them: cells of the plan's tables, coarse, narrow and early ones, the last windows not final
 * and changed since early cells were made of them.
 */
import type { Client } from 'pg'
import { CoarseBuilder } from '../../src/database/coarse/coarse-builder.ts'
import { EarlyBuilder } from '../../src/database/coarse/early-builder.ts'
import { keepEarly } from '../../src/database/coarse/early-schema.ts'
import { inTransaction, withConnection } from '../../src/database/connection.ts'
import { recordEpoch, recordWriter } from '../../src/database/meta-table.ts'
import { migrate } from '../../src/database/migrate.ts'
import { keepNarrow, NARROW_STATE } from '../../src/database/narrow-schema.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs, type Plan } from '../../src/pipeline/plan.ts'
import { coarseTables } from '../../src/query/coarse-tables.ts'
import { earlySets, earlyTableNames } from '../../src/query/early-tables.ts'
import { narrowTables } from '../../src/query/narrow-tables.ts'
import { HOUR_MS, MINUTE_MS } from '../../src/time/units.ts'

export const DAY_PLAN: Plan = freezePlan(adPipeline)
export const MINUTES = 1_440
export const CELLS_PER_CAMPAIGN = 20

const END_MS = Date.UTC(2026, 0, 2)
const WATERMARK_MS = END_MS - 5_000
const OWNER = 'bench'
/**
 * One in so many rows of windows that are not final changed since early cells were made: 1,000 of a window at 1,000 campaigns,
 * half of what makes it be built anew.
 */
const CHANGED_ONE_IN = 20

/** What building coarse and early cells took, and which tables of them there are. */
export interface Built {
  readonly tables: readonly string[]
  readonly coarseMs: number
  readonly earlyMs: number
  /** Windows that early cells were made of. */
  readonly earlyWindows: number
}

/** The tables of cells that a day has. */
export const CELL_TABLES: readonly string[] = [
  ...coarseTables(DAY_PLAN).map(({ name }) => name),
  ...earlySets(DAY_PLAN).flatMap(earlyTableNames),
]

/** Fills an empty database. */
export async function fillDay(url: string, campaigns: number, say: (line: string) => void): Promise<Built> {
  return withConnection({ url, applicationName: 'tidemark bench', queryTimeoutMs: 0 }, async (client) => {
    await client.query(`set work_mem = '256MB'; set maintenance_work_mem = '512MB'`)
    await migrate(client, DAY_PLAN)
    await recordWriter(client, DAY_PLAN, 'run')
    await recordEpoch(client, DAY_PLAN, 1, WATERMARK_MS)
    await client.query(`update tidemark_meta set owner = $1`, [OWNER])
    say(`filling ${(campaigns * CELLS_PER_CAMPAIGN * MINUTES).toLocaleString('en-US')} joint cells`)
    await fillJoint(client, campaigns)
    await fillSums(client)
    await fillNarrow(client)
    say('building coarse and early cells')
    const built = { tables: CELL_TABLES, coarseMs: await buildCoarse(url), ...(await buildEarly(client, url)) }
    await client.query('vacuum (analyze)')
    return built
  })
}

/** Rows without an index first, in a transaction that made the table: neither is written to the log. */
async function fillJoint(client: Client, campaigns: number): Promise<void> {
  const final = new Date(WATERMARK_MS - finalAfterMs(DAY_PLAN.parameters)).toISOString()
  const start = new Date(END_MS - MINUTES * MINUTE_MS).toISOString()
  await inTransaction(client, async () => {
    await client.query('truncate performance; alter table performance drop constraint performance_pkey')
    for (let minute = 0; minute < MINUTES; minute += 60)
      await client.query(
        `insert into performance (campaign_id, device_type, browser, window_start, window_end, impressions, clicks, spend, is_final, updated_at)
         select 'c' || c, 'd' || d, 'b' || b, w, w + interval '1 minute', 5 + (c * 7 + d * 3 + b + m) % 23,
                (c + d + b * 5 + m) % 4, round(((c * 31 + d + b + m) % 1000) / 1000.0, 6), w + interval '1 minute' <= '${final}', now()
           from generate_series(${minute}, ${Math.min(minute + 60, MINUTES) - 1}) m,
                lateral (select timestamptz '${start}' + m * interval '1 minute' as w) windows,
                generate_series(1, ${campaigns}) c, generate_series(1, 4) d, generate_series(1, 5) b`,
      )
    await client.query('alter table performance add primary key (window_start, campaign_id, device_type, browser)')
  })
}

async function fillSums(client: Client): Promise<void> {
  const sums = `sum(impressions), sum(clicks), sum(clicks)::float8 / sum(impressions), sum(spend), bool_and(is_final), now()`
  for (const [table, dimension] of [
    ['ctr_by_campaign', 'campaign_id'],
    ['engagement_by_device', 'device_type'],
  ] as const)
    await client.query(
      `insert into ${table} (${dimension}, window_start, window_end, impressions, clicks, ctr, spend, is_final, updated_at)
       select ${dimension}, window_start, window_end, ${sums} from performance group by 1, 2, 3 order by 2, 1`,
    )
  await client.query(
    `insert into clicks_by_minute (campaign_id, device_type, window_start, window_end, clicks, is_final, updated_at)
     select campaign_id, device_type, window_start, window_end, sum(clicks), bool_and(is_final), now()
       from performance group by 1, 2, 3, 4 order by 3, 1, 2`,
  )
  await client.query('vacuum (analyze) performance, ctr_by_campaign, engagement_by_device, clicks_by_minute')
}

/** Narrow cells as a run leaves them that has kept them from its beginning. */
async function fillNarrow(client: Client): Promise<void> {
  await keepNarrow(client, DAY_PLAN)
  for (const { name, source, dimensions, measures } of narrowTables(DAY_PLAN)) {
    const columns = [...dimensions, 'window_start', 'window_end']
    await client.query(
      `insert into ${name} (${[...columns, ...measures].join(', ')}, is_final, updated_at)
       select ${[...columns, ...measures.map((measure) => `sum(${measure})`)].join(', ')}, bool_and(is_final), now()
         from ${source} group by ${columns.join(', ')} order by window_start`,
    )
  }
  await client.query(`update ${NARROW_STATE} set kept_from = '-infinity'`)
}

async function buildCoarse(url: string): Promise<number> {
  const builder = new CoarseBuilder({ url, plan: DAY_PLAN, nowMs: () => performance.now() })
  const beganMs = performance.now()
  await builder.build()
  await builder.close()
  return performance.now() - beganMs
}

async function buildEarly(client: Client, url: string): Promise<Pick<Built, 'earlyMs' | 'earlyWindows'>> {
  await inTransaction(client, () => keepEarly(client, DAY_PLAN, OWNER, OWNER))
  const builder = new EarlyBuilder({ url, plan: DAY_PLAN, nowMs: () => performance.now() })
  const beganMs = performance.now()
  await builder.build()
  await builder.close()
  const earlyMs = performance.now() - beganMs
  const { rows } = await client.query<{ windows: string }>(
    `select sum(extract(epoch from built_until - kept_from) / 60)::int as windows from tidemark_early`,
  )
  await changeSome(client)
  return { earlyMs, earlyWindows: Number(rows[0]?.windows) }
}

async function changeSome(client: Client): Promise<void> {
  const changed = `not is_final and window_start > timestamptz '${new Date(END_MS - HOUR_MS).toISOString()}' and window_end <= timestamptz '${new Date(WATERMARK_MS).toISOString()}'
    and hashtext(campaign_id || device_type || browser || window_start::text) % ${CHANGED_ONE_IN} = 0`
  await client.query(
    `insert into tidemark_changes_performance (window_start, campaign_id, device_type, browser, impressions, clicks, spend)
     select window_start, campaign_id, device_type, browser, 0, 1, 0 from performance where ${changed}`,
  )
  await client.query(`update performance set clicks = clicks + 1 where ${changed}`)
}
