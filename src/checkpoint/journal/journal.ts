/**
 * The journal: raw events as they arrived, by partition, durable before they are acknowledged, and read back from any block.
 *
 * J1  An append that was acknowledged is there after any crash, whole, once and in its place.
 * J2  One that was not is there whole or not at all.
 * J3  Damage is refused with its place; it is never taken for an end, and never read as events.
 * J4  Memory is bounded by what is queued, and that by `maxQueuedBytes`.
 * J5  When the disk fails, everything from then on is refused, and the process has to end.
 */
import { dirname, join } from 'node:path'
import { TidemarkError } from '../../errors.ts'
import { DAY_MS } from '../../time/units.ts'
import { diskFailed, diskFull, synced } from '../disk/disk-errors.ts'
import type { Disk } from '../disk/disk.ts'
import { MAX_BLOCK_BODY_BYTES, type BlockMeta } from '../format/journal-block.ts'
import { partitionFolder } from '../format/partition-folder.ts'
import { DiskRoom } from './disk-room.ts'
import { appendBytes, type Appended } from './group.ts'
import { busy, misplaced, missing } from './journal-errors.ts'
import { JournalReader } from './journal-reader.ts'
import { openPartition, type TailCut } from './open-partition.ts'
import { PartitionWriter, type WriterHost } from './partition-writer.ts'
import { JournalPartition } from './partition.ts'
import { expired, type Retention } from './retention.ts'
import type { Segment } from './segment.ts'

const LINE_END = 0x0a
const NO_BYTES = new Uint8Array(0)

/** How a journal is opened. */
export interface JournalOptions {
  /** Its folder, in one that exists. */
  readonly dir: string
  readonly disk: Disk
  /** Wall clock, ms since the epoch. */
  readonly nowMs: () => number
  /** Partitions that are written to, besides those that are there; more may follow. */
  readonly partitions?: readonly string[]
  /** Positions up to which results were committed: what has to be there. */
  readonly committed?: ReadonlyMap<string, number>
  /** A segment ends after so many bytes (default 64 MiB). */
  readonly segmentBytes?: number
  /** What is kept of raw events (default 24 h and 20 GB, whichever is less). */
  readonly retention?: Retention
  /** Disk space that appends leave free (default 256 MiB). */
  readonly reserveBytes?: number
  /** Appends that may wait for the disk (default 64 MiB). */
  readonly maxQueuedBytes?: number
  /** Less is not written while a sync is under way: it gathers, and costs one write (default 64 KiB). */
  readonly aheadBytes?: number
  /** Unsigned 32-bit chance. */
  readonly salt?: () => number
  /** Told once why nothing is accepted any more: whoever is told ends the process (J5). */
  readonly onFailure?: (error: Error) => void
}

/** What an append says about its lines. */
export interface AppendMeta extends BlockMeta {
  /** What the source needs to find its place again after these lines. */
  readonly sourcePosition?: Uint8Array
}

/** The journal of one data folder, which one process has open at a time. */
export class Journal {
  /** What opening it cut from the ends of partitions: left by a crash, never acknowledged. */
  readonly cuts: readonly TailCut[]
  readonly #options: Required<JournalOptions>
  readonly #partitions = new Map<string, JournalPartition>()
  readonly #writers = new Map<string, PartitionWriter>()
  readonly #listeners = new Set<(partition: string) => void>()
  readonly #room: DiskRoom
  readonly #host: WriterHost
  #queuedBytes = 0
  #failure: Error | undefined
  #isClosed = false
  #isRemoving = false

