/**
 * From any chunks of a byte stream to blocks of whole lines, in bounded memory.
 *
 * F1  Cutting the stream into chunks in another way gives the same lines.
 * F2  A byte-order mark at the very start of the stream is dropped; anywhere else it stays.
 * F3  The last line counts without its LF.
 * F4  Memory is fixed. A line longer than a record may be is cut to its first bytes, one too many, so that it is still
 *     one line and still too long. White space at a line's start does not count, nor does that at its end.
 * F5  Bytes are moved only where a line spans two reads.
 */
import { isSpace } from './json-scan.ts'

const LF = 0x0a
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const

/** Where to read to: `length` bytes of `buffer` from `offset`. */
export interface WritableSpan {
  readonly buffer: Uint8Array
  readonly offset: number
  readonly length: number
}

/**
 * Read into {@link LineFramer.writable}, {@link LineFramer.commit} what came, decode the whole lines, which are
 * [linesStart, linesEnd) of `block`, and {@link LineFramer.consume} them; at the end of the stream
 * {@link LineFramer.end} and once more. Rows that point into the block are good until the next `writable`.
 */
export class LineFramer {
  /** The bytes that `start` and `end` point into. */
  readonly block: Uint8Array
  readonly #maxRecordBytes: number
  /** Start of the first line not consumed. */
  #start = 0
  /** End of the last whole line. */
  #linesEnd = 0
  #filled = 0
  #position = 1
  #mayHaveMark = true
  /** Whether the rest of an overlong line is being dropped. */
  #isSkipping = false
  #hasEnded = false

  /**
   * @param maxRecordBytes the longest record that may be whole
   * @param readBytes room that `writable` offers at least, once all whole lines are consumed
   */
  constructor(maxRecordBytes: number, readBytes: number) {
    this.#maxRecordBytes = maxRecordBytes
    // Beside the part of a line: one byte too many, the LF added at the end, and a mark not yet dropped.
    this.block = new Uint8Array(maxRecordBytes + readBytes + 2 + BYTE_ORDER_MARK.length)
  }

  /** Start of the whole lines in `block`. */
  get linesStart(): number {
    return this.#start
  }

  /** End of the whole lines in `block`, after an LF. */
  get linesEnd(): number {
    return this.#linesEnd
  }

  /** Number of the line at `linesStart`, from 1. */
  get position(): number {
    return this.#position
  }

  /** Whether whole lines wait to be consumed. */
  get hasLines(): boolean {
    return this.#start < this.#linesEnd
  }

  /** Whether the stream has ended and every line is consumed. */
  get isDone(): boolean {
    return this.#hasEnded && !this.hasLines
  }

  /** Where the next bytes go. Moves what is left of the last read to the front, so consume whole lines first. */
  writable(): WritableSpan {
    if (this.#start > 0) {
      this.block.copyWithin(0, this.#start, this.#filled)
      this.#filled -= this.#start
      this.#linesEnd = Math.max(0, this.#linesEnd - this.#start)
      this.#start = 0
    }
    return { buffer: this.block, offset: this.#filled, length: this.block.length - 1 - this.#filled }
  }

  /** Takes note of `byteCount` bytes read to where {@link writable} said. */
  commit(byteCount: number): void {
    const from = this.#filled
    this.#filled += byteCount
    if (this.#mayHaveMark) this.#dropMark(false)
    if (this.#mayHaveMark) return
    const added = this.#isSkipping ? this.#skip(Math.max(from, this.#start)) : Math.max(from, this.#start)
    this.#findLines(added)
    this.#boundTail()
  }

  /** Copies as much of `chunk` from `from` as fits, commits it, and says up to where it went. */
  write(chunk: Uint8Array, from: number): number {
    const span = this.writable()
    const to = Math.min(chunk.length, from + span.length)
    span.buffer.set(chunk.subarray(from, to), span.offset)
    this.commit(to - from)
    return to
  }

  /** Says that the stream has ended: what is left is the last line. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.#mayHaveMark) this.#dropMark(true)
    if (Math.max(this.#start, this.#linesEnd) === this.#filled) return
    this.block[this.#filled++] = LF
    this.#linesEnd = this.#filled
  }

  /** Takes note that the lines before `nextStart` are decoded. */
  consume(nextStart: number, nextPosition: number): void {
    this.#start = nextStart
    this.#position = nextPosition
  }

  /** Drops the mark, or waits while the few bytes there are could still be the start of one. */
  #dropMark(isEnd: boolean): void {
    const seen = Math.min(this.#filled, BYTE_ORDER_MARK.length)
    const matches = BYTE_ORDER_MARK.every((byte, i) => i >= seen || this.block[i] === byte)
    if (matches && seen === BYTE_ORDER_MARK.length) this.#start = this.#linesEnd = seen
    else if (matches && !isEnd) return
    this.#mayHaveMark = false
  }

  /** Drops bytes from `from` up to the LF that ends an overlong line; gives where to look on. */
  #skip(from: number): number {
    const lf = this.block.indexOf(LF, from)
    const to = lf < 0 || lf >= this.#filled ? this.#filled : lf
    this.block.copyWithin(from, to, this.#filled)
    this.#filled -= to - from
    this.#isSkipping = this.#filled === from
    return from
  }

  #findLines(from: number): void {
    for (let pos = this.#filled - 1; pos >= from; pos--) {
      if (this.block[pos] !== LF) continue
      this.#linesEnd = pos + 1
      return
    }
  }

  /** Cuts the part of a line at the end to what a record may have, and one byte more where it is longer (F4). */
  #boundTail(): void {
    const { block } = this
    const tailStart = Math.max(this.#start, this.#linesEnd)
    if (this.#isSkipping || this.#filled - tailStart <= this.#maxRecordBytes) return
    let from = tailStart
    while (from < this.#filled && isSpace(block[from] as number)) from++
    block.copyWithin(tailStart, from, this.#filled)
    this.#filled -= from - tailStart
    const limit = tailStart + this.#maxRecordBytes
    if (this.#filled <= limit) return
    let lastByte = this.#filled - 1
    while (lastByte >= limit && isSpace(block[lastByte] as number)) lastByte--
    this.#isSkipping = lastByte >= limit
    if (this.#isSkipping) block[limit] = block[lastByte] as number
    this.#filled = this.#isSkipping ? limit + 1 : limit
  }
}
