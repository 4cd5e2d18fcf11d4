/**
 * What a running pipeline says of itself: plain data, taken in one look, for the page, metrics and logs.
 */
import type { EventClass, StreamName } from '../pipeline/plan.ts'

/** One source partition. */
export interface PartitionStatus {
  readonly stream: StreamName
  readonly partition: number
  readonly name: string
  readonly state: 'waiting' | 'active' | 'idle' | 'ended'
  readonly eventsRead: number
  /** Highest event time read, ms; null before the first event. */
  readonly highestEventTimeMs: number | null
  /** Watermark of the partition, ms; null before the first event. */
  readonly watermarkMs: number | null
  /** How long nothing has come from it, ms. */
  readonly silentForMs: number
  /** Bytes that are in the journal and wait to be read. */
  readonly unreadBytes: number
  /** Bytes of the journal read so far, from the beginning of the partition on. */
  readonly readBytes: number
  /** How far its watermark lies behind the wall clock, ms; null before the first event. */
  readonly behindMs: number | null
  /** What has to happen next for its watermark to move on; null where nothing will. */
  readonly waitsFor: PartitionWait | null
  /** When it no longer holds the watermark back unless it speaks, ms from now; null where it does not, or must not. */
  readonly idleInMs: number | null
}

/**
 * What a partition waits for: `event` and `first_event` from its source, `disk` to have what was received, `engine` to
 * read what is there, `database` to take results, before which the engine reads no more.
 */
export type PartitionWait = 'event' | 'first_event' | 'disk' | 'engine' | 'database'

/** The way in: what was sent, up to where it is on disk. */
export interface IntakeStatus {
  /**
   * `none`: a bounded run. `full`: the disk has no more room for the journal, or too much waits to be written to it.
   * `memory_full`: what has to be remembered fills the memory that the process may use. `away`: the brokers that events
   * over HTTP are written to do not answer.
   */
  readonly state: 'open' | 'full' | 'memory_full' | 'away' | 'closed' | 'none'
  /** Why it is not open, in one sentence. */
  readonly message: string | null
  /** Bytes that wait to be on disk; nobody was told yet that they are accepted. */
  readonly queuedBytes: number
  /** Bytes of the journal on disk. */
  readonly journalBytes: number
  /** Bytes free on the journal's disk. */
  readonly freeBytes: number
}

/** The memory that the process may use, and what of it is taken or spoken for. Bytes. */
export interface MemoryStatus {
  readonly limitBytes: number
  /**
   * What is held, and what has to be free beside it for the next steps and for what is acknowledged and not counted
   * yet.
   */
  readonly neededBytes: number
  /** What the engine remembers: ids, cells, names. */
  readonly stateBytes: number
  /** Whether intake waits for it. */
  readonly isFull: boolean
}

/** Events of one stream by class since the start, and how many were read. */
export interface StreamLedgerStatus {
  readonly read: number
  readonly classes: Readonly<Record<EventClass, number>>
  /** `read` minus the sum of the classes: 0, or a bug. */
  readonly difference: number
}

/** A time in which results did not reach PostgreSQL, ms since the epoch; `toMs` is null while it lasts. */
export interface Outage {
  readonly fromMs: number
  readonly toMs: number | null
}

/** The results' way to PostgreSQL. */
export interface DatabaseStatus {
  /** `none`: the run is over, or writes to no database. */
  readonly state: 'starting' | 'up' | 'down' | 'none'
  /** Why it is down, in one sentence. */
  readonly message: string | null
  /** Since when the state holds, ms since the epoch. */
  readonly sinceMs: number
  /** Changed cells that wait to be written. */
  readonly waitingCells: number
  /** Whether intake waits because too many cells do. */
  readonly intakePaused: boolean
  /** The newest outages of this run, the oldest first. */
  readonly outages: readonly Outage[]
}

export interface PipelineStatus {
  readonly source: 'engine'
  readonly nowMs: number
  /** When the pipeline first started. */
  readonly startedAtMs: number
  /** When this run of it began: later than the first start where it was restarted. */
  readonly beganAtMs: number
  readonly epoch: number
  /** How long the last epoch took from freeze to commit, ms. */
  readonly epochDurationMs: number
  /** Pipeline watermark, ms; null before every partition was read. */
  readonly watermarkMs: number | null
  /** Every window that ends here or earlier is final, ms; null while none is. */
  readonly finalUpToMs: number | null
  readonly eventsPerSecond: number
  /** When the last epoch was committed, ms since the epoch; null before the first one of this run. */
  readonly committedAtMs: number | null
  /** Bytes in the journal that wait to be read, of all partitions. */
  readonly unreadBytes: number
  /** Dead letters since the start that were only counted, for want of room. */
  readonly deadLettersLeft: number
  readonly partitions: readonly PartitionStatus[]
  /** Index of the partition whose watermark is the pipeline's, or null. */
  readonly heldBackBy: number | null
  readonly ledger: Readonly<Record<StreamName, StreamLedgerStatus>>
  readonly database: DatabaseStatus
  readonly intake: IntakeStatus
  /** Null where nothing bounds it: in a bounded run. */
  readonly memory: MemoryStatus | null
}

/** A ledger as the table of it has it. */
export interface TablesLedger extends Omit<StreamLedgerStatus, 'difference'> {
  /** Clicks that are `orphan`, `out_of_window` or `pending`: a Flink job counts these three as one. */
  readonly unattributed?: number
  /** Who reads the tables alone cannot know how many events were read, and of which no class was told. */
  readonly difference: null
}

/**
 * What tables say that somebody else fills, in the same words: nothing of sources, of what waits and of memory.
 */
export interface TablesStatus extends Omit<
  PipelineStatus,
  'source' | 'epoch' | 'epochDurationMs' | 'eventsPerSecond' | 'ledger'
> {
  readonly source: 'tables'
  /** Null where nobody numbers epochs, as in the tables of a Flink job. */
  readonly epoch: number | null
  readonly epochDurationMs: null
  /** Null before the ledger was read twice. */
  readonly eventsPerSecond: number | null
  readonly ledger: Readonly<Record<StreamName, TablesLedger>>
}

/** What a page knows of the pipeline: from the engine in its own process, or from the tables alone. */
export type PageStatus = PipelineStatus | TablesStatus
