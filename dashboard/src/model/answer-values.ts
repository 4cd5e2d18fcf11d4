/**
 * Amounts of an answer as the quantities of the page, and their sums.
 */
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { microsOf } from '../../../src/query/amounts.ts'
import type { Amounts } from '../../../src/query/view-answer.ts'
import type { Quantity, Values } from '../../../src/server/page-data.ts'

export type ReadValues = (amounts: Amounts | null) => Values | undefined

/** Amounts by name as the page's list of quantities (G2 of `page.ts`). */
export function valuesReader({ measures }: Pick<PagePlan, 'measures'>): ReadValues {
  const sums = measures.flatMap((measure) => (measure.kind === 'money' ? [measure] : []))
  // Measures that sum one field are one quantity.
  const byQuantity = new Map(sums.map(({ name, quantity }) => [quantity, name]))
  const names = [...byQuantity].toSorted(([a], [b]) => a - b).map(([, name]) => name)
  return (amounts) => {
    if (amounts === null) return undefined
    return [amounts.impressions, amounts.clicks, ...names.map((name) => toQuantity(amounts.sums[name] ?? '0'))]
  }
}

function toQuantity(decimal: string): Quantity {
  const micros = microsOf(decimal)
  const size = micros < 0n ? -micros : micros
  return size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(micros) : String(micros)
}

/** Rows of cells added up, cell by cell; nothing and nothing is nothing. */
export function sumOfRows(rows: readonly (readonly (Values | undefined)[])[]): readonly (Values | undefined)[] {
  const [first = [], ...others] = rows
  if (others.length === 0) return first
  return first.map((_, index) => {
    const cells = rows.map((row) => row[index])
    return cells.every((cell) => cell === undefined) ? undefined : sumOf(cells)
  })
}

/** Quantities added up, exactly. */
export function sumOf(all: readonly (Values | undefined)[]): Values {
  const length = Math.max(0, ...all.map((values) => values?.length ?? 0))
  return Array.from({ length }, (_, index) => {
    const sum = all.reduce((total, values) => total + BigInt(values?.[index] ?? 0), 0n)
    return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : String(sum)
  })
}
