/**
 * A status as a healthy pipeline gives it, for tests of what reads one.
 */
import type { EventClass } from '../../src/pipeline/plan.ts'
import type { PartitionStatus, PipelineStatus, StreamLedgerStatus, TablesStatus } from '../../src/runtime/status.ts'
import { NOON_MS } from './page-changes.ts'

/** A healthy status, except for what is given. */
export function healthyStatus(changed: Partial<PipelineStatus> = {}): PipelineStatus {
  return {
    source: 'engine',
    nowMs: NOON_MS,
    startedAtMs: NOON_MS - 3_600_000,
    beganAtMs: NOON_MS - 3_600_000,
    epoch: 8_412,
    epochDurationMs: 38,
    watermarkMs: NOON_MS - 6_000,
    finalUpToMs: NOON_MS - 36 * 60_000,
    eventsPerSecond: 50.2,
    committedAtMs: NOON_MS - 400,
    unreadBytes: 0,
    deadLettersLeft: 0,
    partitions: [partition({ stream: 'impressions' }), partition({ stream: 'clicks' })],
    heldBackBy: 1,
    ledger: {
      impressions: streamLedger({ counted: 900, duplicate: 10 }),
      clicks: streamLedger({ counted: 70, repeat: 3 }),
    },
    database: {
      state: 'up',
      message: null,
      sinceMs: NOON_MS - 3_600_000,
      waitingCells: 0,
      intakePaused: false,
      outages: [],
    },
    intake: { state: 'open', message: null, queuedBytes: 0, journalBytes: 4_096, freeBytes: 1e9 },
    memory: { limitBytes: 4e9, neededBytes: 5e8, stateBytes: 1e8, isFull: false },
    ...changed,
  }
}

/** What the tables of a Flink job say, except for what is given. */
export function tablesStatus(changed: Partial<TablesStatus> = {}): TablesStatus {
  const { ledger, ...healthy } = healthyStatus({ partitions: [], heldBackBy: null, memory: null })
  return {
    ...healthy,
    source: 'tables',
    epoch: null,
    epochDurationMs: null,
    eventsPerSecond: null,
    ledger: {
      impressions: { ...ledger.impressions, difference: null },
      clicks: { ...ledger.clicks, unattributed: 7, difference: null },
    },
    intake: { state: 'none', message: null, queuedBytes: 0, journalBytes: 0, freeBytes: 0 },
    ...changed,
  }
}

export function partition(changed: Partial<PartitionStatus> = {}): PartitionStatus {
  return {
    stream: 'impressions',
    partition: 0,
    name: 'simulated',
    state: 'active',
    eventsRead: 900,
    highestEventTimeMs: NOON_MS - 1_000,
    watermarkMs: NOON_MS - 6_000,
    silentForMs: 40,
    unreadBytes: 0,
    readBytes: 4_096,
    behindMs: 6_000,
    waitsFor: 'event',
    idleInMs: 9_960,
    ...changed,
  }
}

/** A ledger of these classes; `missing` events are in none. */
export function streamLedger(counts: Partial<Record<EventClass, number>>, missing: number = 0): StreamLedgerStatus {
  const none = {
    counted: 0,
    duplicate: 0,
    repeat: 0,
    out_of_window: 0,
    orphan: 0,
    pending: 0,
    late: 0,
    future: 0,
    malformed: 0,
  }
  const classes = { ...none, ...counts }
  const sum = Object.values(classes).reduce((total, events) => total + events, 0)
  return { read: sum + missing, classes, difference: missing }
}
