/**
 * Connections that only read: a few of them, shared by everyone who asks.
 *
 * B1  A reader can change nothing: it takes the read-only role where our user may, and every transaction is read-only.
 * B2  Work that finds no connection free waits its turn, `MAX_WAITING` of it at most; the rest is refused at once.
 * B3  One statement takes `statementTimeoutMs` at most, and all of one answer {@link ANSWER_FACTOR} times as long.
 * B4  A connection that failed is never used again. One that is idle costs the server nothing but its place.
 * B5  A server that does not answer in time is asked once more before it counts as away: where hundreds of pages open
 *     at once, it is this process or the machine that is busy. One that turns us down is not.
 * B6  Beside the connection's own, a statement has a process of PostgreSQL for each further core of this machine, two at
 *     most, and no more than the server gives: one that shares a core costs its start and brings nothing.
 */
import { availableParallelism } from 'node:os'
import type { Client } from 'pg'
import { type Connection, connect } from '../../database/connection.ts'
import { databaseError } from '../../database/database-error.ts'
import { READER_ROLE } from '../../database/reader-role.ts'
import { codeOf, TidemarkError } from '../../errors.ts'
import { quoteIdentifier, SCHEMA } from '../../text/sql-text.ts'

export interface ReaderPoolOptions {
  readonly url: string
  /** Tables that are read: the read-only role is taken where it may read all of them. */
  readonly tables: readonly string[]
  /** Connections at most. */
  readonly connections?: number
  /** How long one statement may take, ms. */
  readonly statementTimeoutMs?: number
  /** How long the server may take to let us in, ms; 3 s unless given. */
  readonly connectTimeoutMs?: number
}

/** One answer's view of the tables. */
export interface Snapshot {
  readonly client: Client
  /** Rows of a statement, every value as its text. */
  rows(text: string): Promise<readonly (readonly (string | null)[])[]>
}

/** How many times as long as one statement an answer may take. */
const ANSWER_FACTOR = 4

const MAX_WAITING = 2_048
const CONNECT_TIMEOUT_MS = 3_000
/** Processes of PostgreSQL that help with one statement (B6). */
const MAX_WORKERS = Math.min(2, availableParallelism() - 1)

const AS_TEXT = { getTypeParser: () => (text: string) => text }

export class ReaderPool {
  readonly #options: ReaderPoolOptions
  readonly #timeoutMs: number
  readonly #idle: Connection[] = []
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #isClosed = false

  constructor(options: ReaderPoolOptions) {
    this.#options = options
    this.#timeoutMs = options.statementTimeoutMs ?? 5_000
  }

  /**
   * Does `work` within one repeatable-read, read-only transaction.
   *
   * @throws TidemarkError VIEW_TIMEOUT; DATABASE_UNAVAILABLE, retryable; DATABASE_BUSY where too much waits
   */
  async read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    await this.#takePlace()
    let connection: Connection | undefined
    try {
      connection = this.#idle.pop() ?? (await this.#connect())
      const value = await this.#inSnapshot(connection.client, work)
      if (this.#isClosed) await connection.close()
      else this.#idle.push(connection)
      return value
    } catch (error) {
      void connection?.close()
      throw this.#readError(error)
    } finally {
      this.#busy--
      this.#waiting.shift()?.()
    }
  }

  /** Closes what is idle now, and the rest as it becomes free. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()))
  }

  async #takePlace(): Promise<void> {
    if (this.#busy >= (this.#options.connections ?? 4)) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new TidemarkError('DATABASE_BUSY', `More than ${MAX_WAITING} questions wait for an answer.`, {
          retryable: true,
          fix: 'ask again a little later',
        })
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#busy++
  }

  async #connect(): Promise<Connection> {
    const options = {
      url: this.#options.url,
      applicationName: 'tidemark view',
      connectTimeoutMs: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      // The server's own limit comes first and leaves the connection in order.
      queryTimeoutMs: this.#timeoutMs + 2_000,
    }
    const connection = await connect(options).catch((error: unknown) => {
      if (!isLate(error)) throw error
      return connect(options)
    })
    const { client } = connection
    await this.#takeRole(client)
    // What compiling a statement takes is more than any view does. What views read lies in memory for the most part: at
    // the price of a disk a few members would be sought by reading every row.
    const settings = [
      'jit = off',
      `work_mem = '64MB'`,
      'random_page_cost = 1.1',
      `statement_timeout = ${this.#timeoutMs}`,
    ]
    await client.query(settings.map((setting) => `set ${setting}`).join('; '))
    await client.query(
      `select set_config('max_parallel_workers_per_gather',
                least(current_setting('max_parallel_workers_per_gather')::int, ${MAX_WORKERS})::text, false)`,
    )
    return connection
  }

  async #takeRole(client: Client): Promise<void> {
    const { rows } = await client.query<{ may: boolean }>(
      `select coalesce(bool_and(pg_has_role(r.oid, 'member') and has_table_privilege(r.oid, c.oid, 'select')), false) as may
         from pg_roles r, pg_class c
        where r.rolname = $1 and c.relnamespace = to_regnamespace($2) and c.relname = any ($3)`,
      [READER_ROLE, SCHEMA, this.#options.tables],
    )
    if (rows[0]?.may === true) await client.query(`set role ${quoteIdentifier(READER_ROLE)}`).catch(() => undefined)
  }

  async #inSnapshot<T>(client: Client, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const endMs = performance.now() + ANSWER_FACTOR * this.#timeoutMs
    await client.query('begin isolation level repeatable read read only')
    const value = await work({
      client,
      rows: async (text) => {
        if (performance.now() > endMs) throw tooLong(ANSWER_FACTOR * this.#timeoutMs)
        const answer = await client.query<(string | null)[]>({ text, rowMode: 'array', types: AS_TEXT })
        return answer.rows
      },
    })
    await client.query('commit')
    return value
  }

  #readError(error: unknown): unknown {
    if (codeOf(error) !== '57014') return databaseError(error, 'read the tables', this.#options.url)
    return tooLong(this.#timeoutMs, error)
  }
}

// What the driver says when its own time is up.
function isLate(error: unknown): boolean {
  const cause = error instanceof TidemarkError ? error.cause : error
  return cause instanceof Error && cause.message.startsWith('timeout expired')
}

function tooLong(limitMs: number, cause?: unknown): TidemarkError {
  return new TidemarkError('VIEW_TIMEOUT', `The answer would take longer than ${limitMs} ms.`, {
    retryable: true,
    fix: 'ask for a shorter time, a coarser grain, or fewer filters',
    cause,
  })
}
