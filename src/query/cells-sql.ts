/**
 * The cells that a view reads, as SQL that gives their rows one by one. F1 is in `source-parts.ts`.
 *
 * F2  Windows by many dimensions are read as a difference of windows by fewer where filters exclude
 *     (`exclusion-terms.ts`) and cells answer. Rows of terms, and early cells and what changed in them since, add up to
 *     what is there: only sums over all of them say whether anything is, and what of it is final.
 * F3  What changed in early cells counts at its own window: sums of cells are read where no border lies inside of them,
 *     so it falls into the same bucket.
 * F4  Changes are read once for all terms that read early cells of the same time: a change counts as often as it would
 *     in each of them.
 * F5  All rows have the same types, column by column. PostgreSQL reads them on one core alone otherwise.
 */
import { qualifiedTable, quoteIdentifier, quoteLiteral, timeLiteral } from '../text/sql-text.ts'
import type { Covering } from './coverage.ts'
import type { KeptAmounts } from '../pipeline/table-amounts.ts'
import {
  type Early,
  isDifference,
  joined,
  type Part,
  partsOf,
  type Reading,
  type Source,
  stretchesOf,
  type Term,
} from './source-parts.ts'
import type { Span } from './view-answer.ts'
import type { ViewFilter } from './view-query.ts'

/** Impressions, clicks, then the sums. */
export function amountNames(kept: KeptAmounts): readonly string[] {
  return Array.from({ length: 2 + kept.sums.length }, (_, index) => `a${index}`)
}

/** Rows of a part of a time. */
export interface Cells {
  /** How often each of them counts. */
  readonly times: number
  /** The table, as SQL has it. */
  readonly from: string
  readonly where: readonly string[]
  readonly covering: Covering
  /** A condition. */
  readonly isFinal: string
}

/** Rows of a time, cell by cell: of coarse cells where they can be, of windows for the rest. */
export function cellsOf(source: Source, reading: Reading, columnsOf: (cells: Cells) => readonly string[]): string {
  const selects = allCells(source, reading).map((cells) => {
    const where = cells.where.length === 0 ? '' : `\nwhere ${cells.where.join(' and ')}`
    return `select ${columnsOf(cells).join(', ')}\nfrom ${cells.from}${where}`
  })
  return selects.join('\nunion all\n')
}

function allCells(source: Source, reading: Reading): readonly Cells[] {
  const { whole, terms } = source
  if (!isDifference(source)) return cellsOfTerms([whole], reading)
  return stretchesOf(whole, reading).flatMap(({ span, hasCells }) => {
    const stretch = { ...reading, span }
    // Where there are no cells, a wide table that several terms would read is read once.
    return cellsOfTerms(hasCells || readersOf(whole.covering, terms, stretch) === 1 ? terms : [whole], stretch)
  })
}

/** How many terms read a table for some of a time. */
function readersOf({ table }: Covering, terms: readonly Term[], reading: Reading): number {
  const isRead = (term: Term): boolean =>
    partsOf(term, reading).some(
      (part) => part.coarse === undefined && part.early === undefined && coveringOf(term, part).table === table,
    )
  return terms.filter(isRead).length
}

/** A time in which terms read early cells beside the same changes. */
interface Changed {
  readonly early: Early
  readonly span: Span
  readonly terms: readonly Term[]
}

function cellsOfTerms(terms: readonly Term[], reading: Reading): readonly Cells[] {
  const cells: Cells[] = []
  const changed = new Map<string, Changed>()
  for (const term of terms) {
    const parts = partsOf(term, reading)
    cells.push(...parts.map((part) => cellsOfPart(term, part)))
    const { early } = term
    if (early === undefined) continue
    for (const span of joined(parts.filter((part) => part.early !== undefined).map((part) => part.span))) {
      const key = JSON.stringify([early.changes.name, span])
      changed.set(key, { early, span, terms: [...(changed.get(key)?.terms ?? []), term] })
    }
  }
  return [...cells, ...[...changed.values()].flatMap(changedCells)]
}

function cellsOfPart(term: Term, { span, coarse, early: table }: Part): Cells {
  const { early, filters } = term
  const rows = { times: timesOf(term), where: [...within(span), ...filters.map(filterCondition)] }
  if (coarse !== undefined) {
    const { name, covering } = coarse.table
    return { ...rows, from: qualifiedTable(name), covering, isFinal: 'true' }
  }
  if (table !== undefined && early !== undefined) {
    const isFinal = span.endMs <= early.finalUpToMs ? 'true' : 'false'
    return { ...rows, from: qualifiedTable(table.name), covering: table.covering, isFinal }
  }
  const covering = coveringOf(term, { span })
  return { ...rows, from: qualifiedTable(covering.table.name), covering, isFinal: 'is_final' }
}

