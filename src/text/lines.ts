/**
 * Bytes as lines.
 */

const LINE_FEED = 0x0a

/** The lines of `bytes` without their line feeds, in place. The last one may have none. */
export function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, start)
    const end = found < 0 ? bytes.length : found
    yield bytes.subarray(start, end)
    start = end + 1
  }
}
