/**
 * A block of the journal: whole NDJSON lines behind a header that holds all that depended on the clock, so that reading it
 * again is a function of the file alone. All numbers are little-endian.
 *
 * ```
 *  0  u32  "tjb" and the format version
 *  4  u32  length of the lines
 *  8  u32  length of the source position
 * 12  u32  records
 * 16  f64  arrival, ms since the epoch
 * 24  f64  floor of lateness, ms since the epoch; −Infinity where there is none
 * 32  f64  logical offset up to which all was durable when this block was written
 * 40  u32  CRC-32C of source position and lines
 * 44  u32  CRC-32C of the 44 bytes before, seeded by the segment's salt and the block's own offset
 * 48       source position, lines
 * ```
 *
 * B1  A block that was changed in any bit, moved to another offset or copied from another segment is not taken for one.
 * B2  What lines hold cannot pass for a block: who sends them does not know the salt.
 * B3  The header is checked by itself, so that a length is trusted before what it measures has been read.
 */
import { crc32c } from './crc32c.ts'
import { JOURNAL_VERSION } from './journal-segment.ts'

/** Length of a block's header. */
export const BLOCK_HEADER_BYTES = 48
/** A block is held in memory whole; lines and source position together are at most so long. */
export const MAX_BLOCK_BODY_BYTES: number = 1 << 26

const MAGIC = 0x626a74
const CRC_AT = 44

/** What an append says about its lines. */
export interface BlockMeta {
  readonly recordCount: number
  /** Wall clock at the append, ms since the epoch. */
  readonly arrivalMs: number
  /** The pipeline's watermark at the append, ms since the epoch; −Infinity where there is none. */
  readonly floorMs: number
}

/** What stands in front of a block. */
export interface BlockHeader extends BlockMeta {
  readonly linesBytes: number
  readonly sourcePositionBytes: number
  /** Logical offset up to which all was durable when the block was written. */
  readonly durableEnd: number
  readonly bodyCrc: number
}

const seedBytes = new Uint8Array(8)
const seedView = new DataView(seedBytes.buffer)

function seedOf(salt: number, offset: number): number {
  seedView.setFloat64(0, offset, true)
  return crc32c(seedBytes, 0, 8, salt)
}

/** Length of a whole block. */
export function blockBytes(header: Pick<BlockHeader, 'linesBytes' | 'sourcePositionBytes'>): number {
  return BLOCK_HEADER_BYTES + header.sourcePositionBytes + header.linesBytes
}

/** Writes the header of the block at logical `offset` to `bytes` from `at` on. */
export function encodeBlockHeader(
  header: BlockHeader,
  salt: number,
  offset: number,
  bytes: Uint8Array,
  at: number = 0,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_HEADER_BYTES)
  view.setUint32(0, MAGIC | (JOURNAL_VERSION << 24), true)
  view.setUint32(4, header.linesBytes, true)
  view.setUint32(8, header.sourcePositionBytes, true)
  view.setUint32(12, header.recordCount, true)
  view.setFloat64(16, header.arrivalMs, true)
  view.setFloat64(24, header.floorMs, true)
  view.setFloat64(32, header.durableEnd, true)
  view.setUint32(40, header.bodyCrc, true)
  view.setUint32(CRC_AT, crc32c(bytes, at, at + CRC_AT, seedOf(salt, offset)), true)
}

/** The header of the block at logical `offset`, read from `bytes` at `at`; undefined where none stands whole. */
export function decodeBlockHeader(
  bytes: Uint8Array,
  at: number,
  salt: number,
  offset: number,
): BlockHeader | undefined {
  if (at + BLOCK_HEADER_BYTES > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, BLOCK_HEADER_BYTES)
  if (view.getUint32(0, true) !== (MAGIC | (JOURNAL_VERSION << 24))) return undefined
  if (view.getUint32(CRC_AT, true) !== crc32c(bytes, at, at + CRC_AT, seedOf(salt, offset))) return undefined
  return {
    linesBytes: view.getUint32(4, true),
    sourcePositionBytes: view.getUint32(8, true),
    recordCount: view.getUint32(12, true),
    arrivalMs: view.getFloat64(16, true),
    floorMs: view.getFloat64(24, true),
    durableEnd: view.getFloat64(32, true),
    bodyCrc: view.getUint32(40, true),
  }
}
