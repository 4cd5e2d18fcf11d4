/**
 * Results into PostgreSQL.
 *
 * W1  `epochs` (live): each epoch is one transaction for all tables; it is visible whole or not at all.
 * W2  `whole` (replay): everything is one transaction from `open` to `commit`. What the tables held is replaced in it, so
 *     readers see the old rows until the very end, and a run again leaves the same rows. Only final cells are written,
 *     once each; the ledger at the end.
 * W3  One writer: the tables are locked for the session (writer-lock.ts). A session that was cut off is over, whatever it
 *     still had under way, before its successor writes.
 * W4  No call hangs: the server has `timeoutMs` to answer each statement, then the connection is given up.
 * W5  Rows are only thrown away from a table that the same kind of writer wrote last, or any of ours where `replace` says
 *     so. A table that no pipeline of ours listed is never touched.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { type Connection, connect } from '../../database/connection.ts'
import { databaseError, isConflict } from '../../database/database-error.ts'
import { ensureMetaTable, lastWriters, recordEpoch, recordWriter, type WriterKind } from '../../database/meta-table.ts'
import { clearTables, migrate, migrateTables, tablesWithRows } from '../../database/migrate.ts'
import { qualifiedTable } from '../../database/sql-text.ts'
import { lockTables } from '../../database/writer-lock.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { allTables } from '../../pipeline/table-text.ts'
import type { Epoch, Sink } from '../../runtime/ports.ts'
import { LedgerTotals } from '../ledger-totals.ts'
import { TableWriter } from './table-writer.ts'

export interface PostgresSinkOptions {
  /** Connects as a user who may create and write the tables. */
  readonly url: string
  readonly plan: Plan
  /** The command that writes; others meet it in messages. */
  readonly writer: WriterKind
  /** W1 or W2. */
  readonly mode: 'epochs' | 'whole'
  /** Live: throws away what the tables hold before the first epoch. `whole` always does, at its commit. */
  readonly startEmpty?: boolean
  /** Throws rows away although another kind of writer left them (W5). */
  readonly replace?: boolean
  /** How long the server may take to answer one statement; 10 s unless given, and 10 min in `whole`. */
  readonly timeoutMs?: number
  /** Takes lines for people. */
  readonly log?: (line: string) => void
}

const CONFLICT_RETRIES = 6

/** A {@link Sink} that writes the tables of a plan. */
export class PostgresSink implements Sink {
  readonly #options: PostgresSinkOptions
  readonly #writer: TableWriter
  readonly #ledger = new LedgerTotals()
  readonly #backends: number[] = []
  #connection: Connection | undefined
  #isPrepared = false

  constructor(options: PostgresSinkOptions) {
    this.#options = options
    this.#writer = new TableWriter(options.plan)
  }

  /**
   * Connects, locks the tables and brings them to the plan.
   *
   * @throws TidemarkError DATABASE_UNAVAILABLE, DATABASE_BUSY, DATABASE_SCHEMA_MISMATCH
   */
  async open(): Promise<void> {
    await this.#attempt('prepare the tables', async (client) => {
      if (this.#isPrepared) return
      if (this.#options.mode === 'whole') await this.#beginWhole(client)
      else await this.#prepareLive(client)
      this.#isPrepared = true
    })
  }