  private constructor(options: Required<JournalOptions>, found: readonly JournalPartition[], cuts: readonly TailCut[]) {
    const { disk, dir, reserveBytes, nowMs, segmentBytes, aheadBytes, retention, salt } = options
    this.#options = options
    this.cuts = cuts
    for (const partition of found) this.#add(partition)
    this.#room = new DiskRoom(disk, dir, reserveBytes, nowMs)
    this.#host = {
      disk,
      segmentBytes,
      aheadBytes,
      segmentAgeMs: retention.maxAgeMs / 8,
      salt,
      failure: () => this.#failure,
      fail: (error) => void this.#fail(error),
      settled: (byteCount) => (this.#queuedBytes -= byteCount),
      durable: (partition) => this.#listeners.forEach((listener) => listener(partition)),
      full: () => this.#room.exhausted(),
    }
  }

  /**
   * Opens the journal, or begins it. Whole blocks that no one was told of may be there: they count as appended.
   *
   * @throws TidemarkError JOURNAL_CORRUPT, JOURNAL_MISSING, FORMAT_NEWER, DISK_FAILED
   */
  static async open(given: JournalOptions): Promise<Journal> {
    const options: Required<JournalOptions> = {
      partitions: [],
      committed: new Map(),
      segmentBytes: 1 << 26,
      retention: { maxAgeMs: DAY_MS, maxBytes: 20e9 },
      reserveBytes: 1 << 28,
      maxQueuedBytes: 1 << 26,
      aheadBytes: 1 << 16,
      salt: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
      onFailure: () => undefined,
      ...given,
    }
    try {
      return await openJournal(options, (found, cuts) => new Journal(options, found, cuts))
    } catch (error) {
      throw error instanceof TidemarkError ? error : diskFailed(options.dir, 'open the journal in', error)
    }
  }

