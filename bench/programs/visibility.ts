/**
 * How long an event takes from its sending to the tables and to the page: sends events one by one at equal distances, each
 * known by its place in the count of a member of its own, and looks when the count reaches it. As JSON on stdout.
 *
 * Usage: node visibility.ts --url http://127.0.0.1:4400 --database-url URL [--seconds 20] [--per-second 20]
 */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Client } from 'pg'
import { withConnection } from '../../src/database/connection.ts'
import { applyPatch } from '../../src/server/merge-patch.ts'
import type { PageData } from '../../src/server/page-data.ts'

/** Of all events sent after the first seconds, ms. */
export interface Visibility {
  readonly events: number
  /** From its sending until it is seen in PostgreSQL. */
  readonly postgresP50Ms: number
  readonly postgresP99Ms: number
  /** From its sending until a reader of the live stream has it. */
  readonly pageP99Ms: number
  /** How much later the page has it than PostgreSQL; below 0 where it is first. */
  readonly pageAfterPostgresP99Ms: number
  readonly acknowledgedP99Ms: number
}

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:4400' },
    'database-url': { type: 'string', default: '' },
    seconds: { type: 'string', default: '20' },
    'per-second': { type: 'string', default: '20' },
  },
})
/** Not a divisor of an epoch: the events come at all of its phases. */
const DISTANCE_MS = 1_000 / Number(options['per-second']) + 0.37
const COUNT = Math.floor((Number(options.seconds) * 1_000) / DISTANCE_MS)
const WARM_UP = Math.floor(3_000 / DISTANCE_MS)
const LOOK_EVERY_MS = 4
const PATIENCE_MS = 30_000
const MEMBER = 'probe'
const SALT = Math.random().toString(36).slice(2)

const sentMs = new Float64Array(COUNT)
const acknowledgedMs = new Float64Array(COUNT)
const inPostgresMs = new Float64Array(COUNT)
const onPageMs = new Float64Array(COUNT)
const lastMs = performance.now() + COUNT * DISTANCE_MS + PATIENCE_MS

/** Notes the time for all events up to the one that a count has reached; returns how many there are now. */
function note(times: Float64Array, from: number, count: number): number {
  times.fill(performance.now(), from, Math.min(COUNT, count))
  return Math.max(from, count)
}

async function send(number: number): Promise<void> {
  const event = {
    impression_id: `${SALT}-${number}`,
    campaign_id: MEMBER,
    device_type: MEMBER,
    browser: MEMBER,
    event_timestamp: Date.now(),
    cost: 0.01,
  }
  sentMs[number] = performance.now()
  const response = await fetch(`${options.url}/v1/impressions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  })
  await response.arrayBuffer()
  if (response.status !== 200) throw new Error(`an event was answered with ${response.status}`)
  acknowledgedMs[number] = performance.now()
}

async function sendAll(): Promise<void> {
  const startMs = performance.now()
  const answers: Promise<void>[] = []
  for (let number = 0; number < COUNT; number++) {
    await delay(Math.max(0, startMs + number * DISTANCE_MS - performance.now()))
    answers.push(send(number))
  }
  await Promise.all(answers)
}

async function lookIntoPostgres(client: Client): Promise<void> {
  const sql = { name: 'look', text: `select sum(impressions)::float8 as n from ctr_by_campaign where campaign_id = $1` }
  for (let seen = 0; seen < COUNT && performance.now() < lastMs; await delay(LOOK_EVERY_MS)) {
    const { rows } = await client.query<{ readonly n: number | null }>({ ...sql, values: [MEMBER] })
    seen = note(inPostgresMs, seen, rows[0]?.n ?? 0)
  }
}

async function readPage(): Promise<void> {
  const { body } = await fetch(`${options.url}/api/live`)
  if (body === null) throw new Error('the live stream is empty')
  let page: object = {}
  let seen = 0
  for await (const line of createInterface(Readable.fromWeb(body))) {
    if (performance.now() > lastMs) break
    if (!line.startsWith('data: ')) continue
    const { data } = JSON.parse(line.slice(6)) as { readonly data?: object }
    if (data !== undefined) page = applyPatch(page, data)
    const rows = (page as Partial<PageData>).boards?.['device_type']?.rows ?? []
    seen = note(onPageMs, seen, Number(rows.find(({ name }) => name === MEMBER)?.last[0] ?? 0))
    if (seen >= COUNT) break
  }
}

/** The quantile of `to - from` over all events after the warm-up; none may be missing. */
function quantile(share: number, from: Float64Array, to: Float64Array): number {
  const times = to.subarray(WARM_UP).map((ms, i) => (ms === 0 ? Infinity : ms - (from[WARM_UP + i] ?? NaN)))
  const sorted = times.toSorted()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}

const connection = { url: options['database-url'], applicationName: 'tidemark bench' }
await withConnection(connection, async (client) => {
  await Promise.all([sendAll(), lookIntoPostgres(client), readPage()])
})
const result: Visibility = {
  events: COUNT - WARM_UP,
  postgresP50Ms: quantile(0.5, sentMs, inPostgresMs),
  postgresP99Ms: quantile(0.99, sentMs, inPostgresMs),
  pageP99Ms: quantile(0.99, sentMs, onPageMs),
  pageAfterPostgresP99Ms: quantile(0.99, inPostgresMs, onPageMs),
  acknowledgedP99Ms: quantile(0.99, sentMs, acknowledgedMs),
}
console.log(JSON.stringify(result))
// The live stream would go on.
process.exit()
