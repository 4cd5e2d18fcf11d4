/**
 * Appends to one partition, with group commit: while one group is synced, later appends are written, to be synced together.
 *
 * A1  An append is acknowledged only when its block, the segment's name and all before it are durable.
 * A2  Blocks lie in the order of the appends.
 * A3  Where the disk is full, the file is cut back to what is durable, those appends are refused, and later ones may
 *     succeed.
 * A4  After any other error of the disk nothing is ever written or synced again: a sync that failed may have dropped what
 *     it was to write, and the next one would not say so. For the same reason no two syncs run at a time.
 * A5  A sync vouches for what was written before it began, and for no more.
 */
import { diskFailed, diskFull, isNoSpace } from '../disk/disk-errors.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { writeAll } from '../disk/write-whole.ts'
import { GroupEncoder, takeGroup, type PendingAppend } from './group.ts'
import type { JournalPartition } from './partition.ts'
import { createSegment } from './segment.ts'

/** What a writer needs from the journal. */
export interface WriterHost {
  readonly disk: Disk
  readonly segmentBytes: number
  /** Less is not written while a sync is under way. */
  readonly aheadBytes: number
  /** A segment that began so long ago is ended, so that retention can let go of it, ms. */
  readonly segmentAgeMs: number
  /** Unsigned 32-bit chance. */
  readonly salt: () => number
  /** Why nothing is accepted any more. */
  readonly failure: () => Error | undefined
  readonly fail: (error: Error) => void
  /** Appends were written, or refused. */
  readonly settled: (byteCount: number) => void
  readonly durable: (partition: string) => void
  readonly full: () => void
}

/** So much may be written and wait for its sync, so that it is durable soon. */
const MAX_UNSYNCED_BYTES = 1 << 23

/** The end of a partition that grows. */
export class PartitionWriter {
  readonly #host: WriterHost
  readonly #partition: JournalPartition
  readonly #encoder = new GroupEncoder()
  readonly #queue: PendingAppend[] = []
  /** Written, and no sync of it has begun. */
  readonly #written: PendingAppend[] = []
  /** Bytes that are written and not known to be durable. */
  #unsyncedBytes = 0
  #file: DiskFile | undefined
  #writing: Promise<void> | undefined
  #syncing: Promise<void> | undefined

  constructor(host: WriterHost, partition: JournalPartition) {
    this.#host = host
    this.#partition = partition
  }

  /** Queues an append; it settles later. */
  append(append: PendingAppend): void {
    this.#queue.push(append)
    this.#writing ??= this.#writeQueue()
  }

  /** Resolves when nothing is waiting. */
  async drained(): Promise<void> {
    for (let busy = this.#busy; busy !== undefined; busy = this.#busy) await busy
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  get #busy(): Promise<void> | undefined {
    return this.#writing ?? this.#syncing
  }

  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      // Lets the requests of one turn of the event loop go together.
      await new Promise((resolve) => setImmediate(resolve))
      while (this.#syncing !== undefined && !this.#isWorthWriting()) await this.#syncing
      const group = takeGroup(this.#queue, this.#host.segmentBytes)
      const error = await this.#write(group)
      if (error !== undefined) this.#settle(group, error)
      else {
        this.#written.push(...group)
        this.#syncing ??= this.#syncWritten()
      }
    }
    this.#writing = undefined
  }

  #isWorthWriting(): boolean {
    return this.#unsyncedBytes < MAX_UNSYNCED_BYTES && bytesOf(this.#queue) >= this.#host.aheadBytes
  }

