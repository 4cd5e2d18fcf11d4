/**
 * A delivery with a sink that fails when a test says so and a clock of the test's own.
 */
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import { Delivery } from '../../src/runtime/delivery.ts'
import type { Epoch } from '../../src/runtime/ports.ts'
import type { DatabaseStatus } from '../../src/runtime/status.ts'
import { cellChanges, ledgerChanges, START_MS } from './change-sets.ts'
import { FragileSink } from './fragile-sink.ts'
import { OwnedTime } from './owned-time.ts'

/** Impressions of each campaign named. */
export function counts(impressions: Readonly<Record<string, number>>): ChangeSet {
  const cells = Object.entries(impressions).map(([campaign, n]) => ({ dimensions: [campaign], impressions: n }))
  return { cells: cells.length === 0 ? [] : [cellChanges('ctr_by_campaign', cells)], ledger: ledgerChanges([]) }
}

/** What a database holds after these epochs. */
export function tableAfter(epochs: readonly Epoch[]): Record<string, number> {
  const table: Record<string, number> = {}
  for (const { changes } of epochs)
    for (const { count, dimensions, impressions } of changes.cells)
      for (let row = 0; row < count; row++) table[dimensions[0]?.[row] ?? ''] = impressions[row] ?? NaN
  return table
}

/** A delivery, and everything it meets. */
export class FragileDelivery {
  readonly time: OwnedTime = new OwnedTime(START_MS)
  readonly sink: FragileSink = new FragileSink()
  readonly changes: DatabaseStatus[] = []
  readonly fatal: unknown[] = []
  readonly delivery: Delivery

  constructor(maxWaitingCells: number = 1_000) {
    this.delivery = new Delivery({
      sink: this.sink,
      clock: this.time,
      maxWaitingCells,
      pause: this.time.pause,
      onChange: (status) => this.changes.push(status),
      onFatal: (error) => this.fatal.push(error),
    })
  }
}

/** One whose sink is open. */
export async function opened(maxWaitingCells?: number): Promise<FragileDelivery> {
  const all = new FragileDelivery(maxWaitingCells)
  await all.delivery.open()
  return all
}
