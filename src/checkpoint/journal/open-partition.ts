/**
 * Opens a partition of the journal: finds its segments, checks them, and cuts what a crash left torn.
 *
 * O1  Nothing acknowledged is cut: see `src/checkpoint/journal/torn-tail.ts`.
 * O2  What is left is durable before anyone reads it, although a crash may have come between its write and its sync.
 * O3  Segments follow each other without a gap.
 * O4  A journal that ends before a position that was committed is refused.
 */
import { join } from 'node:path'
import { isNoFile } from '../disk/disk-errors.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { removeUnfinished } from '../disk/write-whole.ts'
import { offsetOfSegmentFile } from '../format/journal-segment.ts'
import { BlockWindow, type BlockProblem } from './block-window.ts'
import { corrupt, restoreFix, type Place } from './journal-errors.ts'
import { openSegment, type Found, type Segment } from './segment.ts'
import { judgeTail } from './torn-tail.ts'

/** What was cut from the end of a partition: never acknowledged, left by a crash. */
export interface TailCut extends Place {
  readonly byteLength: number
}

/** A partition as it lies on disk. */
export interface FoundPartition {
  readonly name: string
  /** In order, without a gap; never empty. */
  readonly segments: Segment[]
  /** The last block's source position. */
  readonly lastSourcePosition: Uint8Array | undefined
  readonly cut: TailCut | undefined
}

/**
 * The segments in a folder, in order, checked for gaps; none where the partition was never written to.
 *
 * @throws TidemarkError JOURNAL_CORRUPT, FORMAT_NEWER
 */
export function findSegments(disk: Disk, folder: string): { readonly name: string; readonly segments: Segment[] } {
  const segments: Segment[] = []
  let name: string | undefined
  for (const entry of disk.list(folder)) {
    const startOffset = offsetOfSegmentFile(entry.name)
    if (startOffset === undefined) continue
    const path = join(folder, entry.name)
    const found = readSegment(disk, path, name === undefined ? { startOffset } : { partition: name, startOffset })
    if (found === undefined) continue
    name = found.partition
    refuseGap(name, segments.at(-1), found.segment)
    segments.push(found.segment)
  }
  return { name: name ?? '', segments }
}

/** The segment in a file; undefined where retention has removed it since the folder was listed. */
function readSegment(disk: Disk, path: string, expected: Parameters<typeof openSegment>[2]): Found | undefined {
  try {
    return withFile(disk, path, (file) => openSegment(path, file, expected))
  } catch (error) {
    if (isNoFile(error)) return undefined
    throw error
  }
}

function refuseGap(partition: string, before: Segment | undefined, segment: Segment): void {
  if (before === undefined || before.endOffset === segment.startOffset) return
  const place = { partition, path: before.path, at: before.positionOf(before.endOffset), offset: before.startOffset }
  const what = `it ends at logical offset ${before.endOffset}, and the next segment begins at ${segment.startOffset}`
  throw corrupt(place, what, restoreFix(before.path))
}

function withFile<T>(disk: Disk, path: string, work: (file: DiskFile) => T): T {
  const file = disk.open(path, 'read')
  try {
    return work(file)
  } finally {
    file.close()
  }
}

/**
 * Opens the partition in a folder; undefined where it holds no segment.
 *
 * @param committedOf for a partition's name, the position up to which a checkpoint says it was read; 0 without
 * @throws TidemarkError JOURNAL_CORRUPT, FORMAT_NEWER; what the disk says where it fails
 */
export async function openPartition(
  disk: Disk,
  folder: string,
  committedOf: (name: string) => number,
): Promise<FoundPartition | undefined> {
  await removeUnfinished(disk, folder)
  const { name, segments } = findSegments(disk, folder)
  const last = segments.at(-1)
  if (last === undefined) return undefined
  const file = disk.open(last.path, 'write')
  try {
    const committed = committedOf(name)
    const scan = scanLast(file, last, committed)
    refuseShort(name, last, scan.end, committed)
    const cut = scan.problem === undefined ? undefined : await cutTail(file, last, name, scan)
    await file.sync()
    await disk.syncFolder(folder)
    const lastSourcePosition = last.byteLength > 0 ? scan.sourcePosition : positionBefore(disk, name, segments)
    return { name, segments, lastSourcePosition, cut }
  } finally {
    file.close()
  }
}

interface Scan {
  /** Logical offset after the last block that can be read. */
  readonly end: number
  readonly problem: BlockProblem | undefined
  readonly sourcePosition: Uint8Array | undefined
}

/** What a checkpoint knows to be there is checked when it is read; a scan from there on finds the end sooner. */
function scanLast(file: DiskFile, last: Segment, committed: number): Scan {
  if (committed <= last.startOffset || committed >= last.endOffset) return scanFrom(file, last, last.startOffset)
  const scan = scanFrom(file, last, committed)
  return scan.end > committed ? scan : scanFrom(file, last, last.startOffset)
}

function scanFrom(file: DiskFile, segment: Segment, offset: number): Scan {
  const window = new BlockWindow()
  const limit = file.size()
  let sourcePosition: Uint8Array | undefined
  let end = offset
  while (end < segment.endOffset) {
    const block = window.read(file, segment, end, limit)
    if (typeof block === 'string') return { end, problem: block, sourcePosition }
    sourcePosition = block.sourcePosition?.slice()
    end = block.nextOffset
  }
  return { end, problem: undefined, sourcePosition }
}

async function cutTail(file: DiskFile, last: Segment, partition: string, scan: Scan): Promise<TailCut> {
  const at = last.positionOf(scan.end)
  const place = { partition, path: last.path, at, offset: scan.end }
  if (judgeTail(file, last, scan.end) === 'damaged') {
    const what = scan.problem === 'body' ? 'a block does not match its checksum' : 'what stands there is no block'
    throw corrupt(place, what, `restore ${last.path} from a copy, or give up all from there on: ${cutCommand(place)}`)
  }
  const byteLength = last.endOffset - scan.end
  await file.truncate(at)
  last.endOffset = scan.end
  return { ...place, byteLength }
}

function cutCommand({ path, at }: Place): string {
  return `truncate -s ${at} '${path}'`
}

function refuseShort(partition: string, last: Segment, end: number, committed: number): void {
  if (end >= committed) return
  const place = { partition, path: last.path, at: last.positionOf(end), offset: end }
  throw corrupt(place, `no block after this can be read, although ${committed} was committed`, restoreFix(last.path))
}

/** The source position of the last block, where the newest segment has none yet. */
function positionBefore(disk: Disk, partition: string, segments: readonly Segment[]): Uint8Array | undefined {
  const before = segments.at(-2)
  if (before === undefined) return undefined
  const { end, problem, sourcePosition } = withFile(disk, before.path, (file) =>
    scanFrom(file, before, before.startOffset),
  )
  if (problem === undefined) return sourcePosition
  const place = { partition, path: before.path, at: before.positionOf(end), offset: end }
  throw corrupt(place, 'a block does not match its checksum', restoreFix(before.path))
}
