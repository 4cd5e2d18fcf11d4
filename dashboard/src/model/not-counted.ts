/**
 * How many events of a stream are not in the numbers, and never will be.
 */
import type { StreamLedgerStatus, TablesLedger } from '../../../src/runtime/status.ts'

export interface NotCounted {
  readonly events: number
  /** Their part of all events read, 0 to 1. */
  readonly share: number
}

/** Events read that are not counted. Pending clicks are none of them: they may still be. */
export function notCounted({ read, classes }: StreamLedgerStatus | TablesLedger): NotCounted {
  const events = read - classes.counted - classes.pending
  return { events, share: read === 0 ? 0 : events / read }
}
