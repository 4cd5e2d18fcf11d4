/**
 * Results of a bounded run as files: one CSV for each table, and the dead letters.
 *
 * K1  Every file appears whole at `commit`; after a failure none does. `prepare` has written all of them to disk by
 *     then: nothing is left to do but renames.
 * K2  Cells are written when they are final, which is once. The engine gives the final windows of a roll-up in
 *     ascending order, all cells of one window in one change set; so sorting each change set sorts the file.
 * K3  The ledger changes to the very end: its newest values are kept and written at `commit`.
 * K4  Memory holds one change set and the ledger, whatever the size of the input.
 */
import { join } from 'node:path'
import { messageOf, TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { formatLedgerRow, rowComparator, textColumns } from '../../pipeline/table-text.ts'
import { makeFolder } from '../../runtime/make-folder.ts'
import type { DeadLetterSink, Epoch, Sink } from '../../runtime/ports.ts'
import { LedgerTotals } from '../ledger-totals.ts'
import { CellLines } from './cell-lines.ts'
import { csvRecord } from './csv-row.ts'
import { DeadLetterLines } from './dead-letter-lines.ts'
import { removeAbandoned, syncFolder, WholeFile } from './whole-file.ts'

/** The file of dead letters, beside the tables. */
export const DEAD_LETTERS_FILE = 'dead_letters.ndjson'

/** A {@link Sink} that writes `<table>.csv` files into a folder. */
export class CsvSink implements Sink {
  readonly #plan: Plan
  readonly #folder: string
  readonly #ledger = new LedgerTotals()
  #tables: readonly CellLines[] = []
  #files: WholeFile[] = []
  #deadLetters: DeadLetterSink | undefined
  #ledgerFile: WholeFile | undefined
  #isPrepared = false

  constructor(options: { readonly plan: Plan; readonly folder: string }) {
    this.#plan = options.plan
    this.#folder = options.folder
  }

  /** Where dead letters go; there once the sink is open. */
  get deadLetters(): DeadLetterSink {
    if (this.#deadLetters === undefined) throw new TidemarkError('INTERNAL', 'The CSV sink is not open.')
    return this.#deadLetters
  }

  /** @throws TidemarkError OUTPUT_UNWRITABLE */
  async open(): Promise<void> {
    makeOutputFolder(this.#folder)
    removeAbandoned(this.#folder)
    try {
      this.#tables = this.#plan.tables.map((table) => new CellLines(this.#plan, table, this.#file(`${table.name}.csv`)))
      this.#deadLetters = new DeadLetterLines(this.#file(DEAD_LETTERS_FILE))
      this.#ledgerFile = this.#file(`${this.#plan.ledger.name}.csv`)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async write(epoch: Epoch): Promise<void> {
    this.#ledger.merge(epoch.changes.ledger)
    for (const table of this.#tables) table.write(epoch.changes.cells)
  }

  async prepare(): Promise<void> {
    if (this.#isPrepared) return
    this.#writeLedger()
    for (const file of this.#files) file.finish()
    this.#isPrepared = true
  }

  async commit(): Promise<void> {
    await this.prepare()
    for (const file of this.#files) file.publish()
    this.#files = []
    syncFolder(this.#folder)
  }

  async close(): Promise<void> {
    for (const file of this.#files) file.discard()
    this.#files = []
  }

  #file(name: string): WholeFile {
    const file = new WholeFile(join(this.#folder, name))
    this.#files.push(file)
    return file
  }

  #writeLedger(): void {
    const table = this.#plan.ledger
    const ledger = this.#ledger.rows()
    const rows = Array.from({ length: ledger.count }, (_, row) => formatLedgerRow(ledger, row))
    this.#ledgerFile?.append(csvRecord(textColumns(table).map((column) => column.name)))
    for (const row of rows.toSorted(rowComparator(table))) this.#ledgerFile?.append(csvRecord(row))
  }
}

function makeOutputFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    const reason = messageOf(error)
    throw new TidemarkError('OUTPUT_UNWRITABLE', `Could not make the folder ${folder}: ${reason}`, {
      where: folder,
      fix: 'choose another folder with --out',
      cause: error,
    })
  }
}
