/**
 * Reads a partition of the journal block by block, from any block's offset on, while it grows.
 *
 * R1  Nothing is read that is not durable.
 * R2  A block is handed out whole, verified and in order, or an error says why not.
 */
import { TidemarkError } from '../../errors.ts'
import { diskFailed, isNoFile } from '../disk/disk-errors.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { BlockWindow, type JournalBlock } from './block-window.ts'
import { corrupt, missing, restoreFix } from './journal-errors.ts'
import type { Segment } from './segment.ts'

/** What is there to be read; grows and, at its beginning, shrinks. */
export interface ReadablePartition {
  readonly name: string
  readonly folder: string
  readonly segments: readonly Segment[]
  /** Logical offset of the first block that is still there. */
  readonly earliest: number
  readonly durableEnd: number
}

/** A place in a partition. */
export class JournalReader {
  readonly #disk: Disk
  readonly #partition: ReadablePartition
  readonly #window = new BlockWindow()
  #position: number
  #segment: Segment | undefined
  #file: DiskFile | undefined

  /** @param fromOffset the offset of a block, or where the next one will be */
  constructor(disk: Disk, partition: ReadablePartition, fromOffset: number) {
    this.#disk = disk
    this.#partition = partition
    this.#position = fromOffset
  }

  /** Logical offset of the next block. */
  get position(): number {
    return this.#position
  }

  /** Bytes that are durable and were not read. */
  get lagBytes(): number {
    return Math.max(0, this.#partition.durableEnd - this.#position)
  }

  /**
   * The next block, or undefined while there is none. Its bytes are good until the next call.
   *
   * @throws TidemarkError JOURNAL_CORRUPT; JOURNAL_MISSING where retention has removed it; DISK_FAILED
   */
  next(): JournalBlock | undefined {
    if (this.#position >= this.#partition.durableEnd) return undefined
    try {
      const { segment, file } = this.#at(this.#position)
      const limit = segment.positionOf(Math.min(segment.endOffset, this.#partition.durableEnd))
      const block = this.#window.read(file, segment, this.#position, limit)
      if (typeof block === 'string') throw this.#corrupt(segment)
      this.#position = block.nextOffset
      return block
    } catch (error) {
      if (error instanceof TidemarkError) throw error
      throw diskFailed(this.#partition.folder, 'read', error)
    }
  }

  /** Closes the file; reading may go on. */
  close(): void {
    this.#file?.close()
    this.#file = undefined
    this.#segment = undefined
    this.#window.reset()
  }

  #at(offset: number): { readonly segment: Segment; readonly file: DiskFile } {
    if (this.#segment !== undefined && this.#file !== undefined && offset < this.#segment.endOffset)
      return { segment: this.#segment, file: this.#file }
    this.close()
    const { segments } = this.#partition
    const segment = segments.findLast(({ startOffset }) => startOffset <= offset)
    if (segment === undefined) throw this.#missing()
    const file = this.#open(segment)
    this.#segment = segment
    this.#file = file
    return { segment, file }
  }

  #open(segment: Segment): DiskFile {
    try {
      return this.#disk.open(segment.path, 'read')
    } catch (error) {
      throw isNoFile(error) ? this.#missing() : error
    }
  }

  #missing(): TidemarkError {
    const { name, folder, earliest, durableEnd } = this.#partition
    return missing(name, folder, this.#position, earliest, durableEnd)
  }

  #corrupt(segment: Segment): TidemarkError {
    const { name } = this.#partition
    const at = segment.positionOf(this.#position)
    const place = { partition: name, path: segment.path, at, offset: this.#position }
    return corrupt(place, 'what stands there does not match its checksums', restoreFix(segment.path))
  }
}