  /** Names of the partitions, in the order in which they became known. */
  get partitions(): readonly string[] {
    return [...this.#partitions.keys()]
  }

  /** Bytes of appends that are not yet settled. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Whether an append would be refused because too much is waiting. */
  get isFull(): boolean {
    return this.#queuedBytes >= this.#options.maxQueuedBytes
  }

  /** Bytes of all segments. */
  get byteLength(): number {
    let bytes = 0
    for (const { segments } of this.#partitions.values()) for (const { byteLength } of segments) bytes += byteLength
    return bytes
  }

  /** Why nothing is accepted any more: the process has to end. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /**
   * Appends whole lines as one block; resolves once they are durable. `lines` and `sourcePosition` must not change before.
   *
   * @returns rejects with TidemarkError DISK_FULL or JOURNAL_BUSY, which are retryable, or DISK_FAILED, which is final
   */
  append(partition: string, lines: Uint8Array, meta: AppendMeta): Promise<Appended> {
    const { recordCount, arrivalMs, floorMs, sourcePosition = NO_BYTES } = meta
    const byteLength = appendBytes(lines, sourcePosition)
    const refused = this.#refuse(lines, byteLength)
    if (refused !== undefined) return Promise.reject(refused)
    this.#queuedBytes += byteLength
    return new Promise((resolve, reject) => {
      const block = { meta: { recordCount, arrivalMs, floorMs }, sourcePosition, lines, byteLength, resolve, reject }
      this.#writerOf(partition).append(block)
    })
  }

  /** Logical offset up to which a partition is durable; 0 for one that was never written to. */
  durableEnd(partition: string): number {
    return this.#partitions.get(partition)?.durableEnd ?? 0
  }

  /** Logical offset of the first block that retention has left. */
  earliest(partition: string): number {
    return this.#partitions.get(partition)?.earliest ?? 0
  }

  /** What the source gave with the last durable block of a partition. */
  lastSourcePosition(partition: string): Uint8Array | undefined {
    return this.#partitions.get(partition)?.lastSourcePosition
  }

  /** Calls back whenever a partition has more to read; returns what ends that. */
  onDurable(listener: (partition: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads a partition from the offset of a block on. */
  reader(partition: string, fromOffset: number): JournalReader {
    return new JournalReader(this.#options.disk, this.#partitionOf(partition), fromOffset)
  }

  /**
   * Removes segments that are older or more than what is kept, but none that a position in `keepFrom` still needs.
   *
   * @returns the segments that went
   * @throws TidemarkError DISK_FAILED
   */
  async removeExpired(keepFrom: ReadonlyMap<string, number>): Promise<readonly Segment[]> {
    if (this.#isRemoving || this.#failure !== undefined) return []
    this.#isRemoving = true
    const { disk, retention, nowMs } = this.#options
    const removals = expired(this.#partitions.values(), retention, keepFrom, nowMs())
    try {
      for (const { partition, segment } of removals) {
        partition.segments.shift()
        await disk.remove(segment.path)
        // One by one: a gap in the middle would pass for damage.
        await synced(disk.syncFolder(partition.folder))
      }
      return removals.map(({ segment }) => segment)
    } catch (error) {
      throw this.#fail(diskFailed(this.#options.dir, 'remove segments in', error))
    } finally {
      this.#isRemoving = false
    }
  }

  /** Settles what is queued and closes the files. Nothing is accepted any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#writers.values()].map((writer) => writer.drained()))
    for (const writer of this.#writers.values()) writer.close()
  }

  #refuse(lines: Uint8Array, byteLength: number): Error | undefined {
    if (this.#failure !== undefined) return this.#failure
    if (this.#isClosed) return new Error('the journal is closed')
    if (lines.at(-1) !== LINE_END) return new RangeError('a block holds whole lines')
    if (byteLength > MAX_BLOCK_BODY_BYTES) return new RangeError(`a block of ${byteLength} bytes`)
    if (this.isFull) return busy(this.#queuedBytes)
    return this.#room.admit(byteLength, this.#queuedBytes) ? undefined : diskFull(this.#options.dir)
  }

  /** Accepts nothing from now on; returns the first reason there was. */
  #fail(error: Error): Error {
    if (this.#failure !== undefined) return this.#failure
    this.#failure = error
    this.#options.onFailure(error)
    return error
  }

  #add(partition: JournalPartition): JournalPartition {
    this.#partitions.set(partition.name, partition)
    return partition
  }

  #partitionOf(name: string): JournalPartition {
    const known = this.#partitions.get(name)
    return known ?? this.#add(new JournalPartition(name, join(this.#options.dir, partitionFolder(name))))
  }

  #writerOf(name: string): PartitionWriter {
    const known = this.#writers.get(name)
    if (known !== undefined) return known
    const writer = new PartitionWriter(this.#host, this.#partitionOf(name))
    this.#writers.set(name, writer)
    return writer
  }
}

async function openJournal<T>(
  { disk, dir, partitions, committed }: Required<JournalOptions>,
  make: (found: readonly JournalPartition[], cuts: readonly TailCut[]) => T,
): Promise<T> {
  disk.makeFolder(dir)
  await disk.syncFolder(dirname(dir))
  const found = new Map<string, JournalPartition>()
  const cuts: TailCut[] = []
  for (const entry of disk.list(dir)) {
    const folder = join(dir, entry.name)
    const opened = entry.isFolder ? await openPartition(disk, folder, (name) => committed.get(name) ?? 0) : undefined
    if (opened === undefined) continue
    if (partitionFolder(opened.name) !== entry.name) throw misplaced(folder, opened.name)
    found.set(opened.name, new JournalPartition(opened.name, folder, opened.segments, opened.lastSourcePosition))
    if (opened.cut !== undefined) cuts.push(opened.cut)
  }
  for (const name of partitions) {
    if (!found.has(name)) found.set(name, new JournalPartition(name, join(dir, partitionFolder(name))))
  }
  for (const [name, position] of committed) refuseMissing(dir, name, position, found.get(name))
  return make([...found.values()], cuts)
}

function refuseMissing(dir: string, name: string, position: number, partition: JournalPartition | undefined): void {
  const { earliest, durableEnd } = partition ?? { earliest: 0, durableEnd: 0 }
  if (durableEnd < position || (position < earliest && position > 0))
    throw missing(name, join(dir, partitionFolder(name)), position, earliest, durableEnd)
}
