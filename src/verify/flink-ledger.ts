/**
 * The ledger as Flink has it beside the ledger of SEMANTICS: three classes are one there.
 *
 * U1  `unattributed` is the sum of `orphan`, `out_of_window` and `pending`, for each stream and minute.
 */
import { UNATTRIBUTED } from '../pipeline/plan.ts'
import type { TextRow } from '../pipeline/table-text.ts'

const ITS_CLASSES: readonly string[] = ['orphan', 'out_of_window', 'pending']

/** Rows of a ledger (stream, minute, class, events) with Flink's classes, sorted by minute, stream and class. */
export function asFlinkLedger(rows: Iterable<TextRow>): readonly TextRow[] {
  const sums = new Map<string, TextRow>()
  for (const [stream = '', minute = '', eventClass = '', events = '0'] of rows) {
    const flinkClass = ITS_CLASSES.includes(eventClass) ? UNATTRIBUTED : eventClass
    const key = `${minute} ${stream} ${flinkClass}`
    const before = sums.get(key)?.[3] ?? '0'
    sums.set(key, [stream, minute, flinkClass, String(BigInt(before) + BigInt(events))])
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}
