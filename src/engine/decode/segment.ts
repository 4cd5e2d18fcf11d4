/**
 * One step through a predicted record: bytes that must stand there, and what is done with the value after them.
 */
import type { Dictionary } from './dictionary.ts'
import { UUID_LENGTH } from './id-hash.ts'
import type { KnownField } from './record-fields.ts'
import { OPERATIONS, TIME_DIGITS } from './value-operations.ts'

const WORD_BYTES = 8
const TWO_WORDS = 2 * WORD_BYTES
const MAX_LITERAL_BYTES = 4096

/**
 * A literal and the value after it. The literal's first 24 bytes are compared as three words of eight, which may
 * overlap, as doubles: all bytes are printable, so no word is 0, -0 or not a number, and equal means equal bits.
 */
export interface Segment {
  readonly literal: Uint8Array
  readonly length: number
  /** Bytes the literal and the shortest value after it take. */
  readonly needed: number
  /** Bytes the literal takes and those after it that may be looked at unasked. */
  readonly room: number
  readonly word0: number
  readonly offset1: number
  readonly word1: number
  readonly offset2: number
  readonly word2: number
  /** What the three words leave to be compared: a literal shorter than a word, or bytes past the third word. */
  readonly restOffset: number
  readonly restLength: number
  readonly restByte: number
  /** One of {@link OPERATIONS}. */
  readonly operation: number
  readonly field: KnownField | undefined
  /** Index of the dimension or sum the value goes to, or -1. */
  readonly target: number
  readonly dictionary: Dictionary | undefined
}

/** Whether a literal may be compared word by word, and is short enough to be worth it. */
export function isPredictable(literal: Uint8Array): boolean {
  return literal.length <= MAX_LITERAL_BYTES && literal.every((byte) => byte >= 0x20 && byte < 0x7f)
}

/** A segment of a predictable literal. It is an object literal so that V8 knows its integers and doubles as such. */
export function makeSegment(
  literal: Uint8Array,
  operation: number,
  field: KnownField | undefined,
  dictionaries: readonly Dictionary[],
): Segment {
  const covered = literal.length < WORD_BYTES ? 0 : Math.min(literal.length, 3 * WORD_BYTES)
  const offset1 = Math.max(0, Math.min(WORD_BYTES, covered - WORD_BYTES))
  const offset2 = Math.max(0, covered - WORD_BYTES)
  const target = field === undefined ? -1 : field.type === 'money' ? field.sum : (field.dimensions[0] ?? -1)
  return {
    literal,
    length: literal.length,
    needed: literal.length + (operation === OPERATIONS.eventTime ? TIME_DIGITS : operation < 0 ? 0 : 1),
    room: literal.length + roomFor(operation),
    word0: wordOf(literal, 0),
    offset1,
    word1: wordOf(literal, offset1),
    offset2,
    word2: wordOf(literal, offset2),
    restOffset: covered,
    restLength: literal.length - covered,
    restByte: literal[covered] ?? 0,
    operation,
    field,
    target,
    dictionary: operation === OPERATIONS.dimension ? dictionaries[target] : undefined,
  }
}

/** Whether two segments stand for the same bytes and do the same. */
export function isSameSegment(a: Segment, b: Segment): boolean {
  return (
    a.operation === b.operation && a.length === b.length && a.literal.every((byte, index) => byte === b.literal[index])
  )
}

/** Whether the literal stands at `pos`, where {@link Segment.needed} bytes must exist. */
export function hasLiteral(segment: Segment, view: DataView, bytes: Uint8Array, pos: number): boolean {
  const length = segment.length
  if (length >= WORD_BYTES) {
    if (view.getFloat64(pos, true) !== segment.word0) return false
    if (view.getFloat64(pos + segment.offset1, true) !== segment.word1) return false
    if (length > TWO_WORDS && view.getFloat64(pos + segment.offset2, true) !== segment.word2) return false
  }
  return segment.restLength === 0 || hasRest(segment, bytes, pos)
}

/** Whether the bytes past the words stand there too. */
export function hasRest(segment: Segment, bytes: Uint8Array, pos: number): boolean {
  const literal = segment.literal
  for (let i = segment.restOffset; i < literal.length; i++) if (bytes[pos + i] !== literal[i]) return false
  return true
}

/** Eight bytes of a literal as a double; for a shorter one half of one, which is never compared. */
function wordOf(literal: Uint8Array, offset: number): number {
  if (literal.length < WORD_BYTES) return 0.5
  return new DataView(literal.buffer, literal.byteOffset, literal.byteLength).getFloat64(offset, true)
}

function roomFor(operation: number): number {
  switch (operation) {
    case OPERATIONS.skipString:
    case OPERATIONS.dimension:
      return 12
    case OPERATIONS.eventId:
    case OPERATIONS.impressionId:
      return UUID_LENGTH + 1
    case OPERATIONS.eventTime:
      return TIME_DIGITS
    case OPERATIONS.money:
      return 5
    default:
      return 1
  }
}
