/**
 * Record batches as a broker sends them, turned in place into lines that the decoder reads: no object for a record, and
 * no second copy of its bytes.
 *
 * A record carries lengths, offset and key in front of its value, at least seven bytes. So the values of a block, each
 * with an LF behind it, fit to the left of where they are read from. The decoder then runs over them as over a file.
 *
 * R1  Every record of a committed batch, from the wanted offset on, is one line, whatever its value: one that is
 *     missing (a tombstone) or blank becomes `null`, which is no event. Keys and headers play no part.
 * R2  An LF inside a value becomes a CR: both are white space between JSON tokens, and neither may be in a JSON string.
 * R3  Control batches and batches of aborted transactions give no line; their offsets count as read.
 * R4  The checksum of a batch is checked before anything in it is believed. What does not fit is an error that names
 *     the offset, never an end.
 * R5  A block's last batch may be cut: it is left for the next fetch.
 */
import { crc32c } from '../../checkpoint/format/crc32c.ts'
import { messageOf, TidemarkError } from '../../errors.ts'
import { DAMAGE_FIX } from './kafka-errors.ts'

/**
 * Takes lines [start, end) of `bytes`, the first of which has offset `firstOffset`; the others have the next ones. The
 * bytes are good until it returns.
 */
export type TakeLines = (bytes: Uint8Array, start: number, end: number, firstOffset: number) => void

/** Undoes a compression of Kafka: 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
export type Decompress = (codec: number, bytes: Uint8Array) => Uint8Array

/** A transaction that was aborted: its producer's batches from `firstOffset` up to the abort marker never happened. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** Compressions by their number in a batch. */
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const LENGTH_END = 12
const LEADER_EPOCH = 12
const MAGIC = 16
const CRC = 17
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const PRODUCER_ID = 43
const RECORD_COUNT = 57
const RECORDS = 61
const IS_TRANSACTIONAL = 0x10
const IS_CONTROL = 0x20
const ABORT_MARKER = 0
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const NULL = [0x6e, 0x75, 0x6c, 0x6c] as const

export class RecordBatchReader {
  readonly #decompress: Decompress
  readonly #take: TakeLines
  /** Offset of the next record wanted. */
  #wanted = 0
  /** Bytes that records are read from and lines are written to. */
  #bytes: Uint8Array = new Uint8Array(0)
  /** The same ones, as what searches them many at a time. */
  #search: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0
  /** The lines that wait to be taken: [runStart, out), which end before `runNext`. */
  #runStart = 0
  #out = 0
  #runFirst = 0
  #runNext = 0
  /** The next LF at or after where it was looked for; beyond the bytes where there is none. */
  #nextLf = -1
  #producers = new Set<number>()

  constructor(decompress: Decompress, take: TakeLines) {
    this.#decompress = decompress
    this.#take = take
  }

  /**
   * Hands out the records of the whole batches in `block` from offset `position` on. The block's bytes are used up.
   *
   * @param aborted the aborted transactions that reach into the block, as the broker lists them
   * @returns the offset after the last whole batch, or `position` where there was none
   * @throws TidemarkError KAFKA_CORRUPT
   */
  read(block: Uint8Array, position: number, aborted: readonly AbortedTransaction[]): number {
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
    const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
    this.#wanted = position
    this.#producers = new Set()
    this.#use(block)
    let next = position
    for (let at = 0; at + LENGTH_END <= block.length;) {
      const end = at + LENGTH_END + view.getInt32(at + 8)
      if (end > block.length) break
      const base = offsetAt(view, at)
      if (end < at + RECORDS) throw corrupt(base, 'it is shorter than its header')
      checkBatch(view, block, at, end, base)
      const last = base + view.getInt32(at + LAST_OFFSET_DELTA)
      while ((waiting[0]?.firstOffset ?? Infinity) <= last) this.#producers.add(waiting.shift()?.producerId ?? -1)
      this.#batch(view, block, at, end, base)
      next = Math.max(next, last + 1)
      at = end
    }
    this.#flush()
    return next
  }

  #batch(view: DataView, block: Uint8Array, at: number, end: number, base: number): void {
    const attributes = view.getInt16(at + ATTRIBUTES)
    const producer = offsetAt(view, at + PRODUCER_ID)
    const count = view.getInt32(at + RECORD_COUNT)
    const codec = attributes & 7
    if ((attributes & IS_CONTROL) !== 0) {
      if (count > 0 && codec === 0 && this.#isAbort(block, at + RECORDS, end, base)) this.#producers.delete(producer)
      return
    }
    if ((attributes & IS_TRANSACTIONAL) !== 0 && this.#producers.has(producer)) return
    if (codec === 0) {
      this.#at = at + RECORDS
      this.#end = end
      this.#records(base, count)
      return
    }
    this.#flush()
    this.#use(this.#inflate(codec, block.subarray(at + RECORDS, end), base))
    this.#records(base, count)
    this.#flush()
    this.#use(block)
    // What is to the left was read already, and the lines of later batches may go there.
    this.#out = this.#runStart = at
  }

  /** Begins with other bytes. */
  #use(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#search = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = 0
    this.#end = bytes.length
    this.#out = this.#runStart = 0
    this.#nextLf = -1
  }

