/**
 * One writer per table. A session holds an advisory lock for each table it writes, for as long as it lives: so two
 * instances never mix their rows, and a session that was cut off in mid-transaction is surely over when its successor
 * begins.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { TidemarkError } from '../errors.ts'
import type { Plan } from '../pipeline/plan.ts'
import { allTables } from '../pipeline/table-text.ts'
import { hashText } from '../text/hash-text.ts'
import { SCHEMA } from '../text/sql-text.ts'

/** First half of our locks' names; the other half is a hash of the table's. */
const LOCK_CLASS = 0x7469_6465
const WAIT_MS = 2_000
/** Between two tries: a session that was told to end does so within milliseconds, unless something holds it up. */
const FIRST_PAUSE_MS = 2
const LAST_PAUSE_MS = 50

/**
 * Locks all tables of the plan for this session.
 *
 * @param mayEnd whether the session that holds a lock is one to be ended: an earlier one of this same writer, or of one
 *   that this writer may take over from
 * @throws TidemarkError DATABASE_BUSY naming the session that holds a lock; retryable where that session was ended
 */
export async function lockTables(client: Client, plan: Plan, mayEnd: (holder: LockHolder) => boolean): Promise<void> {
  for (const table of allTables(plan)) {
    const key = lockKey(table.name)
    let waitedMs = 0
    for (let pauseMs = FIRST_PAUSE_MS; !(await tryLock(client, key)); pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const holder = await holderOf(client, key)
      if (holder !== undefined && !mayEnd(holder)) throw busy(table.name, holder)
      if (holder !== undefined) await client.query('select pg_terminate_backend($1)', [holder.pid])
      if (waitedMs >= WAIT_MS) throw stillEnding(table.name)
      await delay(pauseMs)
      waitedMs += pauseMs
    }
  }
}

/** The session that holds a lock. */
export interface LockHolder {
  readonly pid: number
  readonly application: string
  readonly since: string
}

async function tryLock(client: Client, key: number): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [
    LOCK_CLASS,
    key,
  ])
  return rows[0]?.locked ?? false
}

async function holderOf(client: Client, key: number): Promise<LockHolder | undefined> {
  const { rows } = await client.query<LockHolder>(
    `select l.pid, coalesce(a.application_name, '') as application,
            coalesce(to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), '') as since
       from pg_locks l left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.classid = $1::bigint::oid and l.objid = $2::bigint::oid
        and l.objsubid = 2 and l.database = (select oid from pg_database where datname = current_database())`,
    [LOCK_CLASS, key >>> 0],
  )
  return rows[0]
}

function busy(table: string, holder: LockHolder): TidemarkError {
  // Users without the right to see other sessions are not told since when.
  const since = holder.since === '' ? '' : ` (since ${holder.since} UTC)`
  const message = `The table "${table}" is being written by "${holder.application}"${since}.`
  return new TidemarkError('DATABASE_BUSY', message, {
    where: `table "${table}"`,
    fix: 'stop that instance first, or use another database',
  })
}

// A session that is frozen, or cut off from its client, may take a while to notice that it was ended.
function stillEnding(table: string): TidemarkError {
  return new TidemarkError('DATABASE_BUSY', `An earlier session of ours has not let go of the table "${table}" yet.`, {
    where: `table "${table}"`,
    retryable: true,
    fix: 'wait, or restart the database server',
  })
}

/** As PostgreSQL takes it: a signed number of 32 bits. */
function lockKey(table: string): number {
  return hashText(`${SCHEMA}.${table}`) | 0
}
