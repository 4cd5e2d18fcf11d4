/**
 * The way of a live run's results to PostgreSQL, and what is said of it.
 */
import { Delivery } from '../runtime/delivery.ts'
import type { Log } from '../runtime/ports.ts'
import type { DatabaseStatus } from '../runtime/status.ts'
import { CLOCK, pause } from './elapsed.ts'
import type { Recovered } from './recovery.ts'
import type { Teardown } from './teardown.ts'

/** Delivery from the epoch that the tables hold on. What waits when the sink closes is not tried again. */
export function createDelivery(parts: {
  readonly recovered: Recovered
  readonly teardown: Teardown
  readonly maxWaitingCells: number
  readonly log: Log
  readonly onFatal: (error: unknown) => void
}): Delivery {
  const { recovered, teardown, maxWaitingCells, log, onFatal } = parts
  const { sink, checkpoints, epoch } = recovered
  const delivery = new Delivery({
    sink,
    checkpoints,
    epoch,
    clock: CLOCK,
    maxWaitingCells,
    pause,
    onChange: (status) => logDatabase(status, log),
    onFatal,
  })
  teardown.add(() => delivery.drain(0))
  return delivery
}

function logDatabase(status: DatabaseStatus, log: Log): void {
  if (status.state === 'down')
    log('warn', `PostgreSQL takes no epochs: ${status.message ?? 'no answer'} Counting goes on; results wait.`)
  else log('info', 'PostgreSQL is back; everything counted meanwhile is written.')
}
