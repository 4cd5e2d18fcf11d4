/**
 * Amounts in the rows of statements (`view-sql.ts`), added up exactly: whole numbers, sums in millionths.
 */
import type { TimeAxis } from '../pipeline/plan.ts'
import { formatMicros } from '../pipeline/cells.ts'
import { microsOf } from './amounts.ts'
import type { KeptAmounts } from '../pipeline/table-amounts.ts'
import type { Amounts } from './view-answer.ts'

/** One row of an answer of PostgreSQL, every value as its text. */
export type SqlRow = readonly (string | null)[]

/** Impressions, clicks, then the sums in millionths. */
export type AmountRow = readonly bigint[]

export interface RankedRow {
  readonly name: string
  readonly value: AmountRow
  readonly compared: AmountRow
  /** What `compared` is held against, where that is not all of `value`. */
  readonly complete: AmountRow | undefined
  /** Null for a member of the compared period alone. */
  readonly areFinal: boolean | null
}

const BUCKET = { period: 0, bucket: 1, member: 2, amounts: 3 } as const

/** Reads and adds rows of amounts. */
export class RowAmounts {
  readonly #kept: KeptAmounts
  readonly #count: number
  readonly #zero: AmountRow

  constructor(kept: KeptAmounts) {
    this.#kept = kept
    this.#count = 2 + kept.sums.length
    this.#zero = Array.from({ length: this.#count }, () => 0n)
  }

  add(rows: readonly AmountRow[]): AmountRow {
    return rows.reduce((sum, row) => sum.map((value, index) => value + (row[index] ?? 0n)), this.#zero)
  }

  less(whole: AmountRow, parts: readonly AmountRow[]): AmountRow {
    const sum = this.add(parts)
    return whole.map((value, index) => value - (sum[index] ?? 0n))
  }

  /** As an answer has them. */
  amounts(row: AmountRow): Amounts {
    return {
      impressions: Number(row[0] ?? 0n),
      clicks: Number(row[1] ?? 0n),
      sums: Object.fromEntries(this.#kept.sums.map((name, index) => [name, formatMicros(row[2 + index] ?? 0n)])),
    }
  }

  /** The same, null where nothing was counted. */
  shown(row: AmountRow): Amounts | null {
    return row.every((value) => value === 0n) ? null : this.amounts(row)
  }

  /** One entry for each bucket of a period, of the rows of one member. */
  byBucket(rows: readonly SqlRow[], period: number, bucketCount: number, member: string | null = null): AmountRow[] {
    const found = Array.from({ length: bucketCount }, () => this.#zero)
    for (const row of rows) {
      if (Number(row[BUCKET.period]) !== period || row[BUCKET.member] !== member) continue
      found[Number(row[BUCKET.bucket])] = this.#read(row, BUCKET.amounts)
    }
    return found
  }

  /** Rows of some members and of the rest, by bucket. */
  drawn(
    wholeRows: readonly SqlRow[],
    memberRows: readonly SqlRow[],
    names: readonly string[],
    { period, bucketCount }: { readonly period: number; readonly bucketCount: number },
  ): { readonly members: readonly (readonly AmountRow[])[]; readonly rest: readonly AmountRow[] } {
    const members = names.map((name) => this.byBucket(memberRows, period, bucketCount, name))
    const rest = this.byBucket(wholeRows, period, bucketCount).map((whole, bucket) =>
      this.less(
        whole,
        members.map((row) => row[bucket] ?? this.#zero),
      ),
    )
    return { members, rest }
  }

  /** For each bucket of the first period, whether its rows are final and its time is. */
  finalBuckets(rows: readonly SqlRow[], bucketCount: number, isTimeFinal: (bucket: number) => boolean): boolean[] {
    const open = new Set(
      rows.flatMap((row) =>
        row[BUCKET.period] === '0' && row[BUCKET.amounts + this.#count] !== 't' ? [Number(row[BUCKET.bucket])] : [],
      ),
    )
    return Array.from({ length: bucketCount }, (_, bucket) => isTimeFinal(bucket) && !open.has(bucket))
  }

  /** How much the first period counted, and how much of that is final. */
  finality(rows: readonly SqlRow[], axis: TimeAxis): { readonly counted: number; readonly final: number } {
    let [counted, final] = [0, 0]
    const place = axis === 'click' || !this.#kept.impressions ? 1 : 0
    for (const row of rows) {
      if (row[BUCKET.period] !== '0') continue
      counted += Number(row[BUCKET.amounts + place])
      final += Number(row[BUCKET.amounts + this.#count + 1])
    }
    return { counted, final }
  }

  /** The rows of `rankStatement`. */
  ranked(rows: readonly SqlRow[]): {
    readonly found: number
    readonly whole: AmountRow
    readonly members: readonly RankedRow[]
  } {
    const [first = []] = rows
    const memberAt = 1 + this.#count
    const members = rows.flatMap((row): RankedRow[] => {
      const name = row[memberAt]
      if (name === null || name === undefined) return []
      const finalAt = memberAt + 1 + 2 * this.#count
      const isFinal = row[finalAt]
      return [
        {
          name,
          value: this.#read(row, memberAt + 1),
          compared: this.#read(row, memberAt + 1 + this.#count),
          complete: row.length > finalAt + 1 ? this.#read(row, finalAt + 1) : undefined,
          areFinal: isFinal === null ? null : isFinal === 't',
        },
      ]
    })
    return { found: Number(first[0] ?? 0), whole: this.#read(first, 1), members }
  }

  #read(row: SqlRow, from: number): AmountRow {
    return Array.from({ length: this.#count }, (_, index) => {
      const text = row[from + index] ?? '0'
      return index < 2 ? BigInt(text) : microsOf(text)
    })
  }
}
