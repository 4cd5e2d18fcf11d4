/**
 * Builds coarse cells from final ones, a piece at a time.
 *
 * B1  A piece is one transaction: the cells of one or more periods in all tables of a length, and the state that says
 *     so. A crash leaves whole pieces.
 * B2  A period is built once all of its windows are final, which the epoch row of the same snapshot decides. Without
 *     such a row, or under another plan, nothing is built.
 * B3  It may run anywhere, any number of times: a builder that finds another at work, or the tables being replaced,
 *     leaves it to them.
 * B4  Pieces are small: nobody waits long for the lock of the state, and no old snapshot is held.
 * B5  It locks no row and no table that an epoch writes.
 */
import type { Client } from 'pg'
import { planHash } from '../../pipeline/plan-hash.ts'
import { finalAfterMs } from '../../pipeline/plan.ts'
import { coarseLengths, coarseTables, type CoarseTable } from '../../query/coarse-tables.ts'
import { databaseError } from '../database-error.ts'
import { readEpochRow } from '../epoch-row.ts'
import { epochMs, qualifiedTable } from '../../text/sql-text.ts'
import { BuilderConnection, type BuilderOptions, buildStep } from './builder-connection.ts'
import { areAsWished, COARSE_STATE, makeTables, voidStatement } from './coarse-schema.ts'
import { pieceStatement } from './piece-statement.ts'

/** How long a piece should take, ms: fewer periods follow one that took longer, more a shorter one (B4). */
const PIECE_MS = 250
const MAX_PERIODS = 24
const VOIDED_ROWS = 100_000

export class CoarseBuilder {
  readonly #options: BuilderOptions
  readonly #tables: readonly CoarseTable[]
  readonly #lengths: readonly number[]
  readonly #connection: BuilderConnection
  #periods = 1

