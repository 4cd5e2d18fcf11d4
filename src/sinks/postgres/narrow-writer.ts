/**
 * Writes an epoch's cells, those of narrow tables among them (W1, W2 of `src/database/narrow-schema.ts`).
 *
 * A1  A narrow table that is not narrow is given up, in the epoch that shows it: one with more than {@link MAX_ROWS}
 *     rows to change, and more than a quarter of those of the table it spares. It is tried again with the next claim.
 */
import type { Client } from 'pg'
import { keepNarrow, voidNarrow, voidNarrowStatement } from '../../database/narrow-schema.ts'
import type { ChangeSet } from '../../pipeline/cells.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { narrowTables, type NarrowTable } from '../../query/narrow-tables.ts'
import { TableWriter } from './table-writer.ts'

/** Changed rows in an epoch that cost nothing to speak of. */
export const MAX_ROWS = 1_000
const MAX_SHARE = 0.25

export class NarrowWriter {
  readonly #plan: Plan
  readonly #isFed: boolean
  readonly #givenUp = new Set<string>()
  #tables: readonly NarrowTable[] = []
  #writer: TableWriter

  /** @param isFed whether change sets hold the cells of narrow tables */
  constructor(plan: Plan, isFed: boolean) {
    this.#plan = plan
    this.#isFed = isFed
    this.#writer = new TableWriter(plan)
  }

  /** Part of a claim. Tables that are not fed are void from then on. */
  async claim(client: Client): Promise<void> {
    if (this.#isFed) await keepNarrow(client, this.#plan)
    else await client.query(voidNarrowStatement(this.#plan))
    this.#givenUp.clear()
    this.#keep(this.#isFed ? narrowTables(this.#plan) : [])
  }

  /** Part of an epoch's transaction. Where that fails, the same changes are given again. */
  async writeAll(client: Client, changes: ChangeSet): Promise<void> {
    const wide = this.#tables.filter((table) => isWide(table, changes))
    for (const { name } of wide) this.#givenUp.add(name)
    if (wide.length > 0) this.#keep(this.#tables.filter((table) => !wide.includes(table)))
    // Again and again: whether the transaction that did it first was committed is not known here.
    if (this.#givenUp.size > 0) await voidNarrow(client, [...this.#givenUp])
    await this.#writer.upsertAll(client, changes)
  }

  #keep(tables: readonly NarrowTable[]): void {
    this.#tables = tables
    this.#writer = new TableWriter(this.#plan, tables)
  }
}

function isWide({ rollUp, source }: NarrowTable, changes: ChangeSet): boolean {
  const rowsOf = (name: string): number =>
    changes.cells.reduce((sum, cells) => sum + (cells.rollUp === name ? cells.count : 0), 0)
  const rows = rowsOf(rollUp)
  return rows > MAX_ROWS && rows > MAX_SHARE * rowsOf(source)
}
