/**
 * UTF-8 as the recount wants it: strict, a byte-order mark kept as the character it is.
 */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of `bytes`, or `undefined` where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
