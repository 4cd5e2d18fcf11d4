/**
 * Sends rows to the tables of a plan, a bounded chunk at a time, inside the caller's transaction.
 */
import type { Client } from 'pg'
import type { CellChanges, ChangeSet, LedgerChanges } from '../../pipeline/cells.ts'
import type { Plan, TablePlan } from '../../pipeline/plan.ts'
import { isFinal, isPresent, isRemoved } from '../sorted-rows.ts'
import { keyRows, ledgerRows, type TableRows, valueRows } from './table-rows.ts'
import { type TableStatements, tableStatements } from './table-statements.ts'

/** Rows in one statement. Measured from 1,000 to 50,000: flat above 2,000, while memory on both sides grows. */
const CHUNK_ROWS = 5_000

interface CellTable {
  readonly index: number
  readonly table: TablePlan
  readonly statements: TableStatements
}

/** Writes change sets. Holds no connection: a client is given with each call. */
export class TableWriter {
  readonly #plan: Plan
  readonly #cellTables: readonly CellTable[]
  readonly #ledger: TableStatements

  constructor(plan: Plan) {
    const windowSizeMs = plan.parameters.windowSizeMs
    this.#plan = plan
    this.#cellTables = plan.tables.map((table, index) => ({
      index,
      table,
      statements: tableStatements(table, windowSizeMs),
    }))
    this.#ledger = tableStatements(plan.ledger, windowSizeMs)
  }

  /** Brings the tables to the absolute values of a change set, table by table in the order of the plan. */
  async upsertAll(client: Client, changes: ChangeSet): Promise<void> {
    for (const { index, table, statements } of this.#cellTables) {
      for (const cells of changes.cells) {
        if (cells.rollUp !== table.name) continue
        await send(client, `upsert_${index}`, statements.upsert, valueRows(this.#plan, table, cells, isPresent))
        await send(client, `remove_${index}`, statements.remove, keyRows(cells, isRemoved))
      }
    }
    await send(client, 'upsert_ledger', this.#ledger.upsert, ledgerRows(changes.ledger, false))
    await send(client, 'remove_ledger', this.#ledger.remove, ledgerRows(changes.ledger, true))
  }

  /** Inserts the final cells of a change set into tables that do not hold them yet. */
  async insertFinal(client: Client, cells: readonly CellChanges[]): Promise<void> {
    for (const { index, table, statements } of this.#cellTables) {
      for (const part of cells) {
        if (part.rollUp !== table.name) continue
        await send(client, `insert_${index}`, statements.insert, valueRows(this.#plan, table, part, isFinal))
      }
    }
  }

  /** Inserts rows of the ledger into a table that does not hold them yet. */
  async insertLedger(client: Client, ledger: LedgerChanges): Promise<void> {
    await send(client, 'insert_ledger', this.#ledger.insert, ledgerRows(ledger, false))
  }
}

// The next chunk is put into text while the server works on the last one.
async function send(client: Client, name: string, text: string, rows: TableRows): Promise<void> {
  let underWay: Promise<unknown> = Promise.resolve()
  for (let from = 0; from < rows.count; from += CHUNK_ROWS) {
    const to = Math.min(from + CHUNK_ROWS, rows.count)
    const values = rows.columns.map((write) => write(from, to))
    await underWay
    underWay = client.query({ name, text, values })
    // It may fail while the next chunk is written; the await above or below is where that counts.
    underWay.catch(() => undefined)
  }
  await underWay
}
