/**
 * Builds early cells of windows that the watermark has passed, one at a time, and takes up what changed in a window
 * once that is many of its rows.
 *
 * G1  A window is one transaction, of one snapshot: its cells are made of the wide ones of the snapshot, or of the
 *     cells before and the changes that the snapshot holds of it; these are removed. Epochs that come later keep
 *     theirs. Sums over a period are made, or added to, with each of its windows, once all of them have cells.
 * G2  Windows follow each other without a gap, from `kept_from` to `built_until`, none beyond the watermark of the
 *     snapshot.
 * G3  It locks nothing that an epoch writes; a claim waits for the window under way. Another builder at work is left to
 *     it.
 * G4  What is kept is bounded: {@link KEPT_FINAL_MS} of final windows, and {@link MAX_CHANGES} changes of a window.
 */
import type { Client } from 'pg'
import { planHash } from '../../pipeline/plan-hash.ts'
import { finalAfterMs } from '../../pipeline/plan.ts'
import type { CoarseTable } from '../../query/coarse-tables.ts'
import { earlyLayout, type EarlySet, earlySets, earlyTableNames } from '../../query/early-tables.ts'
import { MINUTE_MS } from '../../time/units.ts'
import { databaseError } from '../database-error.ts'
import { readEpochRow } from '../epoch-row.ts'
import { epochMs, qualifiedTable, timeLiteral } from '../../text/sql-text.ts'
import { BuilderConnection, type BuilderOptions, buildStep } from './builder-connection.ts'
import { areAsWished, makeTables } from './coarse-schema.ts'
import { EARLY_STATE } from './early-schema.ts'
import { addedStatement, pieceStatement } from './piece-statement.ts'

/** Final windows that are kept as well: an hour by the minute, and the hour before it. */
export const KEPT_FINAL_MS: number = 90 * MINUTE_MS
/** Changes of a window after which building it anew costs less than what views read. */
export const MAX_CHANGES: number = 2_000
/** What is too old is removed in lumps of this length. */
const TRIM_MS = 5 * MINUTE_MS

/** Windows that have early cells. */
interface Kept {
  readonly fromMs: number
  readonly untilMs: number
}

/** The windows of one wide table in a snapshot. */
interface Found {
  /** Null where the tables are void. */
  readonly fromMs: number | null
  readonly untilMs: number | null
  readonly watermarkMs: number
  /** Windows that start earlier are not kept. */
  readonly wantedFromMs: number
}

export class EarlyBuilder {
  readonly #options: BuilderOptions
  readonly #sets: readonly EarlySet[]
  readonly #connection: BuilderConnection

