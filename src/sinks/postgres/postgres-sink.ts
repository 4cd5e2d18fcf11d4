/**
 * The results of a replay into PostgreSQL. Live runs go through epoch-store.ts.
 *
 * W1  Everything is one transaction from `open` to `commit`. What the tables held is replaced in it, with the dead
 *     letters and the interruptions of the run that wrote it: readers see the old rows until the very end, and a run
 *     again leaves the same.
 * W2  Only final cells are written, once each; the ledger at the end.
 * W3  One writer, and no call that hangs: B1 and B2 of writer-session.ts. A session that is lost takes the run with it.
 * W4  What the pipelines of a database share is not locked meanwhile: others start, run and replay.
 *
 * What may be thrown away is in replaced-rows.ts (W5).
 */
import type { Client } from 'pg'
import { databaseError, retryableAs } from '../../database/database-error.ts'
import { recordEpoch, recordWriter, type WriterKind } from '../../database/meta-table.ts'
import { migrateTables, prepareDatabase } from '../../database/migrate.ts'
import { qualifiedTable } from '../../text/sql-text.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { allTables } from '../../pipeline/table-text.ts'
import type { Epoch, Sink } from '../../runtime/ports.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { LedgerTotals } from '../ledger-totals.ts'
import { DEAD_LETTER_LIMITS, DeadLetterTable } from './dead-letter-table.ts'
import { InterruptionTable } from './interruption-table.ts'
import { checkMayReplace } from './replaced-rows.ts'
import { TableWriter } from './table-writer.ts'
import { WriterSession } from './writer-session.ts'

export interface PostgresSinkOptions {
  /** Connects as a user who may create and write the tables. */
  readonly url: string
  readonly plan: Plan
  /** The command that writes; others meet it in messages. */
  readonly writer: WriterKind
  /** Throws rows away although another kind of writer left them (W5). */
  readonly replace?: boolean
  /** How long the server may take to answer one statement; 10 min unless given. */
  readonly timeoutMs?: number
  /** Takes lines for people. */
  readonly log?: (line: string) => void
}

const TIMEOUT_MS = 10 * MINUTE_MS

/** A {@link Sink} that writes the tables of a plan, all at once. */
export class PostgresSink implements Sink {
  readonly #options: PostgresSinkOptions
  readonly #writer: TableWriter
  readonly #ledger = new LedgerTotals()
  readonly #session: WriterSession
  #isPrepared = false

  constructor(options: PostgresSinkOptions) {
    this.#options = options
    this.#writer = new TableWriter(options.plan)
    const { url, plan, writer, timeoutMs = TIMEOUT_MS } = options
    this.#session = new WriterSession({
      url,
      plan,
      applicationName: `tidemark ${writer} (process ${process.pid})`,
      timeoutMs,
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
      await this.#begin(client)
      this.#isPrepared = true
    })
  }

  /** Writes the final cells of a step. */
  async write(epoch: Epoch): Promise<void> {
    this.#ledger.merge(epoch.changes.ledger)
    await this.#attempt(`write step ${epoch.number}`, (client) => this.#writer.insertFinal(client, epoch.changes.cells))
  }

  /** Writes the ledger and makes everything visible. */
  async commit(): Promise<void> {
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
    if (!known.retryable) return known
    // The transaction of the whole run is gone, and with it what was written.
    return retryableAs(known, false)
  }

  async #client(): Promise<Client> {
    if (this.#isPrepared && !this.#session.isOpen)
      throw new TidemarkError('DATABASE_UNAVAILABLE', 'The transaction of this run was lost.', { fix: 'run it again' })
    return this.#session.client()
  }

  async #begin(client: Client): Promise<void> {
    const { plan, writer, replace, log } = this.#options
    await prepareDatabase(client)
    await checkMayReplace(client, plan, { writer, replace: replace === true })
    await client.query('begin')
    const report = await migrateTables(client, plan, { discardRows: true })
    log?.(report.readerRole.message)
    await recordWriter(client, plan, writer)
    // Not `truncate`: that would keep readers out until the commit.
    for (const table of allTables(plan)) await client.query(`delete from ${qualifiedTable(table.name)}`)
    await new DeadLetterTable(plan.name, DEAD_LETTER_LIMITS).clear(client)
    await new InterruptionTable(plan.name).clear(client)
  }
}
