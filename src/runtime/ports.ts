/**
 * The ports of the runtime: where it meets the clock, sinks and dead letters. Adapters implement them; tests may too.
 */
import type { TidemarkError } from '../errors.ts'
import type { ChangeSet } from '../pipeline/cells.ts'
import type { StreamName } from '../pipeline/plan.ts'

/** What time it is, and how time passes. */
export interface Clock {
  /** Wall clock, ms since the epoch. Someone may set it, by days. */
  nowMs(): number
  /** Time that only passes, ms since any moment: for deadlines, and for how long something took. */
  steadyMs(): number
}

/** Takes one line for whoever operates the program. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void

/** The bytes of one bounded partition. */
export interface ByteSource {
  /** What messages call it: a file's path. */
  readonly name: string
  /** Bytes in all as they lie on disk, where that is known. */
  readonly byteLength: number | undefined
  /** Bytes taken from disk so far. */
  readonly bytesTaken: number
  /** Reads up to `length` bytes to `into` at `offset`; 0 is the end. */
  read(into: Uint8Array, offset: number, length: number): number | Promise<number>
  close(): Promise<void>
}

/** One step of results: all of it becomes visible at once, or none. */
export interface Epoch {
  readonly number: number
  /** Pipeline watermark, ms; -Infinity before every partition was read, +Infinity at the end of bounded input. */
  readonly watermarkMs: number
  readonly changes: ChangeSet
}

/** Where each partition of a live run has been read up to, by the partition's name. */
export type Positions = Readonly<Record<string, number>>

/** An epoch of a live run: it also says how far it has read, so that a restart goes on from there. */
export interface LiveEpoch extends Epoch {
  readonly positions: Positions
  /** What was read in it and is no event. */
  readonly deadLetters: readonly DeadLetter[]
}

/** Where the epochs of a live run go: each whole or not at all, each once, however often it is tried. */
export interface EpochSink {
  /** Rejects with a retryable TidemarkError when the same epoch may be tried again. */
  write(epoch: LiveEpoch): Promise<void>
}

/** Where results go. */
export interface Sink {
  /** Gets ready: connects, creates what is missing. */
  open(): Promise<void>
  /**
   * Writes an epoch whole or not at all. Rejects with a retryable TidemarkError when the same epoch may be tried again.
   */
  write(epoch: Epoch): Promise<void>
  /**
   * Does what may fail and shows nothing yet, so that little is left for `commit`, which calls it itself where nobody
   * did. Safe to call twice.
   */
  prepare?(): Promise<void>
  /** Makes the results of a bounded input final: files appear, transactions commit. Never called after a failure. */
  commit(): Promise<void>
  /** Lets go of everything; what was not committed is discarded. Safe to call twice. */
  close(): Promise<void>
}

/** A record that could not be read as an event. */
export interface DeadLetter {
  readonly stream: StreamName
  /** Name of the partition: a file's path, or topic and number. */
  readonly partition: string
  /** Line number from 1, or offset. */
  readonly position: number
  readonly reason: string
  /** The offending field, where one is to blame. */
  readonly field: string | undefined
  /** The record's bytes, cut to a bounded length. */
  readonly bytes: Uint8Array
  /** Length of the whole record in bytes. */
  readonly byteLength: number
  /** When it arrived, ms since the epoch, where that is known. */
  readonly arrivalMs?: number
}

/** Where dead letters go. Must not keep a reference to `bytes`. */
export interface DeadLetterSink {
  write(letter: DeadLetter): void
}

/**
 * Where a source hands over live events: they are on disk before anyone is told that they are accepted.
 *
 * Whoever appends does not touch `lines` before the promise settles; from then on nothing here reads them, so that
 * their memory may be used again.
 */
export interface Intake {
  /** Whether to hand over anything now; false while the journal is full, not ready yet or on its way down. */
  readonly isOpen: boolean
  /** Why not, where a sender can be told more than that. */
  readonly closedBy?: TidemarkError | undefined
  /**
   * Appends whole NDJSON lines, each ended by LF, malformed ones included, and resolves once they are durable.
   *
   * @param recordCount lines that hold a record; blank ones do not count
   * @throws TidemarkError retryable where the same lines may be sent again later; INPUT_BAD_DATA where one of them is
   * longer than can be kept
   */
  append(stream: StreamName, lines: Uint8Array, recordCount: number): Promise<void>
}
