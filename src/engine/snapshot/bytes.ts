/**
 * Numbers, columns and texts as little-endian bytes, and back.
 *
 * B1  What is written in one order is read in the same order; a column is copied whole.
 * B2  Nothing is read past the end: bytes that say so are damaged.
 */
import { TidemarkError } from '../../errors.ts'
import { decodeUtf8, encodeUtf8 } from '../decode/utf8.ts'

/** Columns of state. */
export type Column = Float64Array | Int32Array | Uint16Array | Uint8Array

// Columns are copied as they lie in memory. Every processor that Node runs on stores the low byte first.
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('snapshots need a little-endian processor')

const MAX_VARINT_BYTES = 8
/** A smaller number from 0 on takes one byte. */
const ONE_BYTE = 64
const INT32_END = 2 ** 31
const NO_BYTES = new Uint8Array(0)

/** More than this is not kept for the next writer. */
const MAX_IDLE_BYTES = 1 << 22
/** Memory that no writer uses: its pages are there already, where new ones would have to be cleared. */
let idle: Uint8Array<ArrayBuffer> | undefined

/** A growing run of bytes. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  /** Bytes written. */
  length = 0

  /** @param likelyBytes how much will be written, so that nothing has to be moved */
  constructor(likelyBytes: number) {
    this.#bytes = idle !== undefined && idle.length >= likelyBytes ? idle : new Uint8Array(likelyBytes)
    if (this.#bytes === idle) idle = undefined
    this.#view = new DataView(this.#bytes.buffer)
  }

  u8(value: number): void {
    const at = this.#take(1)
    this.#view.setUint8(at, value)
  }

  u16(value: number): void {
    const at = this.#take(2)
    this.#view.setUint16(at, value, true)
  }

  u32(value: number): void {
    const at = this.#take(4)
    this.#view.setUint32(at, value, true)
  }

  i32(value: number): void {
    const at = this.#take(4)
    this.#view.setInt32(at, value, true)
  }

  f64(value: number): void {
    const at = this.#take(8)
    this.#view.setFloat64(at, value, true)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#take(bytes.length)
    this.#bytes.set(bytes, at)
  }

  text(text: string): void {
    const bytes = encodeUtf8(text)
    this.u32(bytes.length)
    this.bytes(bytes)
  }

  /** Copies [from, to) of a column. */
  column(column: Column, from: number = 0, to: number = column.length): void {
    this.bytes(bytesOf(column, from, to))
  }

  /** Writes ascending numbers as {@link ByteWriter.varintsOf} would their distances, the first as that from 0. */
  ascending(values: Int32Array): void {
    let at = this.#take(values.length * MAX_VARINT_BYTES)
    const bytes = this.#bytes
    let before = 0
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number
      const distance = value - before
      before = value
      if (distance < ONE_BYTE) bytes[at++] = distance * 2
      else at = putVarint(bytes, at, distance)
    }
    this.length = at
  }

  /**
   * Writes the values of some rows of a column, whole numbers of either sign below 2^52, small ones in few bytes: twice
   * the value, less one and of the other sign where it is negative, seven bits a byte, the lowest first. A row below 0
   * counts as 0.
   */
  varintsOf(column: Float64Array, rows: Int32Array): void {
    let at = this.#take(rows.length * MAX_VARINT_BYTES)
    const bytes = this.#bytes
    let i = 0
    // Most columns have nothing that takes more than a byte.
    for (; i < rows.length; i++) {
      const row = rows[i] as number
      const value = row < 0 ? 0 : (column[row] as number)
      if (!(value >= 0 && value < ONE_BYTE)) break
      bytes[at + i] = value * 2
    }
    at += i
    for (; i < rows.length; i++) {
      const row = rows[i] as number
      at = putVarint(bytes, at, row < 0 ? 0 : (column[row] as number))
    }
    this.length = at
  }

  /** Writes so many zeros as {@link ByteWriter.varintsOf} would. */
  zeroVarints(count: number): void {
    const at = this.#take(count)
    this.#bytes.fill(0, at, at + count)
  }

  /** Overwrites four bytes that were written. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  /** A copy of what was written. Nothing may be written afterwards. */
  done(): Uint8Array {
    const written = this.#bytes.slice(0, this.length)
    if (this.#bytes.length <= MAX_IDLE_BYTES) idle = this.#bytes
    this.#bytes = NO_BYTES
    return written
  }

  #take(count: number): number {
    const at = this.length
    this.length = at + count
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

/** Reads what a {@link ByteWriter} wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = start
    this.#end = end
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at
  }

  get hasMore(): boolean {
    return this.#at < this.#end
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), true)
  }

  /** The next `count` bytes, not copied. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  text(): string {
    const length = this.u32()
    const at = this.#take(length)
    return decodeUtf8(this.#bytes, at, at + length)
  }

  /** Fills [from, to) of a column. */
  into(column: Column, from: number = 0, to: number = column.length): void {
    if (to < from || to > column.length) throw damaged('a column does not fit')
    const target = bytesOf(column, from, to)
    target.set(this.bytes(target.length))
  }

  /** Fills a column with what {@link ByteWriter.varints} wrote. */
  intoVarints(column: Float64Array | Int32Array): void {
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < column.length; i++) {
      let byte = bytes[at++] as number
      let value = byte & 127
      for (let scale = 128; byte >= 128; scale *= 128) {
        byte = at < this.#end ? (bytes[at] as number) : 0
        at++
        value += (byte & 127) * scale
      }
      column[i] = value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    if (at > this.#end) throw damaged('it ends in the middle of a value')
    this.#at = at
  }

  /** A part of `length` bytes, to be read by itself. */
  part(length: number): ByteReader {
    const at = this.#take(length)
    return new ByteReader(this.#bytes, at, at + length)
  }

  #take(count: number): number {
    const at = this.#at
    if (at + count > this.#end) throw damaged('it ends in the middle of a value')
    this.#at = at + count
    return at
  }
}

/** A snapshot that cannot be read. */
export function damaged(why: string): TidemarkError {
  return new TidemarkError('STATE_CORRUPT', `The saved state of the engine is damaged: ${why}.`, {
    fix: 'Count again from the raw events that were kept: ./tidemark rebuild',
  })
}

/** Writes one number as {@link ByteWriter.varintsOf} says; returns where it ends. */
function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start
  let left = value < 0 ? -2 * value - 1 : 2 * value
  for (; left >= INT32_END; left = Math.floor(left / 128)) bytes[at++] = (left % 128) | 128
  // From here on in integers of 32 bits, which take a fraction of the time.
  let low = left | 0
  for (; low >= 128; low >>= 7) bytes[at++] = (low & 127) | 128
  bytes[at++] = low
  return at
}

function bytesOf(column: Column, from: number, to: number): Uint8Array {
  const size = column.BYTES_PER_ELEMENT
  return new Uint8Array(column.buffer, column.byteOffset + from * size, (to - from) * size)
}
