/**
 * Saves what can be read of a damaged journal into a new one, and says what cannot.
 *
 * V1  Every block that is whole goes over with all that it says, in order; nothing else does.
 * V2  What is lost is named: partition, file, from which byte to which.
 * V3  The damaged journal stays, under another name; until the new one is durable it keeps its own.
 */
import { dirname, join } from 'node:path'
import { TidemarkError } from '../../errors.ts'
import { synced } from '../disk/disk-errors.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { offsetOfSegmentFile } from '../format/journal-segment.ts'
import { nameOfFolder } from '../format/partition-folder.ts'
import { BlockWindow, type JournalBlock } from './block-window.ts'
import { Journal, type JournalOptions } from './journal.ts'
import { openSegment, type Segment } from './segment.ts'

/** Bytes that cannot be read any more. */
export interface LostBytes {
  readonly partition: string
  readonly path: string
  /** First byte of the file that is lost, and the one after the last. */
  readonly from: number
  readonly to: number
}

export interface Salvaged {
  readonly lost: readonly LostBytes[]
  /** Where the damaged journal is now. */
  readonly damagedDir: string
}

const FLUSH_BYTES = 1 << 24

/**
 * Puts a new journal in place of a damaged one, which nobody has open.
 *
 * @throws TidemarkError DISK_FULL, DISK_FAILED; FORMAT_NEWER
 */
export async function salvageJournal(
  options: Pick<JournalOptions, 'dir' | 'disk' | 'nowMs' | 'retention'>,
): Promise<Salvaged> {
  const { dir, disk, nowMs } = options
  const stamp = new Date(nowMs()).toISOString().replaceAll(/[:.]/g, '-')
  const newDir = `${dir}.salvaged-${stamp}`
  const damagedDir = `${dir}.damaged-${stamp}`
  const journal = await Journal.open({ ...options, dir: newDir })
  const lost: LostBytes[] = []
  try {
    for (const { name, isFolder } of disk.list(dir))
      if (isFolder) await savePartition(disk, join(dir, name), journal, lost)
  } finally {
    await journal.close()
  }
  await disk.rename(dir, damagedDir)
  await disk.rename(newDir, dir)
  await synced(disk.syncFolder(dirname(dir)))
  return { lost, damagedDir }
}

async function savePartition(disk: Disk, folder: string, journal: Journal, lost: LostBytes[]): Promise<void> {
  const partition = nameOfFolder(folder.slice(dirname(folder).length + 1))
  let waiting: Promise<unknown>[] = []
  let waitingBytes = 0
  for (const { name } of disk.list(folder)) {
    const startOffset = offsetOfSegmentFile(name)
    if (startOffset === undefined) continue
    const path = join(folder, name)
    const file = disk.open(path, 'read')
    try {
      for (const part of partsOf(path, file, startOffset)) {
        if ('from' in part) lost.push({ partition, path, ...part })
        else {
          waiting.push(journal.append(part.partition, part.block.lines.slice(), metaOf(part.block)))
          waitingBytes += part.block.lines.length
        }
        if (waitingBytes < FLUSH_BYTES) continue
        await Promise.all(waiting)
        waiting = []
        waitingBytes = 0
      }
    } finally {
      file.close()
    }
  }
  await Promise.all(waiting)
}

function metaOf({ recordCount, arrivalMs, floorMs, sourcePosition }: JournalBlock): Parameters<Journal['append']>[2] {
  const meta = { recordCount, arrivalMs, floorMs }
  return sourcePosition === undefined ? meta : { ...meta, sourcePosition: sourcePosition.slice() }
}

type Part =
  { readonly partition: string; readonly block: JournalBlock } | { readonly from: number; readonly to: number }

/** The blocks of a file, and between them what is lost. */
function* partsOf(path: string, file: DiskFile, startOffset: number): Generator<Part> {
  const found = headOf(path, file, startOffset)
  if (found === undefined) {
    yield { from: 0, to: file.size() }
    return
  }
  const { partition, segment } = found
  const window = new BlockWindow()
  const limit = file.size()
  for (let offset = segment.startOffset; offset < segment.endOffset;) {
    const block = window.read(file, segment, offset, limit)
    if (typeof block !== 'string') {
      yield { partition, block }
      offset = block.nextOffset
      continue
    }
    const next = nextBlock(window, file, segment, offset + 1, limit)
    yield { from: segment.positionOf(offset), to: segment.positionOf(next) }
    offset = next
  }
}

function headOf(path: string, file: DiskFile, startOffset: number): ReturnType<typeof openSegment> | undefined {
  try {
    return openSegment(path, file, { startOffset })
  } catch (error) {
    // Without its head nothing in a file can be told from what else may stand there.
    if (error instanceof TidemarkError && error.code === 'JOURNAL_CORRUPT') return undefined
    throw error
  }
}

/** The offset of the next whole block, or the end of the file. */
function nextBlock(window: BlockWindow, file: DiskFile, segment: Segment, from: number, limit: number): number {
  for (let offset = from; offset < segment.endOffset; offset++)
    if (typeof window.read(file, segment, offset, limit) !== 'string') return offset
  return segment.endOffset
}
