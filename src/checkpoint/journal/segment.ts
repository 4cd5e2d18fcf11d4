/**
 * Segment files of a partition: how they are named, begun and found in a file.
 */
import { basename, dirname, join } from 'node:path'
import type { Disk, DiskFile } from '../disk/disk.ts'
import { writeWhole } from '../disk/write-whole.ts'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  JOURNAL_VERSION,
  MAX_SEGMENT_HEADER_BYTES,
  segmentFileName,
  type SegmentHeader,
} from '../format/journal-segment.ts'
import { nameOfFolder } from '../format/partition-folder.ts'
import { corrupt, newer, restoreFix } from './journal-errors.ts'

/** One file of a partition. Logical offsets count bytes of blocks only. */
export class Segment {
  readonly path: string
  readonly startOffset: number
  readonly firstArrivalMs: number
  readonly salt: number
  readonly headerBytes: number
  /** Logical offset up to which its blocks are durable. */
  endOffset: number

  constructor(path: string, header: SegmentHeader, headerBytes: number, endOffset: number) {
    this.path = path
    this.startOffset = header.startOffset
    this.firstArrivalMs = header.firstArrivalMs
    this.salt = header.salt
    this.headerBytes = headerBytes
    this.endOffset = endOffset
  }

  /** Bytes of its blocks. */
  get byteLength(): number {
    return this.endOffset - this.startOffset
  }

  /** The byte of the file at which a logical offset lies. */
  positionOf(offset: number): number {
    return offset - this.startOffset + this.headerBytes
  }

  /** The logical offset of a byte of the file. */
  offsetAt(position: number): number {
    return position - this.headerBytes + this.startOffset
  }
}

/**
 * Begins a segment: its name is durable before anything is written to it.
 *
 * @returns the segment and its file, open for writing
 */
export async function createSegment(
  disk: Disk,
  folder: string,
  header: SegmentHeader,
): Promise<{ readonly segment: Segment; readonly file: DiskFile }> {
  const path = join(folder, segmentFileName(header.startOffset))
  const bytes = encodeSegmentHeader(header)
  await writeWhole(disk, path, [bytes])
  return { segment: new Segment(path, header, bytes.length, header.startOffset), file: disk.open(path, 'write') }
}

/**
 * Reads the header of a segment file. Its end is taken from the file's length.
 *
 * @throws TidemarkError JOURNAL_CORRUPT, FORMAT_NEWER
 */
export function openSegment(
  path: string,
  file: DiskFile,
  expected: { partition?: string; startOffset: number },
): Found {
  const bytes = new Uint8Array(Math.min(MAX_SEGMENT_HEADER_BYTES, file.size()))
  const reading = decodeSegmentHeader(bytes.subarray(0, file.read(bytes, 0)))
  const place = {
    partition: expected.partition ?? nameOfFolder(basename(dirname(path))),
    path,
    at: 0,
    offset: expected.startOffset,
  }
  if ('problem' in reading) {
    if (reading.problem === 'newer') throw newer(path, reading.version, JOURNAL_VERSION)
    throw corrupt(place, 'its header does not match its checksum', restoreFix(path))
  }
  const { header, byteLength } = reading
  const isExpected =
    header.startOffset === expected.startOffset && (expected.partition ?? header.partition) === header.partition
  if (!isExpected) {
    const is = `it holds "${header.partition}" from ${header.startOffset}`
    throw corrupt(place, `${is}, not "${place.partition}" from ${expected.startOffset}`, restoreFix(path))
  }
  const endOffset = header.startOffset + file.size() - byteLength
  return { partition: header.partition, segment: new Segment(path, header, byteLength, endOffset) }
}

/** A segment and the partition it says it belongs to. */
export interface Found {
  readonly partition: string
  readonly segment: Segment
}
