/**
 * How many events of a stream are not in the numbers, and never will be, as far as that is told.
 */
import type { StreamLedgerStatus, TablesLedger } from '../../../src/runtime/status.ts'

export interface NotCounted {
  readonly events: number
  /** Their part of all events read, 0 to 1. */
  readonly share: number
}

/**
 * Events read that are not counted. Pending clicks are none of them: they may still be. Those of a Flink job are, as it
 * does not tell them from others that are unattributed.
 */
export function notCounted({ read, classes }: StreamLedgerStatus | TablesLedger): NotCounted {
  const events = read - classes.counted - classes.pending
  return { events, share: read === 0 ? 0 : events / read }
}
