/**
 * Looks at tables that somebody else fills, on a clock of its own (N1 of `tables-watch.ts`).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import type { Snapshot } from '../../../src/server/query/reader-pool.ts'
import { TablesWatch } from '../../../src/service/tables-watch.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

/** A watch whose looks take `tookMs`, over a ledger of as many impressions as it is given. */
function watchOf(tookMs: number): {
  watch: TablesWatch
  lookLater: (events: number, waitMs: number) => Promise<number>
} {
  let nowMs = NOON_MS
  let events = 0
  const snapshot: Snapshot = {
    client: new Client(),
    rows: async (text) =>
      text.includes('group by 1, 2')
        ? [['impressions', 'counted', String(events), String(NOON_MS), String(nowMs)]]
        : [],
  }
  const watch = new TablesWatch({
    plan: adPlan,
    nowMs: () => nowMs,
    reader: {
      read: async (work) => {
        const answer = await work(snapshot)
        nowMs += tookMs
        return answer
      },
    },
  })
  const lookLater = async (seen: number, waitMs: number): Promise<number> => {
    nowMs += waitMs
    events = seen
    return watch.look()
  }
  return { watch, lookLater }
}

for (const tookMs of [20, 4_000, 60_000])
  test(`N1: says how fast tables grow where a look takes ${tookMs} ms`, async () => {
    const { watch, lookLater } = watchOf(tookMs)
    const pauseMs = await lookLater(1_000, 0)
    assert.equal(watch.status()?.eventsPerSecond, null)
    assert.ok(pauseMs >= 10 * tookMs && pauseMs >= 1_000)
    await lookLater(1_000 + (pauseMs + tookMs) / 10, pauseMs)
    assert.equal(Math.round(watch.status()?.eventsPerSecond ?? NaN), 100)
    await lookLater(500, pauseMs)
    assert.equal(watch.status()?.eventsPerSecond, 0, 'tables that were cleared')
  })

test('counts events a second over half a minute, not since it began', async () => {
  const { watch, lookLater } = watchOf(0)
  await lookLater(0, 0)
  await lookLater(90_000, 10_000)
  for (let look = 0; look < 4; look++) await lookLater(90_000, 10_000)
  assert.equal(watch.status()?.eventsPerSecond, 0)
})
