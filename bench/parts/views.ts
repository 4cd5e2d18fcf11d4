/**
 * Views over a day of tables: how long each kind of question takes on PostgreSQL alone, nothing else at work; from coarse
 * and narrow cells, and once from the plan's tables alone.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CoarseBuilder } from '../../src/database/coarse/coarse-builder.ts'
import { withConnection } from '../../src/database/connection.ts'
import { recordEpoch, recordWriter } from '../../src/database/meta-table.ts'
import { migrate } from '../../src/database/migrate.ts'
import { keepNarrow, NARROW_STATE } from '../../src/database/narrow-schema.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { finalAfterMs } from '../../src/pipeline/plan.ts'
import { TidemarkError } from '../../src/errors.ts'
import { narrowTables } from '../../src/query/narrow-tables.ts'
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

const FINAL_HOURS = 'from=2026-01-01T00:00:00Z&to=2026-01-01T23:00:00Z'
const LONGEST_MS = 60_000

/** Questions that screens ask, each over the whole day, whose last 36 minutes are not final. */
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
  ['campaigns by clicks at their own minute', 'axis=click&rank=campaign_id'],
  ['campaigns on one device and browser', 'f.device_type=d1&f.browser=b2&rank=campaign_id'],
  ['campaigns on all but one device', 'f.device_type!=d1&rank=campaign_id'],
  ['browsers by the hour of India', 'tz=Asia/Kolkata&grain=1h&series=browser'],
  ['browsers every minute', 'grain=1m&series=browser'],
  ['browsers, what is final', `${FINAL_HOURS}&series=browser`],
  ['campaigns on one device, what is final', `${FINAL_HOURS}&f.device_type=d1&rank=campaign_id`],
  ['campaigns on all but one device, what is final', `${FINAL_HOURS}&f.device_type!=d1&rank=campaign_id`],
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
    const reader = new ViewReader({
      plan,
      url: database.readOnlyUrl ?? database.url,
      statementTimeoutMs: LONGEST_MS,
    })
    try {
      const fromWindows = new Map<string, string>()
      for (const [name, search] of VIEWS) fromWindows.set(name, await timeOnce(reader, search))
      context.say('building coarse cells')
      await fillNarrow(database.url)
      const figures: Figure[] = [...(await measureBuilding(database.url, campaigns))]
      for (const [name, search] of VIEWS) {
        const note = `${fromWindows.get(name) ?? ''} from the plan's tables alone; ${sizeText(campaigns)}`
        figures.push(await measureView(reader, name, search, note))
      }
      return { figures }
    } finally {
      await reader.close()
    }
  } finally {
    await database.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const sizeText = (campaigns: number): string =>
  `${campaigns} campaigns × ${CELLS_PER_CAMPAIGN} cells × ${MINUTES} minutes`

const queryOf = (search: string): ReturnType<typeof parseViewUrl> =>
  parseViewUrl(plan, /^(range|from)/.test(search) ? search : `range=24h&${search}`)

async function timeOnce(reader: ViewReader, search: string): Promise<string> {
  const beganMs = performance.now()
  try {
    await reader.answer(queryOf(search))
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'VIEW_TIMEOUT') throw error
    return `more than ${LONGEST_MS / 1_000} s`
  }
  return `${(performance.now() - beganMs).toFixed(0)} ms`
}

/** What coarse cells cost: to build, and on disk beside the tables they are made from. */
async function measureBuilding(url: string, campaigns: number): Promise<readonly Figure[]> {
  const builder = new CoarseBuilder({ url, plan, nowMs: () => performance.now() })
  const beganMs = performance.now()
  await builder.build()
  const tookMs = performance.now() - beganMs
  await builder.close()
  const bytes = await withConnection({ url, applicationName: 'tidemark bench', queryTimeoutMs: 0 }, async (client) => {
    const { rows } = await client.query<{ isCoarse: boolean; bytes: string }>(
      `select relname like 'tidemark@_cells%' escape '@' as "isCoarse", sum(pg_total_relation_size(oid)) as bytes from pg_class
        where relkind = 'r' and (relname like 'tidemark@_cells%' escape '@' or relname = any ($1)) group by 1`,
      [plan.tables.map(({ name }) => name)],
    )
    return (isCoarse: boolean): number => Number(rows.find((row) => row.isCoarse === isCoarse)?.bytes ?? NaN)
  })
  const command = 'npm run bench -- views'
  const periods = MINUTES / 5
  return [
    {
      name: 'building coarse cells of five minutes',
      values: [tookMs / periods],
      unit: 'ms',
      note: `hours included; ${sizeText(campaigns)}`,
      command,
    },
    {
      name: 'disk of coarse cells',
      values: [(100 * bytes(true)) / bytes(false)],
      unit: '% of the tables',
      note: `${(bytes(true) / 2 ** 20).toFixed(0)} MiB beside ${(bytes(false) / 2 ** 20).toFixed(0)} MiB a day`,
      command,
    },
  ]
}

async function measureView(reader: ViewReader, name: string, search: string, note: string): Promise<Figure> {
  const query = queryOf(search)
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
    note: `median ${middle.toFixed(0)} ms; ${note}`,
    command: 'npm run bench -- views',
  }
}

/** Narrow cells as a run leaves them that has kept them from its beginning. */
async function fillNarrow(url: string): Promise<void> {
  await withConnection({ url, applicationName: 'tidemark bench', queryTimeoutMs: 0 }, async (client) => {
    await keepNarrow(client, plan)
    for (const { name, source, dimensions, measures } of narrowTables(plan)) {
      const columns = [...dimensions, 'window_start', 'window_end']
      await client.query(
        `insert into ${name} (${[...columns, ...measures].join(', ')}, is_final, updated_at)
         select ${[...columns, ...measures.map((measure) => `sum(${measure})`)].join(', ')}, bool_and(is_final), now()
           from ${source} group by ${columns.join(', ')}`,
      )
      await client.query(`vacuum (analyze) ${name}`)
    }
    await client.query(`update ${NARROW_STATE} set kept_from = '-infinity'`)
  })
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
