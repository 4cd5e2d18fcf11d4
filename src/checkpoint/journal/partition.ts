/**
 * A partition of the journal in memory: its segments and how far it is durable.
 */
import { dirname } from 'node:path'
import { synced } from '../disk/disk-errors.ts'
import type { Disk } from '../disk/disk.ts'
import type { Segment } from './segment.ts'

/** What readers and the writer of a partition share. */
export class JournalPartition {
  readonly name: string
  readonly folder: string
  /** In order, without a gap; empty before the first append. */
  readonly segments: Segment[]
  /** The last block's source position; undefined where there is none. */
  lastSourcePosition: Uint8Array | undefined
  #hasFolder: boolean

  constructor(name: string, folder: string, segments: Segment[] = [], lastSourcePosition?: Uint8Array) {
    this.name = name
    this.folder = folder
    this.segments = segments
    this.lastSourcePosition = lastSourcePosition
    this.#hasFolder = segments.length > 0
  }

  /** The segment that grows. */
  get current(): Segment | undefined {
    return this.segments.at(-1)
  }

  /** Logical offset of the first block that is still there. */
  get earliest(): number {
    return this.segments[0]?.startOffset ?? 0
  }

  /** Logical offset up to which everything is durable. */
  get durableEnd(): number {
    return this.current?.endOffset ?? 0
  }

  /** Counts bytes that became durable at the end. */
  extend(byteCount: number, sourcePosition: Uint8Array | undefined): void {
    if (this.current !== undefined) this.current.endOffset += byteCount
    // The source may write the next one to the same bytes.
    this.lastSourcePosition =
      sourcePosition === undefined || sourcePosition.length === 0 ? undefined : sourcePosition.slice()
  }

  /** Makes the folder, once, with a durable name. */
  async makeFolder(disk: Disk): Promise<void> {
    if (this.#hasFolder) return
    disk.makeFolder(this.folder)
    await synced(disk.syncFolder(dirname(this.folder)))
    this.#hasFolder = true
  }
}
