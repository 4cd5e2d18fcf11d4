/**
 * When results did not come, for marks on a page: restarts, and outages of PostgreSQL, of earlier runs too.
 */
import type { Plan } from '../../pipeline/plan.ts'
import { epochMs, qualifiedTable, quoteLiteral } from '../../text/sql-text.ts'
import { INTERRUPTION_TABLE } from '../../sinks/postgres/interruption-table.ts'
import type { Snapshot } from './reader-pool.ts'

/** One interruption, ms since the epoch. */
export interface Interruption {
  /** `restart`: nothing ran. `database`: counting went on, and results waited. */
  readonly kind: 'restart' | 'database'
  readonly fromMs: number
  readonly toMs: number
}

/** The answer of `/api/v1/interruptions`: the oldest first. */
export interface InterruptionAnswer {
  readonly interruptions: readonly Interruption[]
}

/** Reads those that are kept. */
export async function interruptionAnswer(snapshot: Snapshot, plan: Plan): Promise<InterruptionAnswer> {
  const table = qualifiedTable(INTERRUPTION_TABLE)
  const [known] = await snapshot.rows(`select to_regclass(${quoteLiteral(table)}) is not null`)
  if (known?.[0] !== 't') return { interruptions: [] }
  const rows = await snapshot.rows(
    `select kind, ${epochMs('from_at')}, ${epochMs('to_at')} from ${table} where pipeline = ${quoteLiteral(plan.name)} order by from_at`,
  )
  return {
    interruptions: rows.map(([kind, fromMs, toMs]) => ({
      kind: kind === 'restart' ? 'restart' : 'database',
      fromMs: Number(fromMs),
      toMs: Number(toMs),
    })),
  }
}
