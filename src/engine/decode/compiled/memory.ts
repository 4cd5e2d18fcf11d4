/**
 * The memory that compiled programs work on: a window of the bytes to decode, and columns for the rows they make.
 *
 * M1  Rows are copied to the batch whole, when a program has stopped; what it wrote of a row it did not finish is void.
 * M2  A text's code is the dictionary's: a program asks for every text it meets the first time, and after a sweep
 *     again.
 * M3  Memory is fixed: it is taken once and never grows.
 */
import type { EventBatch } from '../../event-batch.ts'
import type { Dictionary } from '../dictionary.ts'
import { NO_FIELD } from '../json-record.ts'

/** Bytes of a window, and bytes after it that a program may look at. */
export const WINDOW_BYTES: number = 1 << 16
export const OVERRUN_BYTES: number = 1 << 15
/** Rows made in one go. */
const ROWS = 1024
/**
 * Texts remembered of each dimension; half as many are ever in use. An entry is 16 bytes of text, then its code + 1.
 */
export const TEXT_ENTRIES = 4096
export const TEXT_ENTRY_BYTES = 32
/** A text that is longer is not remembered. */
export const MAX_TEXT_BYTES = 15

/** What a program reports, each an i32 at its place in memory. */
export const REPORT: Readonly<
  Record<'rows' | 'nextStart' | 'dimension' | 'textStart' | 'textLength' | 'entry', number>
> = {
  rows: 0,
  nextStart: 4,
  /** Of a text that is not known: its dimension, its bytes, and the entry to put it in. */
  dimension: 8,
  textStart: 12,
  textLength: 16,
  entry: 20,
}

/** Sixteen bytes of ones and then sixteen zeros: 16 bytes from `MASKS + 16 − n` on keep n bytes. */
export const MASKS = 64
/** Millionths by the number of decimals written, as i64. */
export const MICROS = 128
export const WINDOW = 1024
const COLUMNS = WINDOW + WINDOW_BYTES + OVERRUN_BYTES
const PAGE_BYTES = 65_536

interface HostMemory {
  readonly buffer: ArrayBuffer
}

/** A compiled program: decodes the lines of the window in [start, end), up to `rows` of them, and gives its answer. */
export type RunProgram = (start: number, end: number, rows: number) => number

// The part of the standard interface that is used; the types of the language leave it to its hosts.
declare const WebAssembly: {
  Memory: new (size: { initial: number; maximum: number }) => HostMemory
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  Instance: new (module: object, imports: object) => { readonly exports: { readonly run: RunProgram } }
}

/** Where the columns lie, by address. */
export interface ColumnAddresses {
  readonly id: number
  readonly impressionId: number
  readonly timeMs: number
  readonly byteStart: number
  readonly byteEnd: number
  readonly dimensions: readonly number[]
  readonly sums: readonly number[]
  /** Entries of each dimension's texts. */
  readonly texts: readonly number[]
}

export class ProgramMemory {
  readonly addresses: ColumnAddresses
  readonly #memory: HostMemory
  readonly #bytes: Uint8Array
  readonly #report: Int32Array
  readonly #id: Int32Array
  readonly #impressionId: Int32Array
  readonly #timeMs: Float64Array
  readonly #byteStart: Int32Array
  readonly #byteEnd: Int32Array
  readonly #dimensions: readonly Int32Array[]
  readonly #sums: readonly Float64Array[]
  readonly #dictionaries: readonly Dictionary[]
  readonly #versions: Int32Array
  readonly #texts: Int32Array
  /** Which part of the block the window shows. */
  #from = 0
  #to = 0
  /** Bytes of a line, on average, of late. */
  #lineBytes = 256

  constructor(dictionaries: readonly Dictionary[], sumCount: number) {
    let at = COLUMNS
    const take = (bytes: number): number => {
      const from = at
      at += bytes
      return from
    }
    this.addresses = {
      id: take(16 * ROWS),
      impressionId: take(16 * ROWS),
      timeMs: take(8 * ROWS),
      byteStart: take(4 * ROWS),
      byteEnd: take(4 * ROWS),
      dimensions: dictionaries.map(() => take(4 * ROWS)),
      sums: Array.from({ length: sumCount }, () => take(8 * ROWS)),
      texts: dictionaries.map(() => take(TEXT_ENTRIES * TEXT_ENTRY_BYTES)),
    }
    const pages = Math.ceil(at / PAGE_BYTES)
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const { buffer } = this.#memory
    const { addresses } = this
    this.#bytes = new Uint8Array(buffer)
    this.#report = new Int32Array(buffer, 0, 8)
    this.#id = new Int32Array(buffer, addresses.id, 4 * ROWS)
    this.#impressionId = new Int32Array(buffer, addresses.impressionId, 4 * ROWS)
    this.#timeMs = new Float64Array(buffer, addresses.timeMs, ROWS)
    this.#byteStart = new Int32Array(buffer, addresses.byteStart, ROWS)
    this.#byteEnd = new Int32Array(buffer, addresses.byteEnd, ROWS)
    this.#dimensions = addresses.dimensions.map((address) => new Int32Array(buffer, address, ROWS))
    this.#sums = addresses.sums.map((address) => new Float64Array(buffer, address, ROWS))
    this.#dictionaries = dictionaries
    this.#versions = Int32Array.from(dictionaries, ({ version }) => version)
    this.#texts = new Int32Array(dictionaries.length)
    this.#bytes.fill(0xff, MASKS, MASKS + 16)
    new BigInt64Array(buffer, MICROS, 7).set([1_000_000n, 100_000n, 10_000n, 1_000n, 100n, 10n, 1n])
  }

