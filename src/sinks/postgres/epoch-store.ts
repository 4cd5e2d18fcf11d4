/**
 * The epochs of a live run in PostgreSQL: nothing lost, nothing twice.
 *
 * E1  Epoch N is one transaction: the epoch row moves from N-1 to N, and the absolute values of all changed cells, the
 *     ledger and the dead letters are written; all of it or nothing.
 * E2  A COMMIT whose answer was lost is settled by the row: where it holds epoch N under this owner, the epoch is in,
 *     and trying it again writes nothing.
 * E3  Whoever was overtaken writes nothing any more (F1 of epoch-row.ts) and ends with FENCED.
 * E4  A claim comes after all its checks, in one transaction; a claim that is refused changes nothing, not even who may
 *     write. Whoever comes last with the data folder that feeds the tables takes them over: a session of the instance
 *     before, frozen or cut off, is ended, so that nothing it has under way holds a lock; F1 does the rest.
 * E5  What passes by itself rejects as retryable: conflicts with others (tried again at once, a few times), a server
 *     that is gone, frozen, read-only, full or out of connections. Anything else ends the run.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { inTransaction } from '../../database/connection.ts'
import { databaseError, isConflict, retryableAs } from '../../database/database-error.ts'
import {
  advanceEpochRow,
  type EpochOwner,
  type EpochRow,
  readEpochRow,
  startEpochRow,
  takeOverEpochRow,
} from '../../database/epoch-row.ts'
import type { WriterKind } from '../../database/meta-table.ts'
import { clearTables, lockMigrations, migrateTables, prepareDatabase } from '../../database/migrate.ts'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { EpochSink, LiveEpoch, Log, Positions } from '../../runtime/ports.ts'
import type { Outage } from '../../runtime/status.ts'
import { ChangeLog, MAX_CHANGE_BYTES } from './change-log.ts'
import { checkClaim, checkTablesExist } from './claim-check.ts'
import { DEAD_LETTER_LIMITS, DEAD_LETTER_TABLE, type DeadLetterLimits, DeadLetterTable } from './dead-letter-table.ts'
import { INTERRUPTION_TABLE, InterruptionTable } from './interruption-table.ts'
import { checkMayReplace } from './replaced-rows.ts'
import { NarrowWriter } from './narrow-writer.ts'
import { WriterSession } from './writer-session.ts'

export interface EpochStoreOptions {
  /** Connects as a user who may create and write the tables. */
  readonly url: string
  readonly plan: Plan
  /** The command that writes; others meet it in messages. */
  readonly writer: WriterKind
  /** Identity of the data folder, kept in it: only tables that it feeds are gone on with. */
  readonly folderId: string
  /** Throws away rows that another data folder or another kind of writer left, and begins anew. */
  readonly replace?: boolean
  /** Throws away the rows of this data folder, whatever plan they have, and begins anew: for a recount. */
  readonly rebuild?: boolean
  /** How long the server may take to answer one statement; 10 s unless given. */
  readonly timeoutMs?: number
  readonly deadLetterLimits?: DeadLetterLimits
  /** Whether change sets hold the cells of narrow tables as well, which are then kept. */
  readonly withNarrow?: boolean
  /** Whether what epochs change in early cells is kept: where someone takes it up, and only there. */
  readonly withEarly?: boolean
  /** How large those changes may grow; {@link MAX_CHANGE_BYTES} unless given. */
  readonly maxChangeBytes?: number
  /** Outages of this run so far: each that is over is kept with the next epoch. */
  readonly outages?: () => readonly Outage[]
  readonly log?: Log
}

/** What the tables hold. */
export interface ClaimedEpoch {
  /** 0 before the first. */
  readonly epoch: number
  /** -Infinity before the first. */
  readonly watermarkMs: number
  readonly positions: Positions
}

const CONFLICT_RETRIES = 6
/** Tables of ours that readers may read beside those of the plan. */
const ALSO_READABLE = [DEAD_LETTER_TABLE, INTERRUPTION_TABLE]
const BEFORE_THE_FIRST: ClaimedEpoch = { epoch: 0, watermarkMs: -Infinity, positions: {} }

