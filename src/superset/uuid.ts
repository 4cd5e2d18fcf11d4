/**
 * Identities by name (UUID version 5): the same name is the same thing in every Superset, so that importing again
 * updates.
 */
import { sha1 } from '@noble/hashes/legacy.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'

/** What all names of ours are hashed under. Changing it orphans every imported dashboard. */
const NAMESPACE = hexToBytes('3c1ad0b10b7e4f0a9f6e7c5d2a8e4b61')

/** The identity of a thing of a pipeline, such as `uuidOf('ads', 'chart', 'main')`. */
export function uuidOf(...path: readonly string[]): string {
  const hash = sha1(new Uint8Array([...NAMESPACE, ...utf8ToBytes(path.join('/'))])).slice(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = bytesToHex(hash)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