  constructor(options: BuilderOptions) {
    this.#options = options
    this.#sets = earlySets(options.plan)
    this.#connection = new BuilderConnection({
      url: options.url,
      applicationName: 'tidemark early cells',
      queryTimeoutMs: MINUTE_MS,
      set: `set random_page_cost = 1.1; set idle_in_transaction_session_timeout = '30s'`,
    })
  }

  /**
   * Builds what can be built.
   *
   * @param signal ends it between two steps
   * @returns how many steps were made
   * @throws TidemarkError DATABASE_UNAVAILABLE; whatever it throws, it may be called again
   */
  async build(signal?: AbortSignal): Promise<number> {
    if (this.#sets.length === 0) return 0
    try {
      const client = await this.#connection.client()
      let steps = 0
      for (const set of this.#sets) for (; signal?.aborted !== true && (await this.#step(client, set)); steps++);
      return steps
    } catch (error) {
      await this.close()
      throw databaseError(error, 'build early cells', this.#options.url)
    }
  }

  /** Lets go of the connection. Safe to call twice. */
  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #step(client: Client, set: EarlySet): Promise<boolean> {
    const beganMs = this.#options.nowMs()
    const begin = 'begin isolation level repeatable read'
    const isDone = await buildStep(client, begin, () => this.#inTransaction(client, set))
    if (isDone) await this.#options.rest?.(this.#options.nowMs() - beganMs)
    return isDone
  }

  async #inTransaction(client: Client, set: EarlySet): Promise<boolean> {
    const found = await this.#locked(client, set)
    if (found === undefined) return false
    const { fromMs, untilMs, wantedFromMs, watermarkMs } = found
    const isVoid = fromMs === null || untilMs === null || untilMs < wantedFromMs
    if (isVoid || !(await areAsWished(client, [...set.cells, ...set.sums])))
      return this.#begin(client, set, wantedFromMs)
    const { windowSizeMs } = this.#options.plan.parameters
    if (untilMs + windowSizeMs <= watermarkMs) {
      await this.#buildWindow(client, set, untilMs, { fromMs, untilMs: untilMs + windowSizeMs })
      await this.#record(client, set, fromMs, untilMs + windowSizeMs)
      return true
    }
    if (wantedFromMs >= fromMs + TRIM_MS) return this.#trim(client, set, { fromMs: wantedFromMs, untilMs })
    const changed = await mostChanged(client, set)
    if (changed === undefined) return false
    await this.#renewWindow(client, set, changed, { fromMs, untilMs })
    return true
  }

  /** How far a set is, its state locked; undefined where nothing can be done now (G3, Y1). */
  async #locked(client: Client, { source }: EarlySet): Promise<Found | undefined> {
    const { plan } = this.#options
    const state = await client.query<{ found: boolean }>(`select to_regclass($1) is not null as found`, [EARLY_STATE])
    if (state.rows[0]?.found !== true) return undefined
    const epochRow = await readEpochRow(client, plan.name)
    if (epochRow?.planHash !== planHash(plan) || !Number.isFinite(epochRow.watermarkMs)) return undefined
    const { rows } = await client.query<{ from: string | null; until: string | null }>(
      `select ${epochMs('kept_from')}::text as from, ${epochMs('built_until')}::text as until
         from ${EARLY_STATE} where name = $1 and pipeline = $2 and plan_hash = $3 and owner = $4 for update skip locked`,
      [source.table.name, plan.name, earlyLayout(plan), epochRow.owner],
    )
    const [row] = rows
    if (row === undefined) return undefined
    const { windowSizeMs } = plan.parameters
    const { watermarkMs } = epochRow
    const firstMs = watermarkMs - finalAfterMs(plan.parameters) - KEPT_FINAL_MS
    return {
      fromMs: row.from === null ? null : Number(row.from),
      untilMs: row.until === null ? null : Number(row.until),
      watermarkMs,
      wantedFromMs: Math.floor(firstMs / windowSizeMs) * windowSizeMs,
    }
  }

  async #begin(client: Client, set: EarlySet, fromMs: number): Promise<true> {
    await makeTables(client, [...set.cells, ...set.sums])
    for (const name of earlyTableNames(set)) await client.query(`delete from ${qualifiedTable(name)}`)
    await this.#record(client, set, fromMs, fromMs)
    return true
  }

  /** @param built the windows that have cells when this one has */
  async #buildWindow(client: Client, set: EarlySet, startMs: number, built: Kept): Promise<void> {
    await this.#removeChanges(client, set, startMs)
    for (const cells of set.cells) await replacePeriod(client, cells, startMs)
    for (const sums of set.sums) if (isPeriodBuilt(sums, startMs, built)) await replacePeriod(client, sums, startMs)
  }

  /** The cells with all dimensions are many, and few of them change: changes are added to those. */
  async #renewWindow(client: Client, set: EarlySet, startMs: number, built: Kept): Promise<void> {
    const tables = [...set.cells, ...set.sums.filter((sums) => isPeriodBuilt(sums, startMs, built))]
    const isWhole = ({ dimensions }: CoarseTable): boolean => dimensions.length === set.changes.dimensions.length
    for (const table of tables) {
      if (isWhole(table)) await client.query(addedStatement(table, set.changes, startMs))
      else await replacePeriod(client, table, startMs)
    }
    await this.#removeChanges(client, set, startMs)
  }

  async #removeChanges(client: Client, { changes }: EarlySet, startMs: number): Promise<void> {
    await client.query(`delete from ${qualifiedTable(changes.name)} where window_start = ${timeLiteral(startMs)}`)
  }

  async #trim(client: Client, set: EarlySet, span: Kept): Promise<true> {
    for (const name of earlyTableNames(set))
      await client.query(`delete from ${qualifiedTable(name)} where window_start < ${timeLiteral(span.fromMs)}`)
    await this.#record(client, set, span.fromMs, span.untilMs)
    return true
  }

  async #record(client: Client, { source }: EarlySet, fromMs: number, untilMs: number): Promise<void> {
    await client.query(`update ${EARLY_STATE} set kept_from = $2, built_until = $3 where name = $1`, [
      source.table.name,
      new Date(fromMs).toISOString(),
      new Date(untilMs).toISOString(),
    ])
  }
}

/** Makes the cells of the period that holds a window anew. */
async function replacePeriod(client: Client, table: CoarseTable, windowMs: number): Promise<void> {
  const { name, lengthMs } = table
  const startMs = Math.floor(windowMs / lengthMs) * lengthMs
  await client.query(`delete from ${qualifiedTable(name)} where window_start = ${timeLiteral(startMs)}`)
  await client.query(pieceStatement(table, startMs, startMs + lengthMs))
}

/** Whether all windows have cells of the period that holds a window. */
function isPeriodBuilt({ lengthMs }: CoarseTable, windowMs: number, { fromMs, untilMs }: Kept): boolean {
  const startMs = Math.floor(windowMs / lengthMs) * lengthMs
  return startMs >= fromMs && startMs + lengthMs <= untilMs
}

/** The window with the most changes, where they are too many. */
async function mostChanged(client: Client, { changes }: EarlySet): Promise<number | undefined> {
  const { rows } = await client.query<{ start: string }>(
    `select ${epochMs('window_start')}::text as start from ${qualifiedTable(changes.name)}
      group by window_start having count(*) > ${MAX_CHANGES} order by count(*) desc limit 1`,
  )
  return rows[0] === undefined ? undefined : Number(rows[0].start)
}
