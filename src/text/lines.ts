/**
 * Bytes as lines.
 */

const LINE_FEED = 0x0a

/** The lines of `bytes` without their line feeds, in place and of the same kind. The last one may have none. */
export function* linesOf<Bytes extends Uint8Array>(bytes: Bytes): Generator<Bytes> {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, start)
    const end = found < 0 ? bytes.length : found
    // A view of the same kind, which its type does not say.
    yield bytes.subarray(start, end) as Bytes
    start = end + 1
  }
}
