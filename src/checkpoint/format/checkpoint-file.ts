/**
 * The head of a checkpoint file; its sections follow, one after the other, to the end of the file. All numbers are
 * little-endian.
 *
 * ```
 *  0  8 bytes  "tidechkp"
 *  8  u16      format version
 * 10  u16      0
 * 12  u32      length of the head
 * 16  f64      epoch
 * 24  f64      epoch of the file before it; −1 where there is none
 * 32  f64      the oldest epoch whose file is still needed to restore this one
 * 40  u32      length of the manifest
 * 44  u32      number of sections
 * 48           for each section: u32 type, u32 CRC-32C, f64 length
 *              manifest: JSON in ASCII
 *     u32      CRC-32C of all of this
 * ```
 *
 * H1  Equal checkpoints have equal bytes.
 * H2  A file that was changed in any bit, or has another length, is told apart; so is a newer version.
 */
import { crc32c } from './crc32c.ts'

/** The version written here; older ones are read, newer ones refused. */
export const CHECKPOINT_VERSION = 1
/** Long enough to learn the length of a head. */
export const CHECKPOINT_FIXED_BYTES = 48
const SECTION_BYTES = 16
const CRC_BYTES = 4
const MAGIC = [0x74, 0x69, 0x64, 0x65, 0x63, 0x68, 0x6b, 0x70] as const

/** What a checkpoint says of itself. */
export interface CheckpointHead {
  readonly epoch: number
  /** Epoch of the file that this one goes on from; undefined for one that stands alone. */
  readonly previousEpoch: number | undefined
  /** The oldest epoch whose file is still needed to restore this one; its own for one that stands alone. */
  readonly neededFrom: number
  /** Position of each partition: the logical offset of the next block to read. */
  readonly positions: Readonly<Record<string, number>>
  /** Whatever else is small: plain JSON, which has no infinite numbers. */
  readonly details: unknown
}

/** One part of the state, opaque here. */
export interface CheckpointSection {
  /** Unsigned 32-bit number that says what it is. */
  readonly type: number
  readonly bytes: Uint8Array
}

/** Where in the file a section lies. */
export interface SectionPlace {
  readonly type: number
  readonly crc: number
  readonly start: number
  readonly byteLength: number
}

/** A head and where its sections lie, or why it cannot be read. */
export type CheckpointHeadReading =
  | { readonly head: CheckpointHead; readonly sections: readonly SectionPlace[]; readonly fileBytes: number }
  | { readonly problem: 'damaged'; readonly reason: string }
  | { readonly problem: 'newer'; readonly version: number }

/** The name of the file of an epoch; names sort as epochs do. */
export function checkpointFileName(epoch: number): string {
  return `${String(epoch).padStart(16, '0')}.checkpoint`
}

/** The epoch in the name of a checkpoint file; undefined for other files. */
export function epochOfCheckpointFile(fileName: string): number | undefined {
  const match = /^(\d{16})\.checkpoint$/.exec(fileName)
  return match === null ? undefined : Number(match[1])
}

/**
 * The bytes that stand before the sections.
 *
 * @param checksums of the sections, where they are known
 */
export function encodeCheckpointHead(
  head: CheckpointHead,
  sections: readonly CheckpointSection[],
  checksums: readonly number[] = sections.map(({ bytes }) => crc32c(bytes)),
): Uint8Array<ArrayBuffer> {
  const manifest = asciiJson({ positions: head.positions, details: head.details })
  const manifestAt = CHECKPOINT_FIXED_BYTES + SECTION_BYTES * sections.length
  const bytes = new Uint8Array(manifestAt + manifest.length + CRC_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint16(8, CHECKPOINT_VERSION, true)
  view.setUint32(12, bytes.length, true)
  view.setFloat64(16, head.epoch, true)
  view.setFloat64(24, head.previousEpoch ?? -1, true)
  view.setFloat64(32, head.neededFrom, true)
  view.setUint32(40, manifest.length, true)
  view.setUint32(44, sections.length, true)
  for (const [i, section] of sections.entries()) {
    const at = CHECKPOINT_FIXED_BYTES + SECTION_BYTES * i
    view.setUint32(at, section.type, true)
    view.setUint32(at + 4, checksums[i] ?? 0, true)
    view.setFloat64(at + 8, section.bytes.length, true)
  }
  for (let i = 0; i < manifest.length; i++) bytes[manifestAt + i] = manifest.charCodeAt(i)
  const crcAt = bytes.length - CRC_BYTES
  view.setUint32(crcAt, crc32c(bytes, 0, crcAt), true)
  return bytes
}

function asciiJson(value: unknown): string {
  const escape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(/[\u0080-\uffff]/g, escape)
}

/** The length of a head by its first {@link CHECKPOINT_FIXED_BYTES} bytes, which are not checked yet. */
export function checkpointHeadBytes(bytes: Uint8Array): number {
  return bytes.length < CHECKPOINT_FIXED_BYTES ? 0 : viewOf(bytes).getUint32(12, true)
}

/** Reads a head; `bytes` are exactly its own. */
export function decodeCheckpointHead(bytes: Uint8Array): CheckpointHeadReading {
  if (bytes.length < CHECKPOINT_FIXED_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte))
    return { problem: 'damaged', reason: 'it does not begin like a checkpoint' }
  const view = viewOf(bytes)
  const version = view.getUint16(8, true)
  if (version > CHECKPOINT_VERSION) return { problem: 'newer', version }
  const crcAt = bytes.length - CRC_BYTES
  const isWhole = version > 0 && view.getUint32(12, true) === bytes.length
  if (!isWhole || view.getUint32(crcAt, true) !== crc32c(bytes, 0, crcAt))
    return { problem: 'damaged', reason: 'its head does not match its checksum' }
  const sections = sectionPlaces(view, bytes.length)
  const manifestAt = CHECKPOINT_FIXED_BYTES + SECTION_BYTES * sections.length
  const last = sections.at(-1)
  const fileBytes = last === undefined ? bytes.length : last.start + last.byteLength
  return { head: headOf(view, bytes.subarray(manifestAt, crcAt)), sections, fileBytes }
}

function sectionPlaces(view: DataView, headBytes: number): readonly SectionPlace[] {
  let start = headBytes
  return Array.from({ length: view.getUint32(44, true) }, (_, i) => {
    const at = CHECKPOINT_FIXED_BYTES + SECTION_BYTES * i
    const byteLength = view.getFloat64(at + 8, true)
    const place = { type: view.getUint32(at, true), crc: view.getUint32(at + 4, true), start, byteLength }
    start += byteLength
    return place
  })
}

function headOf(view: DataView, manifest: Uint8Array): CheckpointHead {
  let json = ''
  for (const code of manifest) json += String.fromCharCode(code)
  const { positions, details } = JSON.parse(json) as Pick<CheckpointHead, 'positions' | 'details'>
  const previousEpoch = view.getFloat64(24, true)
  return {
    epoch: view.getFloat64(16, true),
    previousEpoch: previousEpoch < 0 ? undefined : previousEpoch,
    neededFrom: view.getFloat64(32, true),
    positions,
    details,
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
