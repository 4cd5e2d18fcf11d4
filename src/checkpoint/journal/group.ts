/**
 * The appends of one partition that are written together, as bytes.
 */
import { crc32c } from '../format/crc32c.ts'
import { BLOCK_HEADER_BYTES, blockBytes, encodeBlockHeader, type BlockMeta } from '../format/journal-block.ts'

/** Up to this length lines are copied together; longer ones are written from where they lie. */
const COPIED_BYTES = 1 << 14
/** A group ends here, so that it is durable soon. */
const MAX_GROUP_BYTES = 1 << 23
const NO_BYTES = new Uint8Array(0)

/** Where an append ended up. */
export interface Appended {
  /** Logical offset of its block. */
  readonly offset: number
  /** Logical offset of what comes after it. */
  readonly nextOffset: number
}

/** An append that waits for the disk. */
export interface PendingAppend {
  readonly meta: BlockMeta
  readonly sourcePosition: Uint8Array
  readonly lines: Uint8Array
  readonly byteLength: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: Error) => void
}

/** The length of the block that an append becomes. */
export function appendBytes(lines: Uint8Array, sourcePosition: Uint8Array = NO_BYTES): number {
  return blockBytes({ linesBytes: lines.length, sourcePositionBytes: sourcePosition.length })
}

/** Takes the next group from the front of a queue: of at most `segmentBytes`, where one append is not more alone. */
export function takeGroup(queue: PendingAppend[], segmentBytes: number): readonly PendingAppend[] {
  const maxBytes = Math.min(MAX_GROUP_BYTES, segmentBytes)
  let bytes = 0
  const index = queue.findIndex(({ byteLength }) => (bytes += byteLength) > maxBytes)
  return queue.splice(0, index === -1 ? queue.length : Math.max(1, index))
}

/** Turns groups into bytes, in a buffer that is used again once they are written. */
export class GroupEncoder {
  #copies = new Uint8Array(1 << 16)

  /** The bytes of a group that begins at logical `offset`, where all before `durableEnd` is durable. */
  encode(
    group: readonly PendingAppend[],
    salt: number,
    { offset, durableEnd }: { readonly offset: number; readonly durableEnd: number },
  ): readonly Uint8Array[] {
    const copies = this.#room(group)
    const parts: Uint8Array[] = []
    let at = 0
    let partStart = 0
    let blockOffset = offset
    for (const { meta, sourcePosition, lines, byteLength } of group) {
      const sizes = { linesBytes: lines.length, sourcePositionBytes: sourcePosition.length }
      const bodyCrc = crc32c(lines, 0, lines.length, crc32c(sourcePosition))
      encodeBlockHeader({ ...meta, ...sizes, durableEnd, bodyCrc }, salt, blockOffset, copies, at)
      copies.set(sourcePosition, at + BLOCK_HEADER_BYTES)
      at += BLOCK_HEADER_BYTES + sourcePosition.length
      if (lines.length <= COPIED_BYTES) {
        copies.set(lines, at)
        at += lines.length
      } else {
        parts.push(copies.subarray(partStart, at), lines)
        partStart = at
      }
      blockOffset += byteLength
    }
    if (at > partStart) parts.push(copies.subarray(partStart, at))
    return parts
  }

  #room(group: readonly PendingAppend[]): Uint8Array {
    let needed = 0
    for (const { lines, byteLength } of group) needed += byteLength - (lines.length > COPIED_BYTES ? lines.length : 0)
    if (needed > this.#copies.length) this.#copies = new Uint8Array(2 ** Math.ceil(Math.log2(needed)))
    return this.#copies
  }
}
