/**
 * Views over a day of tables: how long each kind of question takes by the clock with nothing else at work, and what PostgreSQL
 * computes for it. The tables are kept and used again while they have the cells of today: filling them takes a quarter of an hour
 * and 15 GB.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withConnection } from '../../src/database/connection.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { parseViewUrl } from '../../src/query/view-url.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { MINUTE_MS } from '../../src/time/units.ts'
import { type Built, CELL_TABLES, CELLS_PER_CAMPAIGN, DAY_PLAN, fillDay, MINUTES } from '../harness/day-of-tables.ts'
import type { Figure } from '../harness/figure.ts'
import type { BenchContext, BenchPart, Findings } from '../harness/part.ts'
import { familyCpuMs } from '../harness/process-family.ts'

/** 10,000,000 events ask for the whole: 1,000 campaigns. */
const EVENTS_PER_CAMPAIGN = 10_000
const MAX_CAMPAIGNS = 1_000
const ROUNDS = 20
const TARGET_MS = 150
const COMMAND = 'npm run bench -- views'

const FINAL_HOURS = 'from=2026-01-01T00:00:00Z&to=2026-01-01T23:00:00Z'
const STATEMENT_TIMEOUT_MS = MINUTE_MS

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
  ['campaigns on all but one device over time', 'f.device_type!=d1&series=campaign_id;by=ctr'],
  ['the last hour of one device, whole screen', 'range=1h&vs=previous&f.device_type=d1'],
  ['campaigns on all but one device and browser', 'f.device_type!=d1&f.browser!=b1&rank=campaign_id'],
  ['devices of all but one campaign and browser', 'f.campaign_id!=c3&f.browser!=b1&rank=device_type'],
  ['campaigns on one device and all but one browser', 'f.device_type=d1&f.browser!=b1&rank=campaign_id'],
  ['campaigns on two devices and three browsers', 'f.device_type=d1,d2&f.browser=b1,b2,b3&rank=campaign_id'],
  [
    'campaigns on all but one device and browser over time',
    'f.device_type!=d1&f.browser!=b1&series=campaign_id;by=ctr',
  ],
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
  const campaigns = Math.max(1, Math.min(MAX_CAMPAIGNS, Math.floor(context.events / EVENTS_PER_CAMPAIGN)))
  const dataDir = join(context.dir, `views-${campaigns}`)
  const filled = join(dataDir, 'filled.json')
  if (!isFilled(filled)) rmSync(dataDir, { recursive: true, force: true })
  mkdirSync(dataDir, { recursive: true })
  const database = await openDatabase({ dataDir, log: context.say })
  try {
    if (!existsSync(filled)) writeFileSync(filled, JSON.stringify(await fillDay(database.url, campaigns, context.say)))
    const built = JSON.parse(readFileSync(filled, 'utf8')) as Built
    const { readOnlyUrl, serverPid, url } = database
    const reader = new ViewReader({ plan: DAY_PLAN, url: readOnlyUrl ?? url, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
    try {
      const figures: Figure[] = [...(await buildingFigures(url, built, campaigns))]
      for (const [name, search] of VIEWS) {
        context.say(name)
        figures.push(await measureView(reader, serverPid ?? 0, name, search))
      }
      return { figures }
    } finally {
      await reader.close()
    }
  } finally {
    await database.stop()
  }
}

function isFilled(path: string): boolean {
  if (!existsSync(path)) return false
  const { tables = [] } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Built>
  return tables.join() === CELL_TABLES.join()
}

/** What cells cost: to build, and on disk beside the tables they are made from. */
async function buildingFigures(url: string, built: Built, campaigns: number): Promise<readonly Figure[]> {
  const bytes = await withConnection({ url, applicationName: 'tidemark bench', queryTimeoutMs: 0 }, async (client) => {
    const { rows } = await client.query<{ kind: string; bytes: string }>(
      `select coalesce(substring(relname from '^tidemark_(cells|windows|early|changes)'), 'plan') as kind,
              sum(pg_total_relation_size(oid)) as bytes from pg_class
        where relkind = 'r' and (relname ~ '^tidemark_(cells|windows|early|changes)' or relname = any ($1)) group by 1`,
      [DAY_PLAN.tables.map(({ name }) => name)],
    )
    return new Map(rows.map((row) => [row.kind, Number(row.bytes)]))
  })
  const size = `${campaigns} campaigns × ${CELLS_PER_CAMPAIGN} cells × ${MINUTES} minutes`
  const figure = (name: string, value: number, unit: string, note: string): Figure => {
    return { name, values: [value], unit, note, command: COMMAND }
  }
  const mib = (kind: string): string => `${((bytes.get(kind) ?? 0) / 2 ** 20).toFixed(0)} MiB`
  const ofPlan = (...kinds: readonly string[]): number =>
    (100 * kinds.reduce((sum, kind) => sum + (bytes.get(kind) ?? 0), 0)) / (bytes.get('plan') ?? NaN)
  return [
    figure('building coarse cells of five minutes', built.coarseMs / (MINUTES / 5), 'ms', `hours included; ${size}`),
    figure('building early cells of a minute', built.earlyMs / built.earlyWindows, 'ms', 'each of two tables'),
    figure('disk of coarse cells', ofPlan('cells'), '% of the tables', `${mib('cells')} beside ${mib('plan')} a day`),
    figure('disk of early cells', ofPlan('early', 'changes'), '% of the tables', `${mib('early')}, whatever the range`),
  ]
}

async function measureView(reader: ViewReader, serverPid: number, name: string, search: string): Promise<Figure> {
  const query = parseViewUrl(DAY_PLAN, /^(range|from)/.test(search) ? search : `range=24h&${search}`)
  await reader.answer(query)
  const tookMs: number[] = []
  const usedBeforeMs = familyCpuMs(serverPid)
  for (let round = 0; round < ROUNDS; round++) {
    const beganMs = performance.now()
    await reader.answer(query)
    tookMs.push(performance.now() - beganMs)
  }
  const cpuMs = (familyCpuMs(serverPid) - usedBeforeMs) / ROUNDS
  tookMs.sort((a, b) => a - b)
  const p95 = tookMs[Math.ceil(ROUNDS * 0.95) - 1] ?? NaN
  const middle = tookMs[ROUNDS / 2] ?? NaN
  return {
    name,
    values: [p95],
    unit: 'ms at p95',
    target: { atMost: TARGET_MS },
    note: `median ${middle.toFixed(0)} ms; PostgreSQL computes ${cpuMs.toFixed(0)} ms, on both cores where that helps`,
    command: COMMAND,
  }
}
