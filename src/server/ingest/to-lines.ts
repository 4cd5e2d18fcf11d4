/**
 * A request's body to whole NDJSON lines: one event, a JSON array, or lines as they are.
 *
 * L1  `application/x-ndjson` is taken as it is: nothing is guessed.
 * L2  Otherwise a body that begins with `[` is an array; one whose first object is all there is, over several lines, is
 *     one event; anything else is lines.
 * L3  The last line counts without its LF; a byte-order mark at the start is dropped.
 * L4  Long bodies are worked through in pieces, so that other requests get their turn.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MAX_RECORD_BYTES } from '../../engine/decode/decoder.ts'
import { ArrayCutter, isSpace } from './json-array.ts'
import { Refusal } from './refusal.ts'

const LF = 0x0a
/** Bytes worked through before others get their turn: about a millisecond. */
export const PIECE_BYTES: number = 1 << 19

/**
 * Cuts a body into lines, in place; at once but for an array.
 *
 * @param body the body and one byte of room at its end
 * @param isLines whether the client says that these are lines
 */
export function toLines(body: Uint8Array, isLines: boolean): Uint8Array | Promise<Uint8Array | Refusal> {
  const end = body.length - 1
  const start = hasMark(body) ? 3 : 0
  if (isLines) return wholeLines(body, start, end)
  let first = start
  while (first < end && isSpace(body[first] as number)) first++
  if (body[first] === 0x5b && first < end) return cutArray(body, first, end)
  if (body[first] === 0x7b && first < end) joinOneObject(body, first, end)
  return wholeLines(body, first, end)
}

function hasMark(body: Uint8Array): boolean {
  return body.length > 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
}

function wholeLines(body: Uint8Array, start: number, end: number): Uint8Array {
  if (end <= start || body[end - 1] === LF) return body.subarray(start, end)
  body[end] = LF
  return body.subarray(start, end + 1)
}

async function cutArray(body: Uint8Array, start: number, end: number): Promise<Uint8Array | Refusal> {
  const cutter = new ArrayCutter(body, start)
  for (let to = start; to < end;) {
    to = Math.min(end, to + PIECE_BYTES)
    cutter.run(to)
    if (to < end) await nextTurn()
  }
  if (cutter.problem !== undefined)
    return new Refusal('broken_array', `The body is no whole JSON array: ${cutter.problem}. Nothing of it was taken.`)
  return cutter.elements === 0 ? body.subarray(0, 0) : body.subarray(start + 1, cutter.linesEnd)
}

/** Puts an object written over several lines on one, where nothing else follows it. */
function joinOneObject(body: Uint8Array, start: number, end: number): void {
  const firstLf = body.indexOf(LF, start)
  if (firstLf < 0 || firstLf >= end || endOfObject(body, start, firstLf) >= 0) return
  // A longer one is malformed, on however many lines.
  const objectEnd = endOfObject(body, start, Math.min(end, start + MAX_RECORD_BYTES))
  if (objectEnd < 0) return
  for (let pos = objectEnd; pos < end; pos++) if (!isSpace(body[pos] as number)) return
  // By the rules for an element of an array (A2).
  new ArrayCutter(body, start - 1).run(objectEnd)
}

/** After the object that begins at `start`, or -1 where it does not end before `end`. */
function endOfObject(body: Uint8Array, start: number, end: number): number {
  let depth = 0
  let isInString = false
  for (let pos = start; pos < end; pos++) {
    const byte = body[pos] as number
    if (isInString) {
      if (byte === 0x5c) pos++
      else if (byte === 0x22) isInString = false
    } else if (byte === 0x22) isInString = true
    else if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return pos + 1
  }
  return -1
}
