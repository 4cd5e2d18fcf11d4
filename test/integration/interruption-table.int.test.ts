/**
 * What interrupted results, as PostgreSQL keeps it: over the runs that it happened to, and bounded.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { START_MS } from '../support/change-sets.ts'
import { claimedStore, liveEpoch, PLAN } from '../support/live-epochs.ts'
import { interruptionAnswer, type Interruption } from '../../src/server/query/interruption-answer.ts'
import { ViewReader } from '../../src/server/query/view-reader.ts'
import { MAX_INTERRUPTIONS } from '../../src/sinks/postgres/interruption-table.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(async () => postgres.stop())

describe('interruptions', () => {
  const kept = async (url: string): Promise<readonly Interruption[]> => {
    const reader = new ViewReader({ plan: PLAN, url })
    try {
      return (await reader.read((snapshot) => interruptionAnswer(snapshot, PLAN))).interruptions
    } finally {
      await reader.close()
    }
  }

  it('I1: outages that are over come with the next epoch, a restart with the claim; both outlive the process', async () => {
    const url = await postgres.createDatabase()
    const outages: { fromMs: number; toMs: number | null }[] = [{ fromMs: START_MS, toMs: null }]
    const store = await claimedStore(url, { outages: () => outages })
    await store.write(liveEpoch(1))
    assert.deepEqual(await kept(url), [], 'nothing of one that goes on')
    outages[0] = { fromMs: START_MS, toMs: START_MS + 90_000 }
    await store.write(liveEpoch(2))
    await store.write(liveEpoch(3))
    const outage = { kind: 'database', fromMs: START_MS, toMs: START_MS + 90_000 }
    assert.deepEqual(await kept(url), [outage])
    await store.close()
    await (await claimedStore(url)).close()
    const [first, restart] = await kept(url)
    assert.deepEqual(first, outage)
    assert.ok(restart?.kind === 'restart' && restart.toMs >= restart.fromMs && restart.fromMs > outage.toMs)
    await (await claimedStore(url)).close()
    assert.equal((await kept(url)).length, 2, 'two starts without an epoch between them are one restart')
    const role = await runSql(url, `select has_table_privilege('tidemark_reader', 'tidemark_interruptions', 'select')`)
    assert.deepEqual(role, [['t']])
  })

  it('I2: the newest thousand are kept', async () => {
    const url = await postgres.createDatabase()
    const outages = Array.from({ length: 1_050 }, (_, i) => ({ fromMs: START_MS + i, toMs: START_MS + i + 1 }))
    const store = await claimedStore(url, { outages: () => outages })
    await store.write(liveEpoch(1))
    await store.close()
    const all = await kept(url)
    assert.deepEqual([all.length, all[0]?.fromMs], [MAX_INTERRUPTIONS, START_MS + 50])
  })
})