export class EpochStore implements EpochSink {
  readonly #options: EpochStoreOptions
  readonly #owner: EpochOwner
  readonly #session: WriterSession
  readonly #narrow: NarrowWriter
  readonly #changes: ChangeLog
  readonly #deadLetters: DeadLetterTable
  readonly #interruptions: InterruptionTable
  #predecessor: string | null = null

  constructor(options: EpochStoreOptions) {
    const { url, plan, writer, folderId, timeoutMs, deadLetterLimits } = options
    const id = randomBytes(8).toString('hex')
    this.#options = options
    this.#owner = { id, writer, folderId, name: `tidemark ${writer} (process ${process.pid} on ${hostname()})` }
    this.#narrow = new NarrowWriter(plan, options.withNarrow === true)
    this.#changes = new ChangeLog(plan, {
      isKept: options.withEarly === true,
      maxBytes: options.maxChangeBytes ?? MAX_CHANGE_BYTES,
      log: options.log ?? ((): void => undefined),
    })
    this.#deadLetters = new DeadLetterTable(plan.name, deadLetterLimits ?? DEAD_LETTER_LIMITS)
    this.#interruptions = new InterruptionTable(plan.name)
    this.#session = new WriterSession({
      url,
      plan,
      applicationName: `tidemark ${writer} (process ${process.pid}) ${id}`,
      timeoutMs: timeoutMs ?? 10_000,
      mayEnd: ({ application }) => this.#predecessor !== null && application.endsWith(` ${this.#predecessor}`),
    })
  }

  /** Random name of this instance, as the epoch row has it. */
  get ownerId(): string {
    return this.#owner.id
  }

  /**
   * Takes the tables over and says what they hold (E4).
   *
   * @param judge is told what they hold before anything is changed; throws to refuse the claim
   * @throws TidemarkError DATABASE_OTHER_FOLDER, PLAN_CHANGED, FORMAT_NEWER, EPOCH_MISMATCH, DATABASE_BUSY,
   *   DATABASE_SCHEMA_MISMATCH, DATABASE_UNAVAILABLE
   */
  async claim(judge: (found: ClaimedEpoch) => void = () => undefined): Promise<ClaimedEpoch> {
    return this.#attempt('claim the tables', async () => {
      const client = await this.#session.client((fresh) => this.#meetPredecessor(fresh, judge))
      return inTransaction(client, async () => {
        await lockMigrations(client)
        const found = this.#checked(await readEpochRow(client, this.#options.plan.name, true), judge)
        return found === undefined ? this.#beginAnew(client) : this.#goOn(client, found)
      })
    })
  }

  /**
   * Writes an epoch (E1). On a retryable error the same epoch is to be given again.
   *
   * @throws TidemarkError FENCED, EPOCH_MISMATCH; retryable DATABASE_UNAVAILABLE or DATABASE_BUSY (E5)
   */
  async write(epoch: LiveEpoch): Promise<void> {
    await this.#attempt(`write epoch ${epoch.number}`, async () => {
      const client = await this.#reconnected()
      for (let attempt = 0; !(await this.#tryWrite(client, epoch, attempt)); attempt++)
        await delay(20 * 2 ** attempt * (0.5 + Math.random()))
      this.#changes.committed(epoch.watermarkMs)
    })
  }

  /** Lets go of the connection; what was not committed is discarded. Safe to call twice. */
  async close(): Promise<void> {
    await this.#session.close()
  }

  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#deadLetters.forget()
      await this.close()
      throw databaseError(error, what, this.#options.url)
    }
  }

  // Refused before the session of anyone else is ended.
  async #meetPredecessor(client: Client, judge: (found: ClaimedEpoch) => void): Promise<void> {
    await prepareDatabase(client)
    const row = await readEpochRow(client, this.#options.plan.name)
    this.#checked(row, judge)
    this.#predecessor = row?.folderId === this.#owner.folderId ? row.owner : null
  }

  // The row to go on from, or undefined to begin anew.
  #checked(row: EpochRow | undefined, judge: (found: ClaimedEpoch) => void): EpochRow | undefined {
    const { plan, folderId, replace, rebuild } = this.#options
    const mine = checkClaim(row, { plan, folderId, replace: replace === true, rebuild: rebuild === true })
    if (rebuild === true) return undefined
    judge(mine ?? BEFORE_THE_FIRST)
    return mine
  }

  async #beginAnew(client: Client): Promise<ClaimedEpoch> {
    const { plan, writer, folderId, replace, rebuild, log } = this.#options
    await checkMayReplace(client, plan, {
      writer,
      replace: replace === true,
      ...(rebuild === true ? { folderId } : {}),
    })
    await DeadLetterTable.ensure(client)
    await InterruptionTable.ensure(client)
    const report = await migrateTables(client, plan, { discardRows: true, alsoReadable: ALSO_READABLE })
    log?.('debug', report.readerRole.message)
    await clearTables(client, plan)
    await this.#deadLetters.clear(client)
    await this.#narrow.claim(client)
    await this.#changes.claim(client, { owner: this.#owner.id, before: null, watermarkMs: -Infinity })
    // Counted anew from the same events, it is the same pipeline, with the same past.
    if (rebuild !== true) await this.#interruptions.clear(client)
    await startEpochRow(client, plan, this.#owner)
    return BEFORE_THE_FIRST
  }

  async #goOn(client: Client, { epoch, watermarkMs, positions, owner }: EpochRow): Promise<ClaimedEpoch> {
    const { plan, log } = this.#options
    if (epoch > 0) await checkTablesExist(client, plan, epoch)
    await DeadLetterTable.ensure(client)
    await InterruptionTable.ensure(client)
    const report = await migrateTables(client, plan, { alsoReadable: ALSO_READABLE })
    log?.('debug', report.readerRole.message)
    await this.#narrow.claim(client)
    await this.#changes.claim(client, { owner: this.#owner.id, before: owner, watermarkMs })
    await this.#interruptions.addRestart(client)
    await takeOverEpochRow(client, plan, this.#owner)
    return { epoch, watermarkMs, positions }
  }

  // Whether we were overtaken is asked before the locks: it is the overtaker who holds them.
  async #reconnected(): Promise<Client> {
    try {
      return await this.#session.client(async (client) => void (await this.#refuseIfFenced(client)))
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'DATABASE_BUSY' || error.retryable) throw error
      // Whoever holds the locks has not taken the tables over, and may not.
      throw retryableAs(error, true)
    }
  }

  async #tryWrite(client: Client, epoch: LiveEpoch, attempt: number): Promise<boolean> {
    try {
      await client.query('begin')
      if (!(await advanceEpochRow(client, this.#options.plan.name, this.#owner.id, epoch))) {
        await client.query('rollback')
        return await this.#settle(client, epoch)
      }
      await this.#changes.write(client, epoch.changes)
      await this.#narrow.writeAll(client, epoch.changes)
      await this.#deadLetters.write(client, epoch.number, epoch.deadLetters)
      const outages = this.#options.outages?.() ?? []
      await this.#interruptions.addOutages(client, outages)
      await client.query('commit')
      this.#interruptions.committed(outages)
      return true
    } catch (error) {
      if (!isConflict(error) || attempt === CONFLICT_RETRIES) throw error
      this.#deadLetters.forget()
      await client.query('rollback')
      return false
    }
  }

  // Why no row was moved (E2, E3).
  async #settle(client: Client, epoch: LiveEpoch): Promise<boolean> {
    const row = await this.#refuseIfFenced(client)
    if (row.epoch === epoch.number) return true
    if (row.epoch === epoch.number - 1) return false
    const what = `epoch ${epoch.number} cannot follow`
    throw new TidemarkError('EPOCH_MISMATCH', `The tables in PostgreSQL hold epoch ${row.epoch}: ${what}.`, {
      fix: './tidemark rebuild (recounts the tables from the retained journal)',
    })
  }

  async #refuseIfFenced(client: Client): Promise<EpochRow> {
    const { plan } = this.#options
    const row = await readEpochRow(client, plan.name)
    if (row?.owner === this.#owner.id) return row
    const by = row?.ownerName ?? (row === undefined ? 'someone who removed its epoch row' : `tidemark ${row.writer}`)
    const since = row?.claimedAt ? ` (since ${row.claimedAt} UTC)` : ''
    throw new TidemarkError('FENCED', `The tables of pipeline "${plan.name}" were taken over by ${by}${since}.`, {
      fix: 'leave this instance stopped, or stop the other one and start this one again',
    })
  }
}
