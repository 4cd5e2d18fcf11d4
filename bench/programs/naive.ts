/**
 * What a program without an engine does: reads lines, parses each with `JSON.parse`, and keeps everything in a `Set` and
 * in `Map`s until the files end. Impressions and clicked impressions by minute and campaign.
 *
 * Usage: node naive.ts IMPRESSIONS CLICKS OUT
 */
import { createReadStream, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Impression {
  readonly impression_id: string
  readonly campaign_id: string
  readonly event_timestamp: number
}

interface Click {
  readonly impression_id: string
  readonly event_timestamp: number
}

const MINUTE_MS = 60_000
const BEFORE_MS = 1_000
const AFTER_MS = 30 * MINUTE_MS

const [impressionsPath = '', clicksPath = '', outPath = ''] = process.argv.slice(2)

async function eachLine(path: string, take: (line: string) => void): Promise<void> {
  const input = createReadStream(path, { highWaterMark: 1 << 20 })
  for await (const line of createInterface({ input, crlfDelay: Infinity })) take(line)
}

const clickTimes = new Map<string, number[]>()
await eachLine(clicksPath, (line) => {
  const click = JSON.parse(line) as Click
  const times = clickTimes.get(click.impression_id)
  if (times === undefined) clickTimes.set(click.impression_id, [click.event_timestamp])
  else times.push(click.event_timestamp)
})

const seen = new Set<string>()
const cells = new Map<string, { impressions: number; clicks: number }>()
await eachLine(impressionsPath, (line) => {
  const { impression_id: id, campaign_id: campaign, event_timestamp: timeMs } = JSON.parse(line) as Impression
  if (seen.has(id)) return
  seen.add(id)
  const key = `${timeMs - (timeMs % MINUTE_MS)},${campaign}`
  let cell = cells.get(key)
  if (cell === undefined) cells.set(key, (cell = { impressions: 0, clicks: 0 }))
  cell.impressions++
  const isClicked = clickTimes.get(id)?.some((click) => click >= timeMs - BEFORE_MS && click <= timeMs + AFTER_MS)
  if (isClicked === true) cell.clicks++
})

const lines = [...cells].map(([key, { impressions, clicks }]) => `${key},${impressions},${clicks}\n`)
writeFileSync(outPath, lines.join(''))
