/**
 * The one session through which a writer reaches its tables.
 *
 * B1  One writer: the session holds the lock of each table (writer-lock.ts). An earlier session of this writer is over,
 *     whatever it still had under way, before this one writes.
 * B2  No call hangs: the server has a time to answer each statement, then the connection is given up.
 */
import type { Client } from 'pg'
import { type Connection, connect } from '../../database/connection.ts'
import { type LockHolder, lockTables } from '../../database/writer-lock.ts'
import type { Plan } from '../../pipeline/plan.ts'

export interface WriterSessionOptions {
  readonly url: string
  readonly plan: Plan
  /** What the server's activity views call us; at most 63 characters. */
  readonly applicationName: string
  /** How long the server may take to answer one statement (B2). */
  readonly timeoutMs: number
  /** Whether a session of someone else that holds a lock is to be ended; no unless given. */
  readonly mayEnd?: (holder: LockHolder) => boolean
}

export class WriterSession {
  readonly #options: WriterSessionOptions
  readonly #backends: number[] = []
  #connection: Connection | undefined

  constructor(options: WriterSessionOptions) {
    this.#options = options
  }

  /** Whether a connection is there, as far as is known. */
  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  /**
   * The client; connects and locks the tables where that is not so yet.
   *
   * @param beforeLocks runs on a new connection before it takes the locks
   * @throws TidemarkError DATABASE_UNAVAILABLE, DATABASE_BUSY
   */
  async client(beforeLocks?: (client: Client) => Promise<void>): Promise<Client> {
    if (this.#connection !== undefined) return this.#connection.client
    const { url, plan, applicationName, timeoutMs, mayEnd } = this.#options
    const connection = await connect({ url, applicationName, queryTimeoutMs: timeoutMs })
    this.#connection = connection
    await connection.client.query('set idle_in_transaction_session_timeout = 0')
    await beforeLocks?.(connection.client)
    await lockTables(connection.client, plan, (holder) => {
      return this.#backends.includes(holder.pid) || mayEnd?.(holder) === true
    })
    this.#backends.push(await backendOf(connection.client))
    return connection.client
  }

  /** Gives the connection up; the next {@link client} makes a new one. Safe to call twice. */
  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}