/** The table that has a part which there are no coarse or early cells of. */
function coveringOf({ covering, narrow }: Term, { span }: Pick<Part, 'span'>): Covering {
  return narrow !== undefined && span.startMs >= narrow.fromMs ? narrow.covering : covering
}

/** What changed in the early cells of terms (F4): a read for each number of times that a change may count. */
function changedCells({ early: { changes, finalUpToMs }, span, terms }: Changed): readonly Cells[] {
  const conditions = terms.map(({ filters }) => filters.map(filterCondition))
  const [first = []] = conditions
  const common = first.filter((condition) => conditions.every((own) => own.includes(condition)))
  const counted = terms.map((term, index) => ({
    times: timesOf(term),
    conditions: (conditions[index] ?? []).filter((condition) => !common.includes(condition)),
  }))
  const rest = [...new Set(counted.flatMap((term) => term.conditions))]
  const times = rest.length === 0 ? '' : counted.map(timesExpression).join(' + ')
  return timesPossible(counted, rest).map((number) => ({
    times: number,
    from: qualifiedTable(changes.name),
    where: [...within(span), ...common, ...(times === '' ? [] : [`${times} = ${number}`])],
    covering: changes.covering,
    isFinal: `window_start < ${timeLiteral(finalUpToMs)}`,
  }))
}

/** How often rows count that fulfil all conditions. */
interface CountedRows {
  readonly times: number
  readonly conditions: readonly string[]
}

function timesExpression({ times, conditions }: CountedRows): string {
  return conditions.length === 0 ? `${times}` : `case when ${conditions.join(' and ')} then ${times} else 0 end`
}

/** How often a row can count, whichever conditions it fulfils; without 0. */
function timesPossible(counted: readonly CountedRows[], conditions: readonly string[]): readonly number[] {
  const found = new Set<number>()
  for (let fulfilled = 0; fulfilled < 2 ** conditions.length; fulfilled++) {
    const isFulfilled = (condition: string): boolean => ((fulfilled >> conditions.indexOf(condition)) & 1) === 1
    const counting = counted.filter((rows) => rows.conditions.every(isFulfilled))
    found.add(counting.reduce((sum, { times }) => sum + times, 0))
  }
  found.delete(0)
  return [...found]
}

function timesOf({ isSubtracted }: Term): number {
  return isSubtracted ? -1 : 1
}

/** The rows that a filter lets through. */
function filterCondition({ dimension, mode, members }: ViewFilter): string {
  const list = members.map(quoteLiteral).join(', ')
  return `${quoteIdentifier(dimension)} ${mode === 'include' ? 'in' : 'not in'} (${list})`
}

function within({ startMs, endMs }: Span): readonly string[] {
  return [`window_start >= ${timeLiteral(startMs)}`, `window_start < ${timeLiteral(endMs)}`]
}

/** Some amounts of a row, by their names. */
export function namedAmounts(
  { covering: { impressions, clicks, sums }, times }: Cells,
  kept: KeptAmounts,
  asked: readonly string[],
): readonly string[] {
  const columns = [impressions, clicks, ...kept.sums.map((_, index) => sums[index] ?? null)]
  return amountNames(kept).flatMap((name, index) => {
    const column = columns[index] ?? null
    const none = index < 2 ? '0::bigint' : '0::numeric'
    const amount = column === null ? none : counting(times, quoteIdentifier(column))
    return asked.includes(name) ? [`${amount} as ${name}`] : []
  })
}

/** What of the first count of a row is final. */
export function finalCount({ covering: { impressions, clicks }, times, isFinal }: Cells): string {
  const counted = impressions ?? clicks
  if (counted === null || isFinal === 'false') return '0::bigint as final_count'
  const count = quoteIdentifier(counted)
  const ofFinal = isFinal === 'true' ? count : `case when ${isFinal} then ${count} else 0 end`
  return `${counting(times, ofFinal)} as final_count`
}

function counting(times: number, amount: string): string {
  if (times === 1) return amount
  return times === -1 ? `-${amount}` : `${times} * ${amount}`
}

/** The name of the first count: what of it is above 0 in each row that there is. */
export function firstCount({ whole }: Source): string {
  return whole.covering.impressions === null ? 'a1' : 'a0'
}
