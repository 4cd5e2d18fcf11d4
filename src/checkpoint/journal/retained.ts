/**
 * The journal as another process sees it, to read only: while its owner writes, or after it ended.
 *
 * N1  Nothing is changed, and nothing is read beyond the position that the reader was given.
 */
import { join } from 'node:path'
import type { Disk } from '../disk/disk.ts'
import { missing } from './journal-errors.ts'
import { JournalReader } from './journal-reader.ts'
import { findSegments } from './open-partition.ts'
import type { Segment } from './segment.ts'

/** A partition as it was found. */
export interface RetainedPartition {
  readonly name: string
  readonly folder: string
  readonly segments: readonly Segment[]
  /** Logical offset of the first block that is there. */
  readonly earliest: number
}

/**
 * The partitions in a journal's folder.
 *
 * @throws TidemarkError JOURNAL_CORRUPT, FORMAT_NEWER
 */
export function findRetained(disk: Disk, dir: string): readonly RetainedPartition[] {
  return disk.list(dir).flatMap((entry) => {
    const folder = join(dir, entry.name)
    const { name, segments } = findSegments(disk, folder)
    const [first] = segments
    return first === undefined ? [] : [{ name, folder, segments, earliest: first.startOffset }]
  })
}

/**
 * Reads a partition from the offset of one block to that of another, which is known to be durable: a committed position.
 *
 * @throws TidemarkError JOURNAL_MISSING where the partition does not reach so far; later what {@link JournalReader.next}
 *   throws
 */
export function readRetained(disk: Disk, partition: RetainedPartition, from: number, to: number): JournalReader {
  const { name, folder, segments, earliest } = partition
  const end = segments.at(-1)?.endOffset ?? 0
  if (from < earliest || to > end) throw missing(name, folder, from < earliest ? from : to, earliest, end)
  return new JournalReader(disk, { name, folder, segments, earliest, durableEnd: to }, from)
}
