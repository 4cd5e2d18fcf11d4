/**
 * How far each followed file was read, as it is kept in the journal with the lines read last.
 *
 * P1  A file is known by its number and by how it begins, not by its name: renamed it keeps its place, and another file
 *     that is given the same number later begins at its own beginning.
 * P2  What is kept is bounded: a file that is gone is forgotten, and of more than `MAX_FILES` the ones heard of last
 *     are kept.
 */
import { createHash } from 'node:crypto'

const MAX_FILES = 4_096
const HEAD_BYTES = 256

/** One file: what it is known by, and where it is read on. */
export interface FilePlace {
  /** Device and inode. */
  readonly number: string
  /** Bytes of its beginning that were looked at, and their hash. */
  readonly headBytes: number
  readonly headHash: string
  /** Byte at which the next line begins. */
  readonly offset: number
}

/** How a file begins, of which `bytes` are the first ones, looked at up to `offset`. */
export function headOf(bytes: Uint8Array, offset: number): Pick<FilePlace, 'headBytes' | 'headHash'> {
  const headBytes = Math.min(HEAD_BYTES, offset, bytes.length)
  const headHash = createHash('sha256').update(bytes.subarray(0, headBytes)).digest('hex').slice(0, 16)
  return { headBytes, headHash }
}

/** Whether a file of this place's number still begins as it did (P1). `bytes` are its first ones. */
export function isSameFile(place: FilePlace, bytes: Uint8Array, byteLength: number): boolean {
  return byteLength >= place.offset && headOf(bytes, place.headBytes).headHash === place.headHash
}

/** How much of a file's beginning {@link isSameFile} needs. */
export const headLength: number = HEAD_BYTES

/** The places as bytes. */
export function encodePlaces(places: Iterable<FilePlace>): Uint8Array {
  const kept = [...places].slice(-MAX_FILES)
  return new TextEncoder().encode(
    JSON.stringify(kept.map(({ number, headBytes, headHash, offset }) => [number, headBytes, headHash, offset])),
  )
}

/** The places from {@link encodePlaces}, by number; what is none is left out: such a file begins anew. */
export function decodePlaces(bytes: Uint8Array | undefined): Map<string, FilePlace> {
  const places = new Map<string, FilePlace>()
  if (bytes === undefined) return places
  const rows: unknown = JSON.parse(new TextDecoder().decode(bytes))
  for (const row of Array.isArray(rows) ? rows : []) {
    if (!Array.isArray(row)) continue
    const [number, headBytes, headHash, offset] = row as readonly unknown[]
    if (typeof number === 'string' && typeof headHash === 'string')
      places.set(number, { number, headHash, headBytes: Number(headBytes), offset: Number(offset) })
  }
  return places
}
