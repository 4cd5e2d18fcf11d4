/**
 * A running service that has counted an hour of three campaigns, with a browser to look at its page.
 */
import { MINUTE_MS } from '../../src/time/units.ts'
import { clickLine, impressionLine } from './event-lines.ts'
import { allInTables, type ServedTables, serveTables } from './served-tables.ts'

/** A campaign whose name would run, where a page took it for more than text. */
export const HOSTILE_NAME = '<img src=x onerror="window.hacked = true">'

/** Starts all of it; resolves once every event is in the tables. */
export async function serveHour(): Promise<ServedTables> {
  const served = await serveTables()
  const { rig, databaseUrl } = served
  let sent = 2
  for (const { impressions, clicks } of hourOf(Date.now())) {
    sent += impressions.length + clicks.length
    await rig.send('impressions', ...impressions)
    await rig.send('clicks', ...clicks)
  }
  await rig.send('clicks', 'broken', '{}')
  await allInTables(databaseUrl, sent)
  return served
}

const DEVICES = ['mobile', 'desktop', 'tablet']

interface Batch {
  readonly impressions: readonly string[]
  readonly clicks: readonly string[]
}

/** An hour of three campaigns, ten minutes at a time so that nothing is late. */
function hourOf(nowMs: number): readonly Batch[] {
  return [60, 50, 40, 30, 20, 10].map((minute) => minutesOf(nowMs, minute, minute - 9))
}

/** In the last quarter of an hour the clicks of `spring` on mobiles all but stop; some clicks belong to nothing. */
function minutesOf(nowMs: number, first: number, last: number): Batch {
  const impressions: string[] = []
  const clicks = Array.from({ length: 2 }, (_, i) =>
    clickLine(`lost ${first} ${i}`, `nobody ${i}`, nowMs - first * MINUTE_MS),
  )
  for (let minute = first; minute >= last; minute--) {
    for (const campaign of ['spring', 'summer', HOSTILE_NAME]) {
      for (let i = 0; i < 30; i++) {
        const id = `${campaign} ${minute} ${i}`
        const device = DEVICES[i % 3] ?? ''
        const timeMs = nowMs - minute * MINUTE_MS + i * 1_000
        impressions.push(impressionLine(id, timeMs, { campaign_id: campaign, device_type: device }))
        const hasFallen = campaign === 'spring' && device === 'mobile' && minute <= 15
        const isClicked = hasFallen ? i === 0 && minute % 5 === 0 : i % 10 < 3
        if (isClicked) clicks.push(clickLine(`k ${id}`, id, timeMs + 500))
      }
    }
  }
  return { impressions, clicks }
}
