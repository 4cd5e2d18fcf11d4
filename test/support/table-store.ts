/**
 * Tables in memory, kept as a database would: rows by key, replaced and removed by change sets.
 */
import {
  cellRowFormatter,
  formatLedgerRow,
  rowComparator,
  type TextRow,
  type TextTables,
} from '../../src/pipeline/table-text.ts'
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import type { Epoch, Sink } from '../../src/runtime/ports.ts'

export class TableStore implements Sink {
  readonly #plan: Plan
  readonly #rows = new Map<string, Map<string, TextRow>>()
  /** Final rows that were replaced by something else: none may be. */
  readonly brokenFinals: string[] = []
  committed = false

  constructor(plan: Plan) {
    this.#plan = plan
    for (const name of [...plan.tables.map((table) => table.name), plan.ledger.name]) this.#rows.set(name, new Map())
  }

  async open(): Promise<void> {}

  async write(epoch: Epoch): Promise<void> {
    this.apply(epoch.changes)
  }

  async commit(): Promise<void> {
    this.committed = true
  }

  async close(): Promise<void> {}

  apply(changes: ChangeSet): void {
    for (const table of this.#plan.tables) {
      const format = cellRowFormatter(this.#plan, table)
      const rows = this.#rows.get(table.name) ?? new Map<string, TextRow>()
      for (const cells of changes.cells.filter(({ rollUp }) => rollUp === table.name))
        for (let row = 0; row < cells.count; row++) {
          const text = format(cells, row)
          const key = JSON.stringify([cells.windowStartMs[row], ...cells.dimensions.map((texts) => texts[row])])
          const before = rows.get(key)
          if (before?.at(-1) === 'true' && (cells.removed[row] === true || before.join() !== text.join()))
            this.brokenFinals.push(`${table.name} ${key}`)
          if (cells.removed[row] === true) rows.delete(key)
          else rows.set(key, text)
        }
    }
    const ledger = this.#rows.get(this.#plan.ledger.name) ?? new Map<string, TextRow>()
    for (let row = 0; row < changes.ledger.count; row++) {
      const text = formatLedgerRow(changes.ledger, row)
      const key = text.slice(0, 3).join(' ')
      if (changes.ledger.events[row] === 0) ledger.delete(key)
      else ledger.set(key, text)
    }
  }

  tables(): TextTables {
    return new Map(
      [...this.#plan.tables, this.#plan.ledger].map((table) => {
        const rows = [...(this.#rows.get(table.name)?.values() ?? [])]
        return [table.name, rows.toSorted(rowComparator(table))]
      }),
    )
  }
}
