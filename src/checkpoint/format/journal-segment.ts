/**
 * What a segment file of the journal begins with, and what it is called. All numbers are little-endian.
 *
 * ```
 *  0  8 bytes  "tidejrnl"
 *  8  u16      format version
 * 10  u16      length of the name
 * 12  u32      salt: mixed into the checksum of each block's header
 * 16  f64      logical offset of the first block
 * 24  f64      arrival of the first block, ms since the epoch
 * 32           name of the partition, URI-encoded ASCII
 *     u32      CRC-32C of all of this
 * ```
 *
 * F1  A header that was changed in any bit is refused.
 * F2  A newer version is told apart from damage, as far as its first ten bytes allow.
 */
import { crc32c } from './crc32c.ts'
import { asciiOfName } from './partition-folder.ts'

/** The version of segments and blocks written here; older ones are read, newer ones refused. */
export const JOURNAL_VERSION = 1

const MAGIC = [0x74, 0x69, 0x64, 0x65, 0x6a, 0x72, 0x6e, 0x6c] as const
const FIXED_BYTES = 32
const CRC_BYTES = 4
const OFFSET_DIGITS = 16

/** Long enough for the header of any segment. */
export const MAX_SEGMENT_HEADER_BYTES: number = FIXED_BYTES + 0xffff + CRC_BYTES

export interface SegmentHeader {
  readonly partition: string
  /** Logical offset of the first block. */
  readonly startOffset: number
  /** When the first block arrived, ms since the epoch. */
  readonly firstArrivalMs: number
  /** Unsigned 32-bit chance, so that no line can be made to look like a block. */
  readonly salt: number
}

/** A header and how long it is, or why there is none. */
export type SegmentHeaderReading =
  | { readonly header: SegmentHeader; readonly byteLength: number }
  | { readonly problem: 'damaged' }
  | { readonly problem: 'newer'; readonly version: number }

/** The name of the segment file that begins at a logical offset; names sort as offsets do. */
export function segmentFileName(startOffset: number): string {
  return `${String(startOffset).padStart(OFFSET_DIGITS, '0')}.journal`
}

/** The logical offset in the name of a segment file; undefined for other files. */
export function offsetOfSegmentFile(fileName: string): number | undefined {
  const match = /^(\d{16})\.journal$/.exec(fileName)
  return match === null ? undefined : Number(match[1])
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const name = asciiOfName(header.partition)
  if (name.length > 0xffff) throw new RangeError('name of a partition over 65,535 characters')
  const bytes = new Uint8Array(FIXED_BYTES + name.length + CRC_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint16(8, JOURNAL_VERSION, true)
  view.setUint16(10, name.length, true)
  view.setUint32(12, header.salt, true)
  view.setFloat64(16, header.startOffset, true)
  view.setFloat64(24, header.firstArrivalMs, true)
  for (let i = 0; i < name.length; i++) bytes[FIXED_BYTES + i] = name.charCodeAt(i)
  const crcAt = FIXED_BYTES + name.length
  view.setUint32(crcAt, crc32c(bytes, 0, crcAt), true)
  return bytes
}

/** Reads the header at the beginning of `bytes`. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeaderReading {
  if (bytes.length < FIXED_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) return { problem: 'damaged' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = view.getUint16(8, true)
  if (version > JOURNAL_VERSION) return { problem: 'newer', version }
  const crcAt = FIXED_BYTES + view.getUint16(10, true)
  const isWhole = crcAt + CRC_BYTES <= bytes.length && view.getUint32(crcAt, true) === crc32c(bytes, 0, crcAt)
  if (!isWhole || version === 0) return { problem: 'damaged' }
  const header: SegmentHeader = {
    partition: decodeURIComponent(String.fromCharCode(...bytes.subarray(FIXED_BYTES, crcAt))),
    startOffset: view.getFloat64(16, true),
    firstArrivalMs: view.getFloat64(24, true),
    salt: view.getUint32(12, true),
  }
  return { header, byteLength: crcAt + CRC_BYTES }
}
