/**
 * The next whole lines of a file that grows.
 *
 * G1  At most `CHUNK_BYTES` are read at once; a line that is longer is read whole up to `MAX_LINE_BYTES`, and cut
 *     there: each piece is malformed, as the line would have been.
 * G2  A byte-order mark at the beginning is nothing.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { headLength, headOf, isSameFile, type FilePlace } from './file-positions.ts'
import type { FoundFile } from './found-files.ts'

const CHUNK_BYTES = 1 << 20
const MAX_LINE_BYTES = 1 << 24
const LINE_FEED = 0x0a
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** Lines, and where the file goes on after them. */
export interface ReadLines {
  /** Whole lines, each ended by LF; empty where only the place has changed. */
  readonly lines: Uint8Array
  /** Lines that hold more than white space. */
  readonly recordCount: number
  readonly place: FilePlace
  /** Whether there may be more to read at once. */
  readonly isMore: boolean
}

/**
 * Reads on.
 *
 * @param place where it was left; from the beginning where there is none, or where it is another file by now
 * @param hasEnded whether a last line without a line feed counts
 * @returns undefined where there is no whole line
 * @throws what the system says
 */
export function readLines(file: FoundFile, place: FilePlace | undefined, hasEnded: boolean): ReadLines | undefined {
  const fd = openSync(file.path, 'r')
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (`${stats.dev}:${stats.ino}` !== file.number) return undefined
    const head = readAt(fd, 0, headLength)
    const isKnown = place !== undefined && isSameFile(place, head, Number(stats.size))
    const offset = isKnown ? place.offset : firstByte(head)
    const chunk = readWhole(fd, offset)
    const end = endOfLines(chunk, hasEnded)
    if (end === 0) return undefined
    const lines = chunk[end - 1] === LINE_FEED ? chunk.subarray(0, end) : withLineFeed(chunk.subarray(0, end))
    const next = offset + end
    const known = { number: file.number, offset: next, ...headOf(head, next) }
    return { lines, recordCount: countRecords(lines), place: known, isMore: next < Number(stats.size) }
  } finally {
    closeSync(fd)
  }
}

function firstByte(head: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, index) => head[index] === byte) ? BYTE_ORDER_MARK.length : 0
}

// A chunk, or as much more as one long line takes.
function readWhole(fd: number, offset: number): Uint8Array {
  let chunk = readAt(fd, offset, CHUNK_BYTES)
  for (let length = CHUNK_BYTES; chunk.length === length && length < MAX_LINE_BYTES && !chunk.includes(LINE_FEED);) {
    length *= 2
    chunk = readAt(fd, offset, length)
  }
  return chunk
}

function readAt(fd: number, offset: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

function endOfLines(chunk: Uint8Array, hasEnded: boolean): number {
  const end = chunk.lastIndexOf(LINE_FEED) + 1
  if (end < chunk.length && (hasEnded ? chunk.length < CHUNK_BYTES : false)) return chunk.length
  return end === 0 && chunk.length >= MAX_LINE_BYTES ? chunk.length : end
}

function withLineFeed(line: Uint8Array): Uint8Array {
  const whole = new Uint8Array(line.length + 1)
  whole.set(line)
  whole[line.length] = LINE_FEED
  return whole
}

function countRecords(lines: Uint8Array): number {
  let count = 0
  let isBlank = true
  for (const byte of lines) {
    if (byte === LINE_FEED) {
      if (!isBlank) count++
      isBlank = true
    } else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) isBlank = false
  }
  return count
}
