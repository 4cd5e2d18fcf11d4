/**
 * Takes snapshots apart, for tests that leave something out.
 */
import { ByteReader } from '../../src/engine/snapshot/bytes.ts'

const HEADER_BYTES = 24

/** A payload without the sections that `isDropped` names. */
export function withoutSections(
  payload: Uint8Array,
  isDropped: (kind: number, body: ByteReader) => boolean,
): Uint8Array {
  const kept = [payload.subarray(0, HEADER_BYTES)]
  for (let at = HEADER_BYTES; at < payload.length;) {
    const reader = new ByteReader(payload, at)
    const kind = reader.u32()
    const length = reader.u32()
    if (!isDropped(kind, reader.part(length))) kept.push(payload.subarray(at, at + 8 + length))
    at += 8 + length
  }
  return Buffer.concat(kept)
}
