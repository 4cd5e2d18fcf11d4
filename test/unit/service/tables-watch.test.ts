/**
 * Looks at tables that somebody else fills, on a clock of its own (N1 of `tables-watch.ts`).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import type { Snapshot } from '../../../src/server/query/reader-pool.ts'
import { TablesWatch } from '../../../src/service/tables-watch.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

interface Watched {
  readonly watch: TablesWatch
  /** What it sees, and by how much the wall clock is set while it looks. */
  readonly ledger: { events: number; setMs: number }
  /** Rests that it took between looks. */
  readonly restsMs: readonly number[]
  /** Lets it look so often, with its rests. */
  readonly looks: (count: number) => Promise<void>
}

/** A watch over a ledger of impressions. */
function watched(lookMs: number): Watched {
  const ledger = { events: 1_000, setMs: 0 }
  const restsMs: number[] = []
  let [steadyMs, setMs, left, stop] = [0, 0, 0, new AbortController()]
  const snapshot: Snapshot = {
    client: new Client(),
    rows: async (text) =>
      text.includes('group by 1, 2')
        ? [['impressions', 'counted', String(ledger.events), String(NOON_MS), String(NOON_MS)]]
        : [],
  }
  const watch = new TablesWatch({
    plan: adPlan,
    clock: { nowMs: () => NOON_MS + steadyMs + setMs, steadyMs: () => steadyMs },
    reader: {
      read: async (work) => {
        const answer = await work(snapshot)
        steadyMs += lookMs
        setMs = ledger.setMs
        if (--left === 0) stop.abort()
        return answer
      },
    },
    pause: async (ms, signal) => {
      if (signal.aborted) return
      restsMs.push(ms)
      steadyMs += ms
    },
  })
  const looks = async (count: number): Promise<void> => {
    ;[left, stop] = [count, new AbortController()]
    await watch.keepLooking(stop.signal)
  }
  return { watch, ledger, restsMs, looks }
}

for (const lookMs of [20, 4_000, 60_000])
  test(`N1: rests ten times as long as a look of ${lookMs} ms took, and says how fast tables grow`, async () => {
    const { watch, ledger, restsMs, looks } = watched(lookMs)
    await watch.look()
    assert.equal(watch.status()?.eventsPerSecond, null)
    const restMs = Math.max(1_000, 10 * lookMs)
    ledger.events += (restMs + lookMs) / 10
    await looks(1)
    assert.equal(Math.round(watch.status()?.eventsPerSecond ?? NaN), 100)
    ledger.events = 500
    await looks(1)
    assert.equal(watch.status()?.eventsPerSecond, 0, 'tables that were cleared')
    assert.deepEqual(restsMs, [restMs, restMs], 'after the first look, too')
  })

test('N1: a clock that is set changes neither rests nor rates', async () => {
  const { watch, ledger, restsMs, looks } = watched(20)
  await watch.look()
  ledger.setMs = 3_600_000
  ledger.events += 102
  await looks(1)
  assert.equal(watch.status()?.nowMs, NOON_MS + 3_600_000 + 1_040)
  assert.equal(Math.round(watch.status()?.eventsPerSecond ?? NaN), 100)
  ledger.setMs = 0
  await looks(2)
  assert.deepEqual(restsMs, [1_000, 1_000, 1_000])
})

test('counts events a second over half a minute, not since it began', async () => {
  const { watch, ledger, looks } = watched(1_000)
  await watch.look()
  ledger.events += 90_000
  await looks(4)
  assert.equal(watch.status()?.eventsPerSecond, 0)
})
