/**
 * The identity of a plan: what checkpoints, tables and logs name when they say which plan made them.
 *
 * H1  Equal plans have equal hashes, on any machine and in any version that keeps the plan's `formatVersion`.
 * H2  Everything in the plan but its sources counts, labels too, and so does the order of its lists: fields,
 *     dimensions, measures, tables and their columns. The order of keys within an object does not. Where events come
 *     from changes no number.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Plan } from './plan.ts'

/** SHA-256 of the plan's canonical JSON, as 64 hex digits. */
export function planHash(plan: Plan): string {
  const hashed = Object.fromEntries(Object.entries(plan).filter(([key]) => key !== 'sources'))
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(hashed))))
}

/** JSON without white space, the keys of each object sorted by UTF-16 code units (as RFC 8785 has it). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}
