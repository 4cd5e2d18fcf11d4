/**
 * The tables of two databases, one of which Flink may have filled, cell by cell.
 *
 * P1  Where one ledger is Flink's and the other is not, both are compared as Flink has it: `orphan`, `out_of_window`
 *     and `pending` as one; and malformed records, which stand at other minutes there, `future` ones among them, as one
 *     sum for each stream.
 * P2  With a time until which both are final, rows of later windows are left out of both, and so are malformed records.
 */
import { allTables, type TextRow, type TextTables } from '../pipeline/table-text.ts'
import { type Plan, UNATTRIBUTED } from '../pipeline/plan.ts'
import { compareTables, type Comparison, type FoundTable } from './compare.ts'
import { asFlinkLedger } from './flink-ledger.ts'

type Tables = AsyncIterable<FoundTable> | Iterable<FoundTable>

/** How two databases compare. */
export interface PairComparison extends Comparison {
  /** Which of them has a ledger of Flink's, where only one has. */
  readonly flink: 'first' | 'second' | undefined
}

/**
 * Compares two sets of tables, the first with all columns of the plan; in `differences` the first is what is expected.
 */
export async function comparePair(
  plan: Plan,
  first: Tables,
  second: Tables,
  { untilMs = Infinity }: { readonly untilMs?: number } = {},
): Promise<PairComparison> {
  const [ours, theirs] = [await inMemory(first), await inMemory(second)]
  const isFlink = [ours, theirs].map((tables) => hasFlinkLedger(rowsOf(tables, plan.ledger.name)))
  const isMixed = isFlink[0] !== isFlink[1]
  const prepare = ({ name, columns, rows }: KeptTable): KeptTable => {
    const kept = rowsUntil(columns, rows, untilMs)
    return { name, columns, rows: isMixed && name === plan.ledger.name ? mixedLedger(kept, untilMs) : kept }
  }
  const expected: TextTables = new Map(
    allTables(plan).map(({ name }) => [
      name,
      ours.flatMap((table) => (table.name === name ? prepare(table).rows : [])),
    ]),
  )
  const comparison = await compareTables(plan, expected, theirs.map(prepare))
  return { ...comparison, flink: isMixed ? (isFlink[0] === true ? 'first' : 'second') : undefined }
}

interface KeptTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly TextRow[]
}

async function inMemory(tables: Tables): Promise<readonly KeptTable[]> {
  const kept: KeptTable[] = []
  for await (const { name, columns, rows } of tables) {
    const all: TextRow[] = []
    for await (const row of rows) all.push(row)
    kept.push({ name, columns, rows: all })
  }
  return kept
}

function rowsOf(tables: readonly KeptTable[], name: string): readonly TextRow[] {
  return tables.find((table) => table.name === name)?.rows ?? []
}

function hasFlinkLedger(rows: readonly TextRow[]): boolean {
  return rows.some((row) => row.includes(UNATTRIBUTED))
}

function rowsUntil(columns: readonly string[], rows: readonly TextRow[], untilMs: number): readonly TextRow[] {
  if (untilMs === Infinity) return rows
  const place = columns.indexOf('window_start')
  return rows.filter((row) => Date.parse(row[place] ?? '') < untilMs)
}

const NO_MINUTE = '1970-01-01T00:00:00.000Z'
const MALFORMED: readonly string[] = ['malformed', 'future']

function mixedLedger(rows: readonly TextRow[], untilMs: number): readonly TextRow[] {
  const [malformed, events] = [true, false].map((asked) =>
    rows.filter(([, , eventClass = '']) => MALFORMED.includes(eventClass) === asked),
  )
  const sums = (malformed ?? []).map(([stream = '', , , count = '0']) => [stream, NO_MINUTE, 'malformed', count])
  return asFlinkLedger([...(untilMs === Infinity ? sums : []), ...(events ?? [])])
}