  constructor(options: BuilderOptions) {
    this.#options = options
    this.#tables = coarseTables(options.plan)
    this.#lengths = coarseLengths(options.plan)
    this.#connection = new BuilderConnection({
      url: options.url,
      applicationName: 'tidemark coarse cells',
      queryTimeoutMs: 120_000,
      set: `set idle_in_transaction_session_timeout = '60s'`,
    })
  }

  /**
   * Builds what can be built.
   *
   * @param signal ends it between two pieces
   * @returns how many pieces were built
   * @throws TidemarkError DATABASE_UNAVAILABLE; whatever it throws, it may be called again
   */
  async build(signal?: AbortSignal): Promise<number> {
    if (this.#tables.length === 0) return 0
    try {
      const client = await this.#connection.client()
      if (!(await hasState(client))) return 0
      // Someone removed a table, or an older version left it.
      if (!(await areAsWished(client, this.#tables))) await client.query(voidStatement(this.#options.plan))
      let pieces = 0
      for (; signal?.aborted !== true && (await this.#buildNext(client)); pieces++);
      // Only the server's own idea of how many rows there are tells it to use the indexes.
      if (pieces > MAX_PERIODS) await this.#analyze(client)
      return pieces
    } catch (error) {
      await this.close()
      throw databaseError(error, 'build coarse cells', this.#options.url)
    }
  }

  /** Lets go of the connection. Safe to call twice. */
  async close(): Promise<void> {
    await this.#connection.close()
  }

  // Longer periods first: there is something to build of them only now and then.
  async #buildNext(client: Client): Promise<boolean> {
    for (const lengthMs of this.#lengths.toReversed()) if (await this.#buildPiece(client, lengthMs)) return true
    return false
  }

  async #buildPiece(client: Client, lengthMs: number): Promise<boolean> {
    const beganMs = this.#options.nowMs()
    const isBuilt = await buildStep(client, 'begin', () => this.#inTransaction(client, lengthMs))
    if (!isBuilt) return false
    const tookMs = this.#options.nowMs() - beganMs
    this.#adapt(tookMs)
    await this.#options.rest?.(tookMs)
    return true
  }

  #adapt(tookMs: number): void {
    if (tookMs > 2 * PIECE_MS) this.#periods = Math.max(1, Math.floor(this.#periods / 2))
    else if (tookMs < PIECE_MS) this.#periods = Math.min(MAX_PERIODS, 2 * this.#periods)
  }

  async #inTransaction(client: Client, lengthMs: number): Promise<boolean> {
    const state = await this.#lockedState(client)
    const completeMs = state?.get(lengthMs)
    if (state === undefined || completeMs === undefined) return false
    const limitMs = await this.#limit(client, lengthMs, state)
    if (limitMs === -Infinity) return false
    const tables = this.#tables.filter((table) => table.lengthMs === lengthMs)
    const startMs = await firstPeriod(client, tables, lengthMs, completeMs ?? -Infinity)
    if (startMs === undefined) return false
    const endMs = Math.min(startMs + this.#periods * lengthMs, Math.floor(limitMs / lengthMs) * lengthMs)
    if (endMs <= startMs) return false
    if (completeMs === null) return this.#mend(client, tables, lengthMs)
    for (const table of tables) await client.query(pieceStatement(table, startMs, endMs))
    await this.#recordComplete(client, lengthMs, new Date(endMs).toISOString())
    return true
  }

  /** How far each length is, locked; undefined where another has the lock (B3) or the plan is another (B2). */
  async #lockedState(client: Client): Promise<ReadonlyMap<number, number | null> | undefined> {
    const { plan } = this.#options
    const { rows } = await client.query<{ lengthMs: string; planHash: string; complete: string | null }>(
      `select length_ms as "lengthMs", plan_hash as "planHash",
              case when complete_until = '-infinity' then '-Infinity'
                   else ${epochMs('complete_until')}::text end as complete
         from ${COARSE_STATE} where pipeline = $1 order by length_ms for update skip locked`,
      [plan.name],
    )
    const hash = planHash(plan)
    if (rows.length < this.#lengths.length || rows.some((row) => row.planHash !== hash)) return undefined
    return new Map(
      rows.map(({ lengthMs, complete }) => [Number(lengthMs), complete === null ? null : Number(complete)]),
    )
  }

  /** Makes void tables what they should be, and removes what they hold, some of it at a time. */
  async #mend(client: Client, tables: readonly CoarseTable[], lengthMs: number): Promise<true> {
    await makeTables(client, this.#tables)
    let left = VOIDED_ROWS
    for (const { name } of tables) {
      const table = qualifiedTable(name)
      const { rowCount } = await client.query(
        `delete from ${table} where ctid = any (array(select ctid from ${table} limit ${left}))`,
      )
      left -= rowCount ?? 0
      if (left <= 0) return true
    }
    await this.#recordComplete(client, lengthMs, '-infinity')
    return true
  }

  /** Up to where periods of a length can be built: what is final, or what shorter ones are complete to. */
  async #limit(client: Client, lengthMs: number, state: ReadonlyMap<number, number | null>): Promise<number> {
    const shorter = this.#lengths[this.#lengths.indexOf(lengthMs) - 1]
    if (shorter !== undefined) return state.get(shorter) ?? -Infinity
    const { plan } = this.#options
    const row = await readEpochRow(client, plan.name)
    if (row?.planHash !== planHash(plan) || row.writer === 'flink') return -Infinity
    if (row.watermarkMs !== Infinity) return row.watermarkMs - finalAfterMs(plan.parameters)
    // All there is is final, and nothing will be added.
    return (await newestWindow(client, this.#tables)) + lengthMs
  }

  async #recordComplete(client: Client, lengthMs: number, until: string): Promise<void> {
    await client.query(`update ${COARSE_STATE} set complete_until = $3 where pipeline = $1 and length_ms = $2`, [
      this.#options.plan.name,
      lengthMs,
      until,
    ])
  }

  async #analyze(client: Client): Promise<void> {
    for (const { name } of this.#tables) await client.query(`analyze ${qualifiedTable(name)}`)
  }
}

async function hasState(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(`select to_regclass($1) is not null as found`, [COARSE_STATE])
  return rows[0]?.found ?? false
}

/** The tables that cells of a length are made from. */
function madeFrom(tables: readonly CoarseTable[]): readonly string[] {
  const own = new Set(tables.map(({ name }) => name))
  const parents = tables.map(({ parent, covering }) => parent ?? covering.table.name)
  return [...new Set(parents)].filter((name) => !own.has(name))
}

/**
 * The first period at or after a time that has any cell; undefined where none has. Times without any are passed over.
 */
async function firstPeriod(
  client: Client,
  tables: readonly CoarseTable[],
  lengthMs: number,
  completeMs: number,
): Promise<number | undefined> {
  const after = Number.isFinite(completeMs) ? new Date(completeMs).toISOString() : '-infinity'
  const starts = madeFrom(tables).map(
    (name) => `(select min(window_start) from ${qualifiedTable(name)} where window_start >= $1)`,
  )
  const { rows } = await client.query<{ first: string | null }>(
    `select ${epochMs(`least(${starts.join(', ')})`)}::text as first`,
    [after],
  )
  const first = rows[0]?.first ?? null
  return first === null ? undefined : Math.floor(Number(first) / lengthMs) * lengthMs
}

async function newestWindow(client: Client, tables: readonly CoarseTable[]): Promise<number> {
  const names = [...new Set(tables.map(({ covering }) => covering.table.name))]
  const newest = names.map((name) => `(select max(window_start) from ${qualifiedTable(name)})`)
  const { rows } = await client.query<{ newest: string | null }>(
    `select ${epochMs(`greatest(${newest.join(', ')})`)}::text as newest`,
  )
  return Number(rows[0]?.newest ?? -Infinity)
}
