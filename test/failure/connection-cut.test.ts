/**
 * The connection to PostgreSQL is cut at every byte of one epoch's transaction, in both directions, also between COMMIT
 * and its answer (E1 and E2 of `epoch-store.ts`).
 *
 * After each cut the database holds the epoch whole or not at all, and after a retry it holds it once and exactly. The
 * control counts what each cut did: some were before the commit, some lost only its answer.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { EpochStore } from '../../src/sinks/postgres/epoch-store.ts'
import { CuttingProxy, type Direction } from '../support/cutting-proxy.ts'
import { claimedStore, FOLDER_ID, liveEpoch } from '../support/live-epochs.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

// So high that every number has the same length, and every epoch's transaction with it.
const FIRST_EPOCH = 100_000

// One table and the ledger: more would only make each reconnection slower.
const plan = freezePlan({
  ...adPipeline,
  tables: { ctr_by_campaign: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks'] } },
})

// One look at all that an epoch writes, in one snapshot; true for each that is as epoch $1 leaves it.
const AS_LEFT_BY = `
  select (select epoch from tidemark_meta) as epoch,
         (select bool_and(impressions = m.epoch) and count(*) = 1 from ctr_by_campaign) as cells,
         (select bool_and(events = m.epoch) and count(*) = 1 from ledger) as ledger,
         m.positions ->> 'http/impressions' = (m.epoch * 1000)::text as positions,
         (select max(epoch) = m.epoch and count(*) = m.epoch - $1 from tidemark_dead_letters) as letters
    from tidemark_meta as m`

let postgres: TestPostgres
let proxy: CuttingProxy
let store: EpochStore
let observer: pg.Client
let number = FIRST_EPOCH

/** Which epoch the database holds; fails where any part of it is missing or from another epoch. */
async function epochHeld(): Promise<number> {
  const { rows } = await observer.query<Record<string, unknown>>(AS_LEFT_BY, [FIRST_EPOCH])
  const [{ epoch, ...parts } = {}] = rows
  for (const [part, isRight] of Object.entries(parts)) assert.equal(isRight, true, `${part} of epoch ${String(epoch)}`)
  return Number(epoch)
}

/** Writes the next epoch with a cut; says what the database held before the retry. */
async function cutOnce(bytes: number, direction: Direction): Promise<'before' | 'after' | 'none'> {
  const cutsBefore = proxy.cuts
  const epoch = liveEpoch(number + 1, ['a'])
  proxy.cutAfter(bytes, direction)
  const error: unknown = await store.write(epoch).catch((thrown: unknown) => thrown)
  proxy.count()
  const held = await epochHeld()
  if (error !== undefined) {
    if (!(error instanceof TidemarkError && error.retryable)) throw error
    assert.equal(proxy.cuts, cutsBefore + 1)
    assert.ok(held === number || held === number + 1)
    await store.write(epoch)
  }
  number++
  assert.equal(await epochHeld(), number, `after ${bytes} bytes ${direction}`)
  // The connection is warm for the next one: its statements are prepared.
  if (error === undefined) return 'none'
  return held === number ? 'after' : 'before'
}

describe('a connection cut at every byte of an epoch', () => {
  let total: Readonly<Record<Direction, number>>

  before(async () => {
    postgres = await startTestPostgres()
    const url = await postgres.createDatabase()
    proxy = await CuttingProxy.before(url)
    observer = new pg.Client({ connectionString: url })
    await observer.connect()
    // A password is hashed 4,096 times at each connection, which is most of what one costs.
    const { username, password } = new URL(url)
    await observer.query(`set scram_iterations = 1; alter role ${username} password '${password}'`)
    store = await claimedStore(proxy.through(url), { plan })
    await observer.query('update tidemark_meta set epoch = $1 where folder_id = $2', [FIRST_EPOCH, FOLDER_ID])
    await store.write(liveEpoch(++number, ['a']))
    proxy.count()
    await store.write(liveEpoch(++number, ['a']))
    total = { ...proxy.passed }
    assert.equal(await epochHeld(), number)
    assert.ok(total.up > 500 && total.down > 50, JSON.stringify(total))
  })
  after(async () => {
    await store.close()
    await observer.end()
    await proxy.close()
    await postgres.stop()
  })

  for (const direction of ['up', 'down'] as const)
    it(direction === 'up' ? 'on the way to the server' : 'on the way back', async (t) => {
      const outcomes = { before: 0, after: 0, none: 0 }
      for (let bytes = 0; bytes <= total[direction]; bytes++) outcomes[await cutOnce(bytes, direction)]++
      t.diagnostic(`${total[direction] + 1} cuts ${direction}: ${JSON.stringify(outcomes)}`)
      // Only the last byte completes the transaction; then there is nothing left to cut.
      assert.ok(outcomes.before > 0, 'some cuts were before the commit')
      assert.equal(outcomes.none, 1)
      if (direction === 'down') assert.ok(outcomes.after > 0, 'some cuts lost only the answer to COMMIT')
    })
})
