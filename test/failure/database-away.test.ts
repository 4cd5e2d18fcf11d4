/**
 * PostgreSQL is there and does not work: frozen, read-only, out of connections, slow, in each other's way. Each is told
 * in a sentence of its own, is worth another try, and leaves every epoch whole and once when it is over.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { TidemarkError } from '../../src/errors.ts'
import type { EpochStore } from '../../src/sinks/postgres/epoch-store.ts'
import { eventually } from '../support/eventually.ts'
import { claimedStore, leftBy, liveEpoch } from '../support/live-epochs.ts'
import { isLockAwaited, runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** Writes `number` while the fault is there; says what was told of it. */
async function away(store: EpochStore, number: number): Promise<string> {
  const error: unknown = await store.write(liveEpoch(number)).then(
    () => assert.fail('the fault did not happen'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof TidemarkError && error.retryable, String(error))
  assert.equal(error.code, 'DATABASE_UNAVAILABLE')
  return error.message
}

/** What a store leaves that never met a fault. */
async function leftWithoutFault(): Promise<unknown> {
  const url = await postgres.createDatabase()
  const store = await claimedStore(url)
  for (const number of [1, 2, 3]) await store.write(liveEpoch(number))
  await store.close()
  return leftBy(url)
}

/** Epoch 1, then epoch 2 with a fault, then epochs 2 and 3 without: the same is left as if there had been none. */
async function survives(
  fault: (url: string, store: EpochStore) => Promise<() => Promise<unknown>>,
  says: RegExp,
): Promise<void> {
  const url = await postgres.createDatabase()
  const store = await claimedStore(url, { timeoutMs: 1_000 })
  await store.write(liveEpoch(1))
  const end = await fault(url, store)
  try {
    assert.match(await away(store, 2), says)
    assert.match(await away(store, 2), says)
  } finally {
    await end()
  }
  await eventually('it works again', async () => {
    try {
      await store.write(liveEpoch(2))
      return true
    } catch (error) {
      assert.ok(error instanceof TidemarkError && error.retryable, String(error))
      return false
    }
  })
  await store.write(liveEpoch(3))
  await store.close()
  assert.deepEqual(await leftBy(url), await leftWithoutFault())
}

describe('a PostgreSQL that does not work', () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('is frozen, postmaster and session', { skip: process.platform === 'win32' }, async () => {
    const pids: number[] = []
    const signal = (name: NodeJS.Signals): void => pids.forEach((pid) => process.kill(pid, name))
    await survives(async (url) => {
      const [session] = await runSql(url, `select pid from pg_stat_activity where application_name like '%run (%'`)
      pids.push(postgres.database.serverPid ?? assert.fail('it is our own'), Number(session?.[0]))
      signal('SIGSTOP')
      return async () => signal('SIGCONT')
    }, /does not answer/)
  })

  it('is read-only', async () => {
    await survives(async (url, store) => {
      const admin = await connected(url)
      const name = new URL(url).pathname.slice(1)
      await admin.query(`alter database ${name} set default_transaction_read_only = on`)
      // As after a fail-over: the session is a new one.
      await store.close()
      return async () => {
        await admin.query('set default_transaction_read_only = off')
        await admin.query(`alter database ${name} reset default_transaction_read_only`)
        await admin.end()
      }
    }, /lets us read only/)
  })

  it('has no connection left', async () => {
    await survives(async (url, store) => {
      await store.close()
      const crowd: pg.Client[] = []
      await assert.rejects(
        async () => {
          for (;;) crowd.push(await connected(url))
        },
        { code: '53300' },
      )
      return async () => Promise.all(crowd.map((client) => client.end()))
    }, /no connection left/)
  })

  it('takes too long, because someone holds a row', async () => {
    await survives(async (url) => {
      const holder = await connected(url)
      await holder.query(`begin; select 1 from ctr_by_campaign where campaign_id = 'a' for update`)
      return async () => holder.end()
    }, /does not answer|took too long/)
  })

  it("is in each other's way: a deadlock with a foreign transaction is tried again at once", async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    await store.write(liveEpoch(1))
    const rival = await connected(url)
    await rival.query(
      `set deadlock_timeout = '10s'; begin; select 1 from ctr_by_campaign where campaign_id = 'b' for update`,
    )
    const written = store.write(liveEpoch(2))
    await eventually('the store waits for the rival', () => isLockAwaited(url))
    await rival.query(`select 1 from ctr_by_campaign where campaign_id = 'a' for update`)
    await rival.query('rollback')
    await rival.end()
    await written
    await store.write(liveEpoch(3))
    await store.close()
    assert.deepEqual(await leftBy(url), await leftWithoutFault())
    const [deadlocks] = await runSql(
      url,
      `select pg_stat_force_next_flush(), deadlocks from pg_stat_database where datname = current_database()`,
    )
    assert.ok(Number(deadlocks?.[1]) >= 1, 'there was a deadlock to recover from')
  })
})