  /** The function of a module (`assembler.ts`), working on this memory. */
  instantiate(module: Uint8Array<ArrayBuffer>): RunProgram {
    return new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory: this.#memory } }).exports.run
  }

  /** Says that another block comes, and that dictionaries may have been swept. */
  begin(): void {
    this.#to = 0
    for (let d = 0; d < this.#dictionaries.length; d++)
      if ((this.#dictionaries[d] as Dictionary).version !== this.#versions[d]) this.#forgetTexts(d)
  }

  /**
   * Runs a program on the lines from `start` on, until one surprises it, rows are full, or `end` is reached.
   *
   * @returns the start of the first line it did not decode
   */
  run(
    program: RunProgram,
    block: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    firstPosition: number,
  ): number {
    let at = start
    let position = firstPosition
    while (batch.count < batch.limit && at < end) {
      if (at < this.#from || at >= this.#to) this.#show(block, at, end, batch.limit - batch.count)
      const shift = WINDOW - this.#from
      const rows = Math.min(ROWS, batch.limit - batch.count)
      const status = program(at + shift, this.#to + shift, rows)
      const made = this.#report[REPORT.rows / 4] as number
      const isStart = at === this.#from && made === 0
      at = (this.#report[REPORT.nextStart / 4] as number) - shift
      if (made > 0) this.#copyRows(batch, made, shift, position)
      position += made
      if (status === DONE || (status === NEW_TEXT && this.#learnText(shift))) continue
      // A line that goes on beyond the window is no surprise; far from there it is not asked.
      if (isStart || this.#to >= end || this.#to - at > 4 * this.#lineBytes) break
      this.#show(block, at, end, batch.limit - batch.count)
    }
    return at
  }

  #show(block: Uint8Array, from: number, end: number, rows: number): void {
    const wanted = Math.min(WINDOW_BYTES, Math.ceil(rows * this.#lineBytes * 1.1) + 4096)
    this.#from = from
    this.#to = Math.min(end, from + wanted)
    this.#bytes.set(block.subarray(from, this.#to), WINDOW)
  }

  /** Puts a new text's code where the program will find it; false where the text is cut off by the window's end. */
  #learnText(shift: number): boolean {
    const report = this.#report
    const dimension = report[REPORT.dimension / 4] as number
    const from = report[REPORT.textStart / 4] as number
    const to = from + (report[REPORT.textLength / 4] as number)
    if (to >= this.#to + shift) return false
    const code = to === from ? 0 : (this.#dictionaries[dimension] as Dictionary).codeOf(this.#bytes, from, to)
    if ((this.#texts[dimension] as number) * 2 >= TEXT_ENTRIES) this.#forgetTexts(dimension)
    this.#texts[dimension] = (this.#texts[dimension] as number) + 1
    const entry = report[REPORT.entry / 4] as number
    this.#bytes.fill(0, entry, entry + TEXT_ENTRY_BYTES)
    this.#bytes.copyWithin(entry, from, to)
    new Int32Array(this.#memory.buffer, entry + 16, 1)[0] = code + 1
    return true
  }

  #forgetTexts(dimension: number): void {
    const from = this.addresses.texts[dimension] as number
    this.#bytes.fill(0, from, from + TEXT_ENTRIES * TEXT_ENTRY_BYTES)
    this.#texts[dimension] = 0
    this.#versions[dimension] = (this.#dictionaries[dimension] as Dictionary).version
  }

  #copyRows(batch: EventBatch, count: number, shift: number, firstPosition: number): void {
    const row = batch.count
    copyColumn(this.#id, batch.id, row * 4, count * 4)
    if (batch.impressionId.length > 0) copyColumn(this.#impressionId, batch.impressionId, row * 4, count * 4)
    copyColumn(this.#timeMs, batch.timeMs, row, count)
    for (let d = 0; d < batch.dimensions.length; d++)
      copyColumn(this.#dimensions[d] as Int32Array, batch.dimensions[d] as Int32Array, row, count)
    for (let s = 0; s < batch.sumsMicros.length; s++)
      copyColumn(this.#sums[s] as Float64Array, batch.sumsMicros[s] as Float64Array, row, count)
    const { malformed, malformedField, byteStart, byteEnd, position } = batch
    for (let i = 0; i < count; i++) {
      malformed[row + i] = 0
      malformedField[row + i] = NO_FIELD
      byteStart[row + i] = (this.#byteStart[i] as number) - shift
      byteEnd[row + i] = (this.#byteEnd[i] as number) - shift
      position[row + i] = firstPosition + i
    }
    batch.count = row + count
    const bytes = (byteEnd[row + count - 1] as number) - (byteStart[row] as number)
    this.#lineBytes += (bytes / count - this.#lineBytes) / 8
  }
}

/** What a program answers. */
export const DONE = 0
export const SURPRISE = 1
export const NEW_TEXT = 2

// A view costs more than a few elements.
const SHORT = 48

function copyColumn<T extends Int32Array | Float64Array>(from: T, to: T, at: number, count: number): void {
  if (count > SHORT) to.set(from.subarray(0, count), at)
  else for (let i = 0; i < count; i++) to[at + i] = from[i] as number
}
