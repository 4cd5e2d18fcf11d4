/**
 * Reads blocks of one segment file through a buffer that is used again.
 *
 * W1  A block is handed out only whole and with both checksums right.
 * W2  Memory: as much as there is to read, up to 512 KiB, and one larger block at a time.
 */
import type { DiskFile } from '../disk/disk.ts'
import { crc32c } from '../format/crc32c.ts'
import { BLOCK_HEADER_BYTES, blockBytes, decodeBlockHeader, type BlockMeta } from '../format/journal-block.ts'
import type { Segment } from './segment.ts'

const WINDOW_BYTES = 1 << 19

/** A block as it is read. Its bytes are good until the next one is asked for. */
export interface JournalBlock extends BlockMeta {
  /** Logical offset of the block. */
  readonly offset: number
  /** Logical offset of what comes after it. */
  readonly nextOffset: number
  /** What the source gave to find its place again; undefined where it gave nothing. */
  readonly sourcePosition: Uint8Array | undefined
  /** Whole NDJSON lines. */
  readonly lines: Uint8Array
}

/** Why no block was read: there are fewer bytes than one needs, or it does not match a checksum. */
export type BlockProblem = 'short' | 'header' | 'body'

/** A buffered view of one file at a time. */
export class BlockWindow {
  #window = new Uint8Array(0)
  #bytes = this.#window
  #from = 0
  #length = 0

  /** Forgets what was read, because another file comes next or the file has changed. */
  reset(): void {
    this.#length = 0
  }

  /** The block at logical `offset` of a segment of which the bytes below file position `limit` may be read. */
  read(file: DiskFile, segment: Segment, offset: number, limit: number): JournalBlock | BlockProblem {
    const at = segment.positionOf(offset)
    if (!this.#hold(file, at, BLOCK_HEADER_BYTES, limit)) return 'short'
    const header = decodeBlockHeader(this.#bytes, at - this.#from, segment.salt, offset)
    if (header === undefined) return 'header'
    const byteLength = blockBytes(header)
    if (!this.#hold(file, at, byteLength, limit)) return 'short'
    const bodyStart = at - this.#from + BLOCK_HEADER_BYTES
    const linesStart = bodyStart + header.sourcePositionBytes
    const end = bodyStart - BLOCK_HEADER_BYTES + byteLength
    if (crc32c(this.#bytes, bodyStart, end) !== header.bodyCrc) return 'body'
    return {
      offset,
      nextOffset: offset + byteLength,
      recordCount: header.recordCount,
      arrivalMs: header.arrivalMs,
      floorMs: header.floorMs,
      sourcePosition: linesStart > bodyStart ? this.#bytes.subarray(bodyStart, linesStart) : undefined,
      lines: this.#bytes.subarray(linesStart, end),
    }
  }

  /** Gets [at, at + length) of the file into the buffer; false where the limit comes first. */
  #hold(file: DiskFile, at: number, length: number, limit: number): boolean {
    if (at + length > limit) return false
    if (at >= this.#from && at + length <= this.#from + this.#length) return true
    this.#bytes = length <= WINDOW_BYTES ? this.#roomFor(limit - at) : new Uint8Array(length)
    this.#from = at
    this.#length = 0
    const wanted = Math.min(this.#bytes.length, limit - at)
    while (this.#length < wanted) {
      const count = file.read(this.#bytes.subarray(this.#length, wanted), at + this.#length)
      if (count === 0) break
      this.#length += count
    }
    return this.#length >= length
  }

  #roomFor(byteCount: number): Uint8Array<ArrayBuffer> {
    const wanted = Math.min(byteCount, WINDOW_BYTES)
    if (wanted > this.#window.length) this.#window = new Uint8Array(2 ** Math.ceil(Math.log2(wanted)))
    return this.#window
  }
}
