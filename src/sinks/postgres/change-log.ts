/**
 * Writes down what an epoch changes in windows that the watermark had passed before it: the other half of early cells
 * (E1, E2 of `src/query/early-tables.ts`).
 *
 * L1  A row is the new value less the one in the table, so what is written belongs to the epoch's own transaction,
 *     before its cells.
 * L2  Which windows are meant is known from the epoch before, which whoever builds early cells reads: no change of a
 *     window that may have some is missed.
 * L3  Where nobody takes the changes up, they are given up until the next claim, which empties them: {@link
 *     MAX_CHANGE_BYTES}.
 */
import type { Client, QueryConfig } from 'pg'
import { keepEarly, voidEarlyStatement } from '../../database/coarse/early-schema.ts'
import { amountColumns } from '../../database/coarse/coarse-schema.ts'
import { columnList, qualifiedTable, quoteIdentifier } from '../../text/sql-text.ts'
import { sqlType } from '../../database/table-changes.ts'
import type { ChangeSet } from '../../pipeline/cells.ts'
import type { Plan } from '../../pipeline/plan.ts'
import type { Log } from '../../runtime/ports.ts'
import { type EarlySet, earlySets } from '../../query/early-tables.ts'
import { amountRows } from './table-rows.ts'
import { chunks, send } from './table-writer.ts'

/** How large the changes may grow. */
export const MAX_CHANGE_BYTES: number = 256 * 2 ** 20
/** It is looked at every so many epochs. */
const LOOK_EPOCHS = 200

export interface ChangeLogOptions {
  /** Whether changes are kept at all. */
  readonly isKept: boolean
  readonly maxBytes: number
  readonly log: Log
}

/** One claim of an owner. */
export interface Claim {
  readonly owner: string
  /** Who owned the tables before, null where they begin anew. */
  readonly before: string | null
  /** The watermark that they hold. */
  readonly watermarkMs: number
}

export class ChangeLog {
  readonly #plan: Plan
  readonly #options: ChangeLogOptions
  #sets: readonly EarlySet[] = []
  #passedMs = -Infinity
  #epochs = 0
  #isGivenUp = false

  constructor(plan: Plan, options: ChangeLogOptions) {
    this.#plan = plan
    this.#options = options
  }

  /** Part of a claim. */
  async claim(client: Client, { owner, before, watermarkMs }: Claim): Promise<void> {
    this.#sets = []
    this.#isGivenUp = false
    if (!this.#options.isKept) {
      await client.query(voidEarlyStatement(this.#plan))
      return
    }
    await keepEarly(client, this.#plan, owner, before)
    this.#sets = earlySets(this.#plan)
    this.#passedMs = watermarkMs
  }

  /**
   * Part of an epoch's transaction, before its cells are written. Where that fails, the same changes are given again.
   */
  async write(client: Client, changes: ChangeSet): Promise<void> {
    if (this.#sets.length === 0) return
    if (!this.#isGivenUp && this.#epochs++ % LOOK_EPOCHS === 0 && (await this.#isTooLarge(client))) this.#giveUp()
    // Again and again: whether the transaction that did it first was committed is not known here.
    if (this.#isGivenUp) await client.query(voidEarlyStatement(this.#plan))
    else await send(client, this.#statements(changes))
  }

  /** Told when an epoch is in, with its watermark. */
  committed(watermarkMs: number): void {
    this.#passedMs = watermarkMs
  }

  *#statements(changes: ChangeSet): Generator<QueryConfig> {
    const { windowSizeMs } = this.#plan.parameters
    const untilMs = this.#passedMs - windowSizeMs
    for (const set of this.#sets) {
      const { name } = set.source.table
      const amounts = amountColumns(set.changes)
      for (const cells of changes.cells) {
        if (cells.rollUp !== name) continue
        const rows = amountRows(this.#plan, amounts, cells, (_, row) => (cells.windowStartMs[row] ?? 0) <= untilMs)
        yield* chunks(`change_${name}`, insertion(set), rows)
      }
    }
  }

  #giveUp(): void {
    this.#isGivenUp = true
    const size = `${Math.round(this.#options.maxBytes / 2 ** 20)} MiB`
    this.#options.log(
      'warn',
      `Nobody summed up what changed in early cells, and the changes take more than ${size}: they are given up until the ` +
        'next start. Nothing is lost; views by two dimensions and more of windows that are not final take longer.',
    )
  }

  async #isTooLarge(client: Client): Promise<boolean> {
    const names = this.#sets.map(({ changes }) => qualifiedTable(changes.name))
    const { rows } = await client.query<{ bytes: string }>(
      'select coalesce(sum(pg_relation_size(to_regclass(name))), 0) as bytes from unnest($1::text[]) as names(name)',
      [names],
    )
    return Number(rows[0]?.bytes) > this.#options.maxBytes
  }
}

// Looked up one by one: whatever the server believes of how many rows there are, it takes the key.
function insertion({ source, changes }: EarlySet): string {
  const { table } = source
  const amounts = amountColumns(changes)
  const keys = ['window_start', ...table.dimensions]
  const typeOf = (name: string): string => {
    const column = table.columns.find((candidate) => candidate.name === name)
    return column === undefined ? 'text' : sqlType(column)
  }
  const names = [...keys, ...amounts]
  const parameters = names.map((name, index) => `$${index + 1}::${typeOf(name)}[]`)
  const differences = amounts.map((name) => `u.${quoteIdentifier(name)} - coalesce(t.${quoteIdentifier(name)}, 0)`)
  const isChanged = differences.map((difference) => `${difference} <> 0`)
  const isKey = keys.map((name) => `t.${quoteIdentifier(name)} = u.${quoteIdentifier(name)}`)
  return (
    `insert into ${qualifiedTable(changes.name)} (${columnList(names)}) ` +
    `select ${columnList(keys, 'u.')}, ${differences.join(', ')} ` +
    `from unnest(${parameters.join(', ')}) as u(${columnList(names)}) left join lateral ` +
    `(select ${columnList(amounts, 't.')} from ${qualifiedTable(table.name)} as t where ${isKey.join(' and ')} limit 1) as t on true ` +
    `where ${isChanged.join(' or ')}`
  )
}
