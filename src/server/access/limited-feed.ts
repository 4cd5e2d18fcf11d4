/**
 * What a viewer who is limited is told of the pipeline: that time goes on and how fresh the tables are, and no number.
 *
 * F1  It is a function of what everybody may know: names and counts of events, partitions and members are left out.
 */
import { EVENT_CLASSES, type EventClass } from '../../pipeline/plan.ts'
import type {
  DatabaseStatus,
  IntakeStatus,
  PageStatus,
  StreamLedgerStatus,
  TablesLedger,
} from '../../runtime/status.ts'
import type { PageData, PatchMessage, SnapshotMessage } from '../page-data.ts'

const NO_DATA: PageData = {
  range: { startMs: 0, endMs: 0, finalUpToMs: 0 },
  totals: { last: [], rows: {} },
  charts: {},
  boards: {},
}

const NO_CLASSES = Object.fromEntries(EVENT_CLASSES.map((name) => [name, 0])) as Record<EventClass, number>
const NO_LEDGER: StreamLedgerStatus = { read: 0, classes: NO_CLASSES, difference: 0 }
const NO_TABLES_LEDGER: TablesLedger = { ...NO_LEDGER, difference: null }

/** Everything, as far as it may be told. */
export function limitedSnapshot({ page, status }: SnapshotMessage): SnapshotMessage {
  return { page, data: NO_DATA, status: limitedStatus(status) }
}

/** A patch, as far as it may be told. */
export function limitedPatch({ status }: Pick<PatchMessage, 'status'>): PatchMessage {
  return { status: limitedStatus(status) }
}

function limitedStatus(status: PageStatus | null): PageStatus | null {
  if (status === null) return null
  const { nowMs, startedAtMs, beganAtMs, watermarkMs, finalUpToMs, committedAtMs, database, intake } = status
  const told = {
    nowMs,
    startedAtMs,
    beganAtMs,
    watermarkMs,
    finalUpToMs,
    committedAtMs,
    unreadBytes: 0,
    deadLettersLeft: 0,
    partitions: [],
    heldBackBy: null,
    database: limitedDatabase(database),
    intake: limitedIntake(intake),
    memory: null,
  }
  if (status.source === 'tables') {
    const ledger = { impressions: NO_TABLES_LEDGER, clicks: NO_TABLES_LEDGER }
    return { ...told, source: 'tables', epoch: status.epoch, epochDurationMs: null, eventsPerSecond: null, ledger }
  }
  const { epoch, epochDurationMs } = status
  const ledger = { impressions: NO_LEDGER, clicks: NO_LEDGER }
  return { ...told, source: 'engine', epoch, epochDurationMs, eventsPerSecond: 0, ledger }
}

/** Whether results get through, without how many wait. */
export function limitedDatabase(database: DatabaseStatus): DatabaseStatus {
  return { ...database, message: null, waitingCells: 0, intakePaused: false }
}

/** Whether events are taken in, without how many. */
export function limitedIntake({ state }: IntakeStatus): IntakeStatus {
  return { state, message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 }
}
