/**
 * Which partition a key belongs to: the rule of Kafka's own producers, Murmur2 in 32 bits.
 *
 * The client library's is the same on integers of any length, at five times the price of the rest of a record.
 */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

/** A number that is the partition's, once it is taken modulo their count; 0 without a key. */
export function partitionOfKey(_value: unknown, key: unknown): number {
  return key instanceof Uint8Array ? murmur2(key) & 0x7fffffff : 0
}

/** The hash of `bytes` as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = SEED ^ length
  for (let at = 0; at < whole; at += 4) {
    const word = wordAt(bytes, at)
    const mixed = Math.imul(word, MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(mixed ^ (mixed >>> 24), MULTIPLIER)
  }
  // Beyond the end there are zeros.
  if (whole < length) hash = Math.imul(hash ^ wordAt(bytes, whole), MULTIPLIER)
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24)
  )
}

function byteAt(bytes: Uint8Array, at: number): number {
  return at < bytes.length ? (bytes[at] as number) : 0
}
