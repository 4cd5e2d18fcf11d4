/**
 * A short hash of a text, for where any hash does as long as it stays the same: names, keys of locks, samples, buckets.
 * Never for where someone may choose texts to collide.
 *
 * F1  Written down, the hash of a text holds for ever: tables are named and locks are taken by it.
 */

const OFFSET = 0x811c_9dc5
const PRIME = 0x0100_0193

/** FNV-1a over the UTF-16 code units: 32 bits, not negative. Another seed gives another hash of the same text. */
export function hashText(text: string, seed = 0): number {
  let hash = OFFSET ^ seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), PRIME)
  return hash >>> 0
}
