/**
 * A Zstandard file in pieces, cut where one frame ends and the next begins (RFC 8878, section 3.1).
 *
 * Node's decompressor drops what follows the end of a frame within one write, without an error
 * (https://github.com/nodejs/node/issues/64741); files of several frames are common (`zstd -T0`, `pzstd`, `cat`). Given
 * each frame's bytes in writes of their own, it decompresses them all.
 */

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const RLE_BLOCK = 1
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const

/** The same bytes in pieces of which none holds parts of two frames. */
export async function* cutAtFrames(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new FrameWalk()
  for await (const piece of pieces) {
    for (let start = 0; start < piece.length;) {
      const end = frames.walk(piece, start)
      yield piece.subarray(start, end)
      start = end
    }
  }
}

/** Follows the parts of frames through pieces that end anywhere. */
class FrameWalk {
  #parts = frameParts()
  /** Bytes of the current part that are still to come. */
  #left = firstLength(this.#parts)
  /** The first four bytes of the part as a little-endian number, as far as they have come. */
  #value = 0
  #taken = 0

  /** Goes on from `start`. Returns where the frame ends, or the end of the piece. */
  walk(piece: Uint8Array, start: number): number {
    let at = start
    while (at < piece.length) {
      const count = Math.min(this.#left, piece.length - at)
      for (let i = 0; i < count && this.#taken < 4; i++) this.#value += (piece[at + i] ?? 0) * 256 ** this.#taken++
      at += count
      this.#left -= count
      if (this.#left === 0 && !this.#nextPart()) return at
    }
    return at
  }

  /** Enters the next part that has any bytes. False says that it is in another frame. */
  #nextPart(): boolean {
    let next = this.#parts.next(this.#value)
    while (next.done !== true && next.value === 0) next = this.#parts.next(0)
    if (next.done === true) this.#parts = frameParts()
    this.#left = next.done === true ? firstLength(this.#parts) : next.value
    this.#value = 0
    this.#taken = 0
    return next.done !== true
  }
}

type FrameParts = Generator<number, void, number>

function firstLength(parts: FrameParts): number {
  const first = parts.next()
  return first.done === true ? 0 : first.value
}

/** The lengths of a frame's parts in order; each is answered by the part's first four bytes as a number. */
function* frameParts(): FrameParts {
  const magic = yield 4
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    yield yield 4
    return
  }
  // Not a frame: the decompressor will say so.
  if (magic !== MAGIC) yield Infinity
  const descriptor = yield 1
  yield headerLength(descriptor)
  let isLast = false
  while (!isLast) {
    const header = yield 3
    isLast = (header & 1) === 1
    yield ((header >>> 1) & 3) === RLE_BLOCK ? 1 : header >>> 3
  }
  const hasChecksum = (descriptor & 4) !== 0
  if (hasChecksum) yield 4
}

/** Length of what stands between a frame's descriptor and its first block. */
function headerLength(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0
  const contentSizeFlag = descriptor >>> 6
  const contentSize = contentSizeFlag === 0 && isSingleSegment ? 1 : (CONTENT_SIZE_BYTES[contentSizeFlag] ?? 0)
  return (isSingleSegment ? 0 : 1) + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0) + contentSize
}