  /** Writes an epoch; on a retryable error the same epoch may be given again. */
  async write(epoch: Epoch): Promise<void> {
    if (this.#options.mode === 'whole') {
      this.#ledger.merge(epoch.changes.ledger)
      await this.#attempt(`write step ${epoch.number}`, (client) =>
        this.#writer.insertFinal(client, epoch.changes.cells),
      )
    } else {
      await this.#attempt(`write epoch ${epoch.number}`, (client) => this.#writeWithRetry(client, epoch))
    }
  }

  /** Ends a bounded run. Live epochs are visible already. */
  async commit(): Promise<void> {
    if (this.#options.mode === 'epochs') return
    await this.#attempt('commit the run', async (client) => {
      await this.#writer.insertLedger(client, this.#ledger.rows())
      await recordEpoch(client, this.#options.plan, 1, Infinity)
      await client.query('commit')
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }

  async #attempt(what: string, work: (client: Client) => Promise<void>): Promise<void> {
    try {
      await work(await this.#client())
    } catch (error) {
      await this.close()
      throw this.#asError(error, what)
    }
  }

  #asError(error: unknown, what: string): TidemarkError {
    const known = databaseError(error, what, this.#options.url)
    if (this.#options.mode === 'epochs' || !known.retryable) return known
    // The transaction of the whole run is gone, and with it what was written.
    return new TidemarkError(known.code, known.message, { ...detailsOf(known), retryable: false })
  }

  async #client(): Promise<Client> {
    if (this.#connection !== undefined) return this.#connection.client
    const { url, plan, writer, mode } = this.#options
    if (mode === 'whole' && this.#isPrepared)
      throw new TidemarkError('DATABASE_UNAVAILABLE', 'The transaction of this run was lost.', { fix: 'run it again' })
    const connection = await connect({
      url,
      applicationName: `tidemark ${writer} (process ${process.pid})`,
      queryTimeoutMs: this.#options.timeoutMs ?? (mode === 'whole' ? 600_000 : 10_000),
    })
    this.#connection = connection
    await connection.client.query(`set idle_in_transaction_session_timeout = 0`)
    await lockTables(connection.client, plan, this.#backends)
    this.#backends.push(await backendOf(connection.client))
    return connection.client
  }

  async #prepareLive(client: Client): Promise<void> {
    const { plan, writer, startEmpty, log } = this.#options
    if (startEmpty === true) await this.#checkMayReplace(client)
    const report = await migrate(client, plan, { discardRows: startEmpty === true })
    log?.(report.readerRole.message)
    await client.query('begin')
    if (startEmpty === true) await clearTables(client, plan)
    await recordWriter(client, plan, writer)
    await client.query('commit')
  }

  async #beginWhole(client: Client): Promise<void> {
    const { plan, writer, log } = this.#options
    await this.#checkMayReplace(client)
    await client.query('begin')
    const report = await migrateTables(client, plan, { discardRows: true })
    log?.(report.readerRole.message)
    await recordWriter(client, plan, writer)
    // Not `truncate`: that would keep readers out until the commit.
    for (const table of allTables(plan)) await client.query(`delete from ${qualifiedTable(table.name)}`)
  }

  // Judged table by table (W5): that one of them is ours says nothing of the others.
  async #checkMayReplace(client: Client): Promise<void> {
    const { plan, writer, replace } = this.#options
    await ensureMetaTable(client)
    const writers = await lastWriters(client)
    const kept = (await tablesWithRows(client, plan)).filter((name) => {
      const last = writers.get(name)
      return last === undefined || (last !== writer && replace !== true)
    })
    if (kept.length === 0) return
    const described = kept.map((name) => `"${name}" (written by ${writerText(writers.get(name))})`)
    throw new TidemarkError(
      'DATABASE_BUSY',
      `${kept.length === 1 ? 'A table holds' : 'Tables hold'} rows that ${writer} would replace: ${described.join(', ')}.`,
      { fix: 'use another database, rename those tables in the definition, or empty them first' },
    )
  }

  async #writeWithRetry(client: Client, epoch: Epoch): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await client.query('begin')
        await this.#writer.upsertAll(client, epoch.changes)
        await recordEpoch(client, this.#options.plan, epoch.number, epoch.watermarkMs)
        await client.query('commit')
        return
      } catch (error) {
        if (!isConflict(error) || attempt === CONFLICT_RETRIES) throw error
        await client.query('rollback')
        await delay(20 * 2 ** attempt * (0.5 + Math.random()))
      }
    }
  }
}

function writerText(writer: WriterKind | undefined): string {
  return writer === undefined ? 'someone else' : `tidemark ${writer}`
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}

function detailsOf(error: TidemarkError): { fix?: string; where?: string; cause?: unknown } {
  return {
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error.cause,
  }
}
