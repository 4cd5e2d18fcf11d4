/**
 * Tells a torn tail from damage: what a crash left of writes that were never acknowledged is cut, and what was
 * acknowledged and cannot be read is refused.
 *
 * Blocks are written together, and while those before them are synced; each says what was durable by then. A crash may leave
 * any part of what was not: the file ends early, or sectors that never reached the disk read as zeros. So the first block that
 * cannot be read is
 *
 * T1  damaged, if a later block says that it was durable when that one was written;
 * T2  else torn, if the file ends before it does, or a sector of it is all zeros;
 * T3  else damaged: its bytes are there, and they are not the ones that were written.
 *
 * T4  What lines hold changes none of this: a header counts only with the checksum that its segment's salt gives.
 */
import type { DiskFile } from '../disk/disk.ts'
import { BLOCK_HEADER_BYTES, blockBytes, decodeBlockHeader } from '../format/journal-block.ts'
import type { Segment } from './segment.ts'

/** The smallest unit that a disk writes whole. */
const SECTOR_BYTES = 512
/** First byte of a block's header. */
const MAGIC_BYTE = 0x74

/** Judges the bytes from logical `offset` on, where no block can be read. */
export function judgeTail(file: DiskFile, segment: Segment, offset: number): 'torn' | 'damaged' {
  const position = segment.positionOf(offset)
  const tail = readFrom(file, position)
  if (hasLaterGroup(tail, segment, offset)) return 'damaged'
  const header = decodeBlockHeader(tail, 0, segment.salt, offset)
  const needed = header === undefined ? BLOCK_HEADER_BYTES : blockBytes(header)
  if (tail.length < needed) return 'torn'
  const extent = header === undefined ? tail : tail.subarray(0, needed)
  return hasZeroSector(extent, position) ? 'torn' : 'damaged'
}

function readFrom(file: DiskFile, position: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, file.size() - position))
  let length = 0
  while (length < bytes.length) {
    const count = file.read(bytes.subarray(length), position + length)
    if (count === 0) break
    length += count
  }
  return bytes.subarray(0, length)
}

function hasLaterGroup(tail: Uint8Array, segment: Segment, offset: number): boolean {
  for (let at = tail.indexOf(MAGIC_BYTE, 1); at !== -1; at = tail.indexOf(MAGIC_BYTE, at + 1)) {
    const header = decodeBlockHeader(tail, at, segment.salt, offset + at)
    if (header !== undefined && header.durableEnd > offset) return true
  }
  return false
}

/** Whether what lies in one sector of the file is all zeros; `position` is where in the file the bytes begin. */
function hasZeroSector(bytes: Uint8Array, position: number): boolean {
  for (let start = 0; start < bytes.length;) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((position + start) % SECTOR_BYTES))
    if (bytes.subarray(start, end).every((byte) => byte === 0)) return true
    start = end
  }
  return false
}
