/**
 * Results into PostgreSQL.
 *
 * W1  `epochs` (live): each epoch is one transaction for all tables; it is visible whole or not at all.
 * W2  `whole` (replay): everything is one transaction from `open` to `commit`. What the tables held is replaced in it, so
 *     readers see the old rows until the very end, and a run again leaves the same rows. Only final cells are written,
 *     once each; the ledger at the end.
 * W3  One writer, and no call that hangs: B1 and B2 of writer-session.ts. In `whole` a session that is lost takes the run
 *     with it.
 *
 * What may be thrown away is in replaced-rows.ts (W5). Live runs that must lose nothing go through epoch-store.ts.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { databaseError, isConflict } from '../../database/database-error.ts'
import { ensureMetaTable, recordEpoch, recordWriter, type WriterKind } from '../../database/meta-table.ts'
import { clearTables, migrate, migrateTables } from '../../database/migrate.ts'
import { qualifiedTable } from '../../database/sql-text.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { allTables } from '../../pipeline/table-text.ts'
import type { Epoch, Sink } from '../../runtime/ports.ts'
import { LedgerTotals } from '../ledger-totals.ts'
import { checkMayReplace } from './replaced-rows.ts'
import { TableWriter } from './table-writer.ts'
import { WriterSession } from './writer-session.ts'

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
  readonly #session: WriterSession
  #isPrepared = false

  constructor(options: PostgresSinkOptions) {
    this.#options = options
    this.#writer = new TableWriter(options.plan)
    const { url, plan, writer, mode, timeoutMs } = options
    this.#session = new WriterSession({
      url,
      plan,
      applicationName: `tidemark ${writer} (process ${process.pid})`,
      timeoutMs: timeoutMs ?? (mode === 'whole' ? 600_000 : 10_000),
    })
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
    await this.#session.close()
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
    if (this.#options.mode === 'whole' && this.#isPrepared && !this.#session.isOpen)
      throw new TidemarkError('DATABASE_UNAVAILABLE', 'The transaction of this run was lost.', { fix: 'run it again' })
    return this.#session.client()
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

  async #checkMayReplace(client: Client): Promise<void> {
    const { plan, writer, replace } = this.#options
    await ensureMetaTable(client)
    await checkMayReplace(client, plan, { writer, replace: replace === true })
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

function detailsOf(error: TidemarkError): { fix?: string; where?: string; cause?: unknown } {
  return {
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    ...(error.where === undefined ? {} : { where: error.where }),
    cause: error.cause,
  }
}