  #inflate(codec: number, bytes: Uint8Array, base: number): Uint8Array {
    if (codec >= COMPRESSIONS.length) throw corrupt(base, `compression ${codec} is not known`)
    try {
      return this.#decompress(codec, bytes)
    } catch (error) {
      const reason = messageOf(error)
      throw corrupt(base, `its ${COMPRESSIONS[codec] ?? ''} bytes cannot be decompressed: ${reason}`)
    }
  }

  #records(base: number, count: number): void {
    const bytes = this.#bytes
    for (let i = 0; i < count; i++) {
      const length = this.#varint(base)
      const end = this.#at + length
      if (length < 6 || end > this.#end) throw corrupt(base, 'a record reaches beyond its end')
      this.#at++
      while ((bytes[this.#at++] as number) > 127);
      const offset = base + this.#varint(base)
      const keyLength = this.#varint(base)
      if (keyLength > 0) this.#at += keyLength
      const valueLength = this.#varint(base)
      if (this.#at + Math.max(0, valueLength) > end) throw corrupt(base, 'a value reaches beyond its record')
      if (offset >= this.#wanted) this.#line(this.#at, this.#at + valueLength, offset)
      this.#at = end
    }
  }

  /** Moves a value to the left and ends it by an LF; a length of −1 is a value that is missing. */
  #line(start: number, end: number, offset: number): void {
    const bytes = this.#bytes
    if (offset !== this.#runNext) {
      this.#flush()
      this.#runFirst = offset
    }
    this.#runNext = offset + 1
    if (this.#isBlank(start, end)) {
      for (const byte of NULL) bytes[this.#out++] = byte
    } else {
      if (this.#hasLf(start, end)) for (let i = start; i < end; i++) if (bytes[i] === LF) bytes[i] = CR
      bytes.copyWithin(this.#out, start, end)
      this.#out += end - start
    }
    bytes[this.#out++] = LF
  }

  #hasLf(start: number, end: number): boolean {
    if (this.#nextLf < start) {
      const found = this.#search.indexOf(LF, start)
      this.#nextLf = found < 0 ? Infinity : found
    }
    return this.#nextLf < end
  }

  #isBlank(start: number, end: number): boolean {
    let at = start
    while (at < end && (this.#bytes[at] as number) <= SPACE) at++
    return at >= end
  }

  #flush(): void {
    if (this.#out > this.#runStart) this.#take(this.#bytes, this.#runStart, this.#out, this.#runFirst)
    this.#runStart = this.#out
    this.#runNext = -1
  }

  /** Whether a control batch says that a transaction was aborted: the second half of its record's key. */
  #isAbort(block: Uint8Array, start: number, end: number, base: number): boolean {
    const isOwn = this.#bytes === block
    if (!isOwn) throw corrupt(base, 'a control batch in the middle of another')
    this.#at = start
    this.#end = end
    this.#varint(base)
    this.#at++
    while ((block[this.#at++] as number) > 127);
    this.#varint(base)
    const keyLength = this.#varint(base)
    return keyLength >= 4 && (((block[this.#at + 2] as number) << 8) | (block[this.#at + 3] as number)) === ABORT_MARKER
  }

  /** A zigzag number of up to five bytes. */
  #varint(base: number): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++] as number
      value |= (byte & 127) << shift
      if (byte < 128) return (value >>> 1) ^ -(value & 1)
    }
    throw corrupt(base, 'a number in it has no end')
  }
}

function checkBatch(view: DataView, block: Uint8Array, at: number, end: number, base: number): void {
  const magic = view.getInt8(at + MAGIC)
  if (magic !== 2) throw corrupt(base, `it has format ${magic}, older than Kafka 0.11 (allowed: 2)`)
  const stored = view.getUint32(at + CRC)
  const found = crc32c(block, at + ATTRIBUTES, end)
  if (stored !== found) throw corrupt(base, `its checksum is ${found.toString(16)} instead of ${stored.toString(16)}`)
}

/** A 64-bit integer as a number: exact up to 2^53, as far as offsets go. */
function offsetAt(view: DataView, at: number): number {
  return view.getInt32(at) * 4_294_967_296 + view.getUint32(at + 4)
}

function corrupt(offset: number, reason: string): TidemarkError {
  return new TidemarkError('KAFKA_CORRUPT', `The record batch at offset ${offset} is damaged: ${reason}.`, {
    fix: DAMAGE_FIX,
  })
}

/** What the headers of a block say of its last whole batch. */
export interface LastBatch {
  /** The offset after it; where there is none, or all of the block lies before `position`, that. */
  readonly next: number
  /** Of the leader that took it in; −1 where there is none. */
  readonly leaderEpoch: number
}

/** Looks at the headers of a block, and at nothing else. */
export function lastBatchOf(block: Uint8Array, position: number): LastBatch {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  let next = position
  let leaderEpoch = -1
  for (let at = 0; at + RECORDS <= block.length;) {
    const end = at + LENGTH_END + view.getInt32(at + 8)
    if (end > block.length || end <= at) break
    next = Math.max(next, offsetAt(view, at) + view.getInt32(at + LAST_OFFSET_DELTA) + 1)
    leaderEpoch = view.getInt32(at + LEADER_EPOCH)
    at = end
  }
  return { next, leaderEpoch }
}
