/**
 * Views over a day of tables: how long each kind of question takes on PostgreSQL alone, nothing else at work.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { withConnection } from '../../src/database/connection.ts'
import { recordEpoch, recordWriter } from '../../src/database/meta-table.ts'
import { migrate } from '../../src/database/migrate.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs } from '../../src/pipeline/plan.ts'
import { parseViewUrl } from '../../src/query/view-url.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import type { Figure } from '../harness/figure.ts'
import type { BenchContext, BenchPart, Findings } from '../harness/part.ts'

const plan = freezePlan(adPipeline)
const MINUTES = 1_440
const CELLS_PER_CAMPAIGN = 20
/** 10,000,000 events ask for the whole: 1,000 campaigns. */
const EVENTS_PER_CAMPAIGN = 10_000
const MOST_CAMPAIGNS = 1_000
const ROUNDS = 20
const TARGET_MS = 150
const END_MS = Date.UTC(2026, 0, 2)

/** Questions that screens ask, each over the whole day. */
const VIEWS: readonly (readonly [name: string, search: string])[] = [
  ['totals', 'totals=1'],
  ['totals against the half before', 'range=12h&vs=previous&totals=1'],
  ['devices over time', 'series=device_type'],
  ['five campaigns by CTR over time', 'series=campaign_id;by=ctr'],
  ['campaigns in order', 'rank=campaign_id;limit=100'],
  ['campaigns by change of CTR', 'range=12h&vs=previous&rank=campaign_id;by=ctr;of=change'],
  ['one campaign', 'f.campaign_id=c7&totals=1&series=&rank=campaign_id'],
  ['one campaign by browser', 'f.campaign_id=c7&series=browser&rank=browser'],
  ['campaigns on one device', 'f.device_type=d1&rank=campaign_id'],
  ['browsers over time', 'series=browser'],
  ['the last hour, whole screen', 'range=1h&vs=previous'],
  ['clicks at their own minute', 'axis=click&series=device_type'],
]

export const viewsPart: BenchPart = {
  name: 'views',
  title: 'Views of a day',
  measure: measureViews,
}

async function measureViews(context: BenchContext): Promise<Findings> {
  const campaigns = Math.max(1, Math.min(MOST_CAMPAIGNS, Math.floor(context.events / EVENTS_PER_CAMPAIGN)))
  const dataDir = join(context.dir, 'views')
  rmSync(dataDir, { recursive: true, force: true })
  mkdirSync(dataDir, { recursive: true })
  const database = await openDatabase({ dataDir, log: context.say })
  try {
    context.say(`filling ${(campaigns * CELLS_PER_CAMPAIGN * MINUTES).toLocaleString('en-US')} joint cells`)
    await fill(database.url, campaigns)
    const reader = new ViewReader({ plan, url: database.readOnlyUrl ?? database.url, statementTimeoutMs: 60_000 })
    try {
      const figures: Figure[] = []
      for (const [name, search] of VIEWS) figures.push(await measureView(reader, name, search, campaigns))
      return { figures }
    } finally {
      await reader.close()
    }
  } finally {
    await database.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function measureView(reader: ViewReader, name: string, search: string, campaigns: number): Promise<Figure> {
  const query = parseViewUrl(plan, search.startsWith('range') ? search : `range=24h&${search}`)
  await reader.answer(query)
  const tookMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const beganMs = performance.now()
    await reader.answer(query)
    tookMs.push(performance.now() - beganMs)
  }
  tookMs.sort((a, b) => a - b)
  const p95 = tookMs[Math.ceil(ROUNDS * 0.95) - 1] ?? NaN
  const middle = tookMs[ROUNDS / 2] ?? NaN
  return {
    name,
    values: [p95],
    unit: 'ms at p95',
    target: { atMost: TARGET_MS },
    note: `median ${middle.toFixed(0)} ms; ${campaigns} campaigns × ${CELLS_PER_CAMPAIGN} cells × ${MINUTES} minutes`,
    command: 'npm run bench -- views',
  }
}

async function fill(url: string, campaigns: number): Promise<void> {
  await withConnection({ url, applicationName: 'tidemark bench', queryTimeoutMs: 0 }, async (client) => {
    await migrate(client, plan)
    const watermarkMs = END_MS - 5_000
    await recordWriter(client, plan, 'run')
    await recordEpoch(client, plan, 1, watermarkMs)
    const start = `timestamptz '${new Date(END_MS - MINUTES * 60_000).toISOString()}'`
    const final = `timestamptz '${new Date(watermarkMs - finalAfterMs(plan.parameters)).toISOString()}'`
    await client.query(
      `insert into performance (campaign_id, device_type, browser, window_start, window_end, impressions, clicks, spend, is_final, updated_at)
       select 'c' || c, 'd' || d, 'b' || b, w, w + interval '1 minute', 5 + (c * 7 + d * 3 + b + m) % 23,
              (c + d + b * 5 + m) % 4, ((c * 31 + d + b + m) % 1000) / 1000.0, w + interval '1 minute' <= ${final}, now()
         from generate_series(0, ${MINUTES - 1}) m, lateral (select ${start} + m * interval '1 minute' as w) windows,
              generate_series(1, ${campaigns}) c, generate_series(1, 4) d, generate_series(1, 5) b`,
    )
    const sums = `sum(impressions), sum(clicks), sum(clicks)::float8 / sum(impressions), sum(spend), bool_and(is_final), now()`
    for (const [table, dimension] of [
      ['ctr_by_campaign', 'campaign_id'],
      ['engagement_by_device', 'device_type'],
    ] as const)
      await client.query(
        `insert into ${table} (${dimension}, window_start, window_end, impressions, clicks, ctr, spend, is_final, updated_at)
         select ${dimension}, window_start, window_end, ${sums} from performance group by 1, 2, 3`,
      )
    await client.query(
      `insert into clicks_by_minute (campaign_id, device_type, window_start, window_end, clicks, is_final, updated_at)
       select campaign_id, device_type, window_start, window_end, sum(clicks), bool_and(is_final), now()
         from performance group by 1, 2, 3, 4`,
    )
    await client.query('vacuum (analyze) performance, ctr_by_campaign, engagement_by_device, clicks_by_minute')
  })
}
