/**
 * Sends rows to the tables of a plan, a bounded chunk at a time, inside the caller's transaction.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Client, QueryConfig } from 'pg'
import type { CellChanges, ChangeSet, LedgerChanges } from '../../pipeline/cells.ts'
import type { Plan, TablePlan } from '../../pipeline/plan.ts'
import type { NarrowTable } from '../../query/narrow-tables.ts'
import { isFinal, isPresent, isRemoved } from '../sorted-rows.ts'
import { keyRows, ledgerRows, type TableRows, valueRows } from './table-rows.ts'
import { type TableStatements, tableStatements } from './table-statements.ts'

/** Rows in one statement: some 180 KB of text, which a socket takes almost at once. Larger chunks were no faster. */
const CHUNK_ROWS = 2_000

interface CellTable {
  readonly index: number
  /** The engine's name of the cells. */
  readonly rollUp: string
  readonly table: TablePlan
  readonly statements: TableStatements
}

/** Writes change sets. Holds no connection: a client is given with each call. */
export class TableWriter {
  readonly #plan: Plan
  readonly #cellTables: readonly CellTable[]
  readonly #ledger: TableStatements

  /** @param narrow tables that are written beside those of the plan */
  constructor(plan: Plan, narrow: readonly NarrowTable[] = []) {
    const windowSizeMs = plan.parameters.windowSizeMs
    this.#plan = plan
    const tables = [
      ...plan.tables.map((table) => ({ table, rollUp: table.name })),
      ...narrow.map((table) => ({ table, rollUp: table.rollUp })),
    ]
    this.#cellTables = tables.map(({ table, rollUp }, index) => ({
      index,
      rollUp,
      table,
      statements: tableStatements(table, windowSizeMs),
    }))
    this.#ledger = tableStatements(plan.ledger, windowSizeMs)
  }

  /** Brings the tables to the absolute values of a change set, table by table in the order of the plan. */
  async upsertAll(client: Client, changes: ChangeSet): Promise<void> {
    await send(client, this.#upserts(changes))
  }

  /** Inserts the final cells of a change set into tables that do not hold them yet. */
  async insertFinal(client: Client, cells: readonly CellChanges[]): Promise<void> {
    await send(client, this.#inserts(cells))
  }

  /** Inserts rows of the ledger into a table that does not hold them yet. */
  async insertLedger(client: Client, ledger: LedgerChanges): Promise<void> {
    await send(client, chunks('insert_ledger', this.#ledger.insert, ledgerRows(ledger, false)))
  }

  *#upserts(changes: ChangeSet): Generator<QueryConfig> {
    for (const { index, rollUp, table, statements } of this.#cellTables) {
      for (const cells of changes.cells) {
        if (cells.rollUp !== rollUp) continue
        yield* chunks(`upsert_${index}`, statements.upsert, valueRows(this.#plan, table, cells, isPresent))
        yield* chunks(`remove_${index}`, statements.remove, keyRows(cells, isRemoved))
      }
    }
    yield* chunks('upsert_ledger', this.#ledger.upsert, ledgerRows(changes.ledger, false))
    yield* chunks('remove_ledger', this.#ledger.remove, ledgerRows(changes.ledger, true))
  }

  *#inserts(cells: readonly CellChanges[]): Generator<QueryConfig> {
    for (const { index, rollUp, table, statements } of this.#cellTables) {
      for (const part of cells) {
        if (part.rollUp !== rollUp) continue
        yield* chunks(`insert_${index}`, statements.insert, valueRows(this.#plan, table, part, isFinal))
      }
    }
  }
}

/** A statement for each chunk of rows. */
export function* chunks(name: string, text: string, rows: TableRows): Generator<QueryConfig> {
  for (let from = 0; from < rows.count; from += CHUNK_ROWS) {
    const to = Math.min(from + CHUNK_ROWS, rows.count)
    yield { name, text, values: rows.columns.map((write) => write(from, to)) }
  }
}

/** Runs statements: each is put into text while the server works on the one before. */
export async function send(client: Client, queries: Iterable<QueryConfig>): Promise<void> {
  let underWay: Promise<unknown> = Promise.resolve()
  for (const query of queries) {
    await underWay
    underWay = client.query(query)
    // It may fail while the next query is prepared; the awaits above and below are where that counts.
    underWay.catch(() => undefined)
    // What the socket did not take at once leaves in the next turn of the event loop, not after the next chunk's work.
    await nextTurn()
  }
  await underWay
}