  async #syncWritten(): Promise<void> {
    while (this.#written.length > 0) {
      const group = this.#written.splice(0)
      const error = await this.#sync(group)
      this.#settle(group, error)
    }
    this.#syncing = undefined
  }

  #settle(group: readonly PendingAppend[], error: Error | undefined): void {
    const { name, durableEnd } = this.#partition
    const byteCount = bytesOf(group)
    this.#host.settled(byteCount)
    if (error === undefined) this.#host.durable(name)
    let offset = durableEnd - byteCount
    for (const { byteLength, resolve, reject } of group) {
      if (error !== undefined) reject(error)
      else resolve({ offset, nextOffset: offset + byteLength })
      offset += byteLength
    }
  }

  /** Writes a group behind all that was written; returns why it could not. */
  async #write(group: readonly PendingAppend[]): Promise<Error | undefined> {
    const failure = this.#host.failure()
    if (failure !== undefined) return failure
    try {
      const file = await this.#fileFor(group)
      if (file instanceof Error) return file
      return await this.#append(file, group)
    } catch (error) {
      return this.#fail(error)
    }
  }

  /** Makes durable what was written until now, of which `group` is the end; returns why it could not. */
  async #sync(group: readonly PendingAppend[]): Promise<Error | undefined> {
    const failure = this.#host.failure()
    if (failure !== undefined) return failure
    try {
      await this.#file?.sync()
      const byteCount = bytesOf(group)
      this.#unsyncedBytes -= byteCount
      this.#partition.extend(byteCount, group.at(-1)?.sourcePosition)
      return undefined
    } catch (error) {
      return this.#fail(error)
    }
  }

  #fail(error: unknown): Error {
    const failed = diskFailed(this.#partition.folder, 'write to', error)
    this.#host.fail(failed)
    return failed
  }

  async #append(file: DiskFile, group: readonly PendingAppend[]): Promise<Error | undefined> {
    const { current, durableEnd } = this.#partition
    if (current === undefined) throw new Error('a group is written to a segment')
    const offset = durableEnd + this.#unsyncedBytes
    try {
      await writeAll(
        file,
        this.#encoder.encode(group, current.salt, { offset, durableEnd }),
        current.positionOf(offset),
      )
      this.#unsyncedBytes += bytesOf(group)
      return undefined
    } catch (error) {
      if (!isNoSpace(error)) throw error
      await this.#syncing
      const failure = this.#host.failure()
      if (failure !== undefined) return failure
      await file.truncate(current.positionOf(offset))
      await file.sync()
      this.#host.full()
      return diskFull(this.#partition.folder, error)
    }
  }

  /** The file to append to: that of the current segment, or of a new one. */
  async #fileFor(group: readonly PendingAppend[]): Promise<DiskFile | Error> {
    const arrivalMs = group[0]?.meta.arrivalMs ?? 0
    const { current } = this.#partition
    if (current === undefined || this.#isDone(current, arrivalMs)) {
      await this.#syncing
      return this.#host.failure() ?? this.#begin(arrivalMs)
    }
    this.#file ??= this.#host.disk.open(current.path, 'write')
    return this.#file
  }

  #isDone(current: { readonly byteLength: number; readonly firstArrivalMs: number }, arrivalMs: number): boolean {
    const byteLength = current.byteLength + this.#unsyncedBytes
    if (byteLength === 0) return false
    const { segmentBytes, segmentAgeMs } = this.#host
    return byteLength >= segmentBytes || arrivalMs - current.firstArrivalMs >= segmentAgeMs
  }

  async #begin(arrivalMs: number): Promise<DiskFile | Error> {
    const { disk, salt } = this.#host
    const partition = this.#partition
    try {
      await partition.makeFolder(disk)
      const header = {
        partition: partition.name,
        startOffset: partition.durableEnd,
        firstArrivalMs: arrivalMs,
        salt: salt(),
      }
      const { segment, file } = await createSegment(disk, partition.folder, header)
      this.close()
      this.#file = file
      partition.segments.push(segment)
      return file
    } catch (error) {
      if (!isNoSpace(error)) throw error
      this.#host.full()
      return diskFull(partition.folder, error)
    }
  }
}

function bytesOf(group: readonly PendingAppend[]): number {
  let bytes = 0
  for (const { byteLength } of group) bytes += byteLength
  return bytes
}
