/**
 * A delivery with a sink that fails when a test says so and a clock of the test's own.
 */
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import { Delivery, type CheckpointSink } from '../../src/runtime/delivery.ts'
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

/** Checkpoints in memory, which fail when a test says so. */
export class FragileCheckpoints implements CheckpointSink {
  /** `written N`, `committed N`, in order. */
  readonly calls: string[] = []
  /** What every write is rejected with, while it is set. */
  failure: unknown

  async write(number: number): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    this.calls.push(`written ${number}`)
  }

  committed(number: number): void {
    this.calls.push(`committed ${number}`)
  }
}

/** A delivery, and everything it meets. */
export class FragileDelivery {
  readonly time: OwnedTime = new OwnedTime(START_MS)
  readonly sink: FragileSink = new FragileSink()
  readonly checkpoints: FragileCheckpoints = new FragileCheckpoints()
  readonly changes: DatabaseStatus[] = []
  readonly fatal: unknown[] = []
  readonly delivery: Delivery

  constructor(maxWaitingCells: number = 1_000, epoch: number = 0) {
    this.delivery = new Delivery({
      sink: this.sink,
      checkpoints: this.checkpoints,
      epoch,
      clock: this.time,
      maxWaitingCells,
      pause: this.time.pause,
      onChange: (status) => this.changes.push(status),
      onFatal: (error) => this.fatal.push(error),
    })
  }

  /** Offers changes, and makes a barrier unless an epoch is under way. */
  offer(changes: ChangeSet, watermarkMs: number = 0): void {
    this.delivery.offer(changes)
    this.barrier(watermarkMs)
  }

  /** Makes a barrier unless an epoch is under way. */
  barrier(watermarkMs: number = 0): void {
    if (this.delivery.isBusy) return
    const snapshot = { epoch: this.delivery.epoch + 1, since: 1, parts: [] }
    this.delivery.begin({ watermarkMs, positions: {}, deadLetters: [], snapshot })
  }
}
