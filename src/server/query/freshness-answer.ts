/**
 * How fresh the numbers are, for a page: what the engine says of its partitions, or what the tables alone tell.
 */
import type { Plan } from '../../pipeline/plan.ts'
import { finalUpTo, type TableState } from '../../query/view-span.ts'
import { limitedDatabase, limitedIntake } from '../access/limited-feed.ts'
import type { DatabaseStatus, IntakeStatus, PartitionStatus, PipelineStatus } from '../../runtime/status.ts'

/** A partition without what tells how much comes in. */
type Partition = Omit<PartitionStatus, 'eventsRead' | 'readBytes' | 'unreadBytes'> &
  Partial<Pick<PartitionStatus, 'eventsRead' | 'readBytes' | 'unreadBytes'>>

/** The answer of `/api/v1/freshness`. */
export interface FreshnessAnswer {
  /** Who knows: the engine in this process, or the tables alone. */
  readonly source: 'engine' | 'tables'
  readonly nowMs: number
  readonly epoch: number | null
  readonly watermarkMs: number | null
  readonly finalUpToMs: number | null
  /** How far the watermark lies behind the clock, ms. */
  readonly behindMs: number | null
  /** Empty where the tables alone are known. */
  readonly partitions: readonly Partition[]
  /** Index of the partition that holds the watermark back; null where none does. */
  readonly heldBackBy: number | null
  readonly idleTimeoutMs: number
  readonly database: DatabaseStatus | null
  readonly intake: IntakeStatus | null
}

/** The answer, from the engine's status or from the state of the tables. */
export function freshnessAnswer(
  plan: Plan,
  found: PipelineStatus | (TableState & { readonly nowMs: number }),
  isRestricted: boolean,
): FreshnessAnswer {
  const { idleTimeoutMs } = plan.parameters
  const watermarkMs = found.watermarkMs !== null && Number.isFinite(found.watermarkMs) ? found.watermarkMs : null
  const common = {
    nowMs: found.nowMs,
    epoch: found.epoch,
    watermarkMs,
    behindMs: watermarkMs === null ? null : Math.max(0, found.nowMs - watermarkMs),
    idleTimeoutMs,
  }
  if (!('partitions' in found)) {
    const none = { partitions: [], heldBackBy: null, database: null, intake: null }
    return { source: 'tables', ...common, finalUpToMs: finalUpTo(plan, found, null), ...none }
  }
  const { finalUpToMs, partitions, heldBackBy, database, intake } = found
  return {
    source: 'engine',
    ...common,
    finalUpToMs,
    partitions: isRestricted ? partitions.map(withoutVolume) : partitions,
    heldBackBy,
    database: isRestricted ? limitedDatabase(database) : database,
    intake: isRestricted ? limitedIntake(intake) : intake,
  }
}

function withoutVolume({
  eventsRead: _events,
  readBytes: _read,
  unreadBytes: _unread,
  ...rest
}: PartitionStatus): Partition {
  return rest
}
