/**
 * Bytes in pieces to lines in batches, with bounded memory.
 *
 * L1  A line is what stands between line feeds; the last one need not have one.
 * L2  Of a line that is cut by the end of a piece no more is kept than tells a record from one that is too long: white
 *     space before its record is dropped, and so is all that follows the first byte too many.
 */
import { FROM_FILE } from '../admission.ts'
import { MAX_RECORD_BYTES } from '../parse-event.ts'
import { dropByteOrderMark, isJsonSpace } from '../record.ts'
import type { SpillBatch } from '../spill.ts'

const LINE_FEED = 0x0a
const FIRST_CAPACITY = 65_536

/**
 * Splits a file into lines, without the byte-order mark before the first.
 *
 * @param pieces the file's bytes; no piece is changed after it was given
 * @returns batches of lines, valid until the next batch is asked for
 */
export async function* lineBatches(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  const cut = new CutLine()
  for await (const piece of withoutByteOrderMark(pieces)) {
    const end = piece.lastIndexOf(LINE_FEED)
    if (end >= 0) {
      const first = piece.indexOf(LINE_FEED)
      const lines = [cut.complete(piece.subarray(0, first)), ...wholeLines(piece, first + 1, end)]
      yield lines
      cut.clear()
    }
    cut.append(piece.subarray(end + 1))
  }
  yield [cut.complete(new Uint8Array(0))]
}

/** The lines of a file as a recount takes them. */
export async function* fileBatches(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SpillBatch> {
  for await (const lines of lineBatches(pieces)) yield { ...FROM_FILE, lines }
}

function wholeLines(piece: Uint8Array, start: number, lastLineFeed: number): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let from = start; from <= lastLineFeed;) {
    const end = piece.indexOf(LINE_FEED, from)
    lines.push(piece.subarray(from, end))
    from = end + 1
  }
  return lines
}

async function* withoutByteOrderMark(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let start: Uint8Array | undefined = new Uint8Array(0)
  for await (const piece of pieces) {
    if (start === undefined) {
      yield piece
      continue
    }
    start = Buffer.concat([start, piece])
    if (start.length < 3) continue
    yield dropByteOrderMark(start)
    start = undefined
  }
  if (start !== undefined) yield start
}

/** A line whose end has not been read yet, as far as it matters (L2). */
class CutLine {
  #bytes = new Uint8Array(FIRST_CAPACITY)
  #length = 0

  append(part: Uint8Array): void {
    const from = this.#length === 0 ? firstNonSpace(part, 0) : 0
    const kept = part.subarray(from, from + Math.max(0, MAX_RECORD_BYTES - this.#length))
    this.#push(kept)
    // Past the limit a single byte of the record says all there is to say; white space says nothing yet.
    const beyond = firstNonSpace(part, from + kept.length)
    if (this.#length === MAX_RECORD_BYTES && beyond < part.length) this.#push(part.subarray(beyond, beyond + 1))
  }

  /** The line with its last part, which is used as it is when there was nothing before. */
  complete(lastPart: Uint8Array): Uint8Array {
    if (this.#length === 0) return lastPart
    this.append(lastPart)
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  #push(part: Uint8Array): void {
    const length = this.#length + part.length
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(Math.max(length, 2 * this.#bytes.length), MAX_RECORD_BYTES + 1))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(part, this.#length)
    this.#length = length
  }
}

function firstNonSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && isJsonSpace(bytes[at])) at++
  return at
}
