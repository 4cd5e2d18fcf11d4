/**
 * The grammar of JSON over bytes: accepts exactly what `JSON.parse` accepts of valid UTF-8, and finds the values of
 * known fields.
 *
 * G1  The verdict is that of `JSON.parse` on the decoded text; invalid UTF-8 anywhere is a failure of its own.
 * G2  Nothing recurses: a record may nest as deep as it is long.
 * G3  Of a key given twice the last counts; keys are compared unescaped.
 * G4  No byte outside [start, end) decides anything.
 */
import { unescapeString } from './text-values.ts'
import { sequenceLength } from './utf8.ts'
import { FieldIndex, UNKNOWN_FIELD } from './record-fields.ts'

/** What a field holds, as {@link JsonScanner.kinds} has it. */
export const ABSENT = 0
export const NULL = 1
export const STRING = 2
export const NUMBER = 3
/** A boolean, an object or an array. */
export const OTHER = 4

/** What a scan ends with. */
export const IS_OBJECT = 0
export const IS_OTHER_JSON = 1
export const NOT_JSON = -1
export const INVALID_UTF8 = -2

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Inside a string: 0 for a byte that stands for itself, 1 for all others. */
const ENDS_PLAIN_RUN: Uint8Array = new Uint8Array(256).fill(1, 0, 0x20).fill(1, 0x80)
ENDS_PLAIN_RUN[QUOTE] = 1
ENDS_PLAIN_RUN[BACKSLASH] = 1

/** Top-level members whose places are kept, in order. */
export const MAX_TRACKED_MEMBERS = 64

/** Scans one record at a time; what it found stays until the next scan. */
export class JsonScanner {
  /** For each known field: the kind of its value, and where that is; a string's without its quotes. */
  readonly kinds: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** For each known field: whether its string holds escapes. */
  readonly escaped: Uint8Array
  /** For each of the first top-level members in order: its field, and the kind and place of its value. */
  readonly memberFields: Int16Array = new Int16Array(MAX_TRACKED_MEMBERS)
  /** Where the opening quote of its key is. */
  readonly memberKeyStarts: Int32Array = new Int32Array(MAX_TRACKED_MEMBERS)
  readonly memberKinds: Uint8Array = new Uint8Array(MAX_TRACKED_MEMBERS)
  readonly memberStarts: Int32Array = new Int32Array(MAX_TRACKED_MEMBERS)
  readonly memberEnds: Int32Array = new Int32Array(MAX_TRACKED_MEMBERS)
  /** Top-level members, also those not kept. */
  memberCount = 0

  readonly #index: FieldIndex
  readonly #keyText: Uint8Array
  /** Open containers, outermost first: the bytes that close them. */
  #closers = new Uint8Array(64)
  #depth = 0
  #sawEscape = false
  #field = UNKNOWN_FIELD
  #keyStart = 0

  constructor(names: readonly Uint8Array[]) {
    this.#index = new FieldIndex(names)
    this.#keyText = new Uint8Array(this.#index.maxNameBytes * 6 + 8)
    this.kinds = new Uint8Array(names.length)
    this.starts = new Int32Array(names.length)
    this.ends = new Int32Array(names.length)
    this.escaped = new Uint8Array(names.length)
  }

  /**
   * Scans the record [start, end): {@link IS_OBJECT}, {@link IS_OTHER_JSON}, {@link NOT_JSON} or {@link INVALID_UTF8}.
   */
  scan(bytes: Uint8Array, start: number, end: number): number {
    this.kinds.fill(ABSENT)
    this.memberCount = 0
    this.#depth = 0
    const first = skipSpace(bytes, start, end)
    let pos = first
    do {
      pos = this.#scanValue(bytes, pos, end)
      if (pos >= 0) pos = this.#afterValue(bytes, pos, end)
    } while (pos >= 0 && this.#depth > 0)
    if (pos < 0) return pos
    if (pos !== end) return NOT_JSON
    return bytes[first] === OPEN_BRACE ? IS_OBJECT : IS_OTHER_JSON
  }

  /** Scans one scalar or opens containers up to the next scalar; gives the position after it, or a failure. */
  #scanValue(bytes: Uint8Array, start: number, end: number): number {
    let pos = start
    while (pos < end) {
      const byte = bytes[pos] as number
      if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return this.#scanScalar(bytes, pos, end)
      const closer = byte + 2
      const inner = skipSpace(bytes, pos + 1, end)
      if (inner < end && bytes[inner] === closer) {
        if (this.#depth === 1) this.#keep(OTHER, pos, inner + 1)
        return inner + 1
      }
      if (this.#depth === 1) this.#keep(OTHER, pos, pos)
      this.#push(closer)
      pos = closer === CLOSE_BRACE ? this.#scanKey(bytes, inner, end) : inner
      if (pos < 0) return pos
    }
    return NOT_JSON
  }

  #scanScalar(bytes: Uint8Array, pos: number, end: number): number {
    const byte = bytes[pos] as number
    if (byte === QUOTE) {
      const after = this.#scanString(bytes, pos + 1, end)
      if (after >= 0 && this.#depth === 1) this.#keep(STRING, pos + 1, after - 1)
      return after
    }
    if (byte === MINUS || (byte >= ZERO && byte <= 0x39)) {
      const after = scanNumber(bytes, pos, end)
      if (after >= 0 && this.#depth === 1) this.#keep(NUMBER, pos, after)
      return after
    }
    const after = scanWord(bytes, pos, end)
    if (after >= 0 && this.#depth === 1) this.#keep(byte === 0x6e ? NULL : OTHER, pos, after)
    return after
  }

  /** From the end of a value to the start of the next, or to the end of the outermost one. */
  #afterValue(bytes: Uint8Array, start: number, end: number): number {
    let pos = skipSpace(bytes, start, end)
    while (this.#depth > 0) {
      if (pos >= end) return NOT_JSON
      const byte = bytes[pos] as number
      const closer = this.#closers[this.#depth - 1] as number
      if (byte === COMMA) {
        pos = skipSpace(bytes, pos + 1, end)
        return closer === CLOSE_BRACE ? this.#scanKey(bytes, pos, end) : pos
      }
      if (byte !== closer) return NOT_JSON
      this.#depth--
      pos = skipSpace(bytes, pos + 1, end)
    }
    return pos
  }

  /** Scans a key and its colon; gives the start of its value. */
  #scanKey(bytes: Uint8Array, pos: number, end: number): number {
    if (pos >= end || bytes[pos] !== QUOTE) return NOT_JSON
    const after = this.#scanString(bytes, pos + 1, end)
    if (after < 0) return after
    if (this.#depth === 1) {
      this.#keyStart = pos
      this.#field = this.#fieldOf(bytes, pos + 1, after - 1)
    }
    const colon = skipSpace(bytes, after, end)
    if (colon >= end || bytes[colon] !== COLON) return NOT_JSON
    return skipSpace(bytes, colon + 1, end)
  }

  #fieldOf(bytes: Uint8Array, start: number, end: number): number {
    if (!this.#sawEscape) return this.#index.find(bytes, start, end)
    // An escape takes at most six bytes for one: a longer key names no known field.
    if (end - start > this.#index.maxNameBytes * 6) return UNKNOWN_FIELD
    return this.#index.find(this.#keyText, 0, unescapeString(bytes, start, end, this.#keyText))
  }

  #keep(kind: number, start: number, end: number): void {
    const field = this.#field
    if (this.memberCount < MAX_TRACKED_MEMBERS) {
      this.memberFields[this.memberCount] = field
      this.memberKeyStarts[this.memberCount] = this.#keyStart
      this.memberKinds[this.memberCount] = kind
      this.memberStarts[this.memberCount] = start
      this.memberEnds[this.memberCount] = end
    }
    this.memberCount++
    if (field === UNKNOWN_FIELD) return
    this.kinds[field] = kind
    this.starts[field] = start
    this.ends[field] = end
    this.escaped[field] = this.#sawEscape ? 1 : 0
  }

  #push(closer: number): void {
    if (this.#depth === this.#closers.length) {
      const deeper = new Uint8Array(this.#depth * 2)
      deeper.set(this.#closers)
      this.#closers = deeper
    }
    this.#closers[this.#depth++] = closer
  }

  /** From after the opening quote to after the closing one. */
  #scanString(bytes: Uint8Array, start: number, end: number): number {
    this.#sawEscape = false
    let pos = start
    for (;;) {
      while (pos < end && ENDS_PLAIN_RUN[bytes[pos] as number] === 0) pos++
      if (pos >= end) return NOT_JSON
      const byte = bytes[pos] as number
      if (byte === QUOTE) return pos + 1
      if (byte === BACKSLASH) {
        const length = escapeLength(bytes, pos, end)
        if (length === 0) return NOT_JSON
        this.#sawEscape = true
        pos += length
      } else if (byte >= 0x80) {
        const length = sequenceLength(bytes, pos, end)
        if (length === 0) return INVALID_UTF8
        pos += length
      } else return NOT_JSON
    }
  }
}

/** JSON's white space: space, tab, LF, CR. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  while (pos < end && (bytes[pos] as number) <= 0x20 && isSpace(bytes[pos] as number)) pos++
  return pos
}

/** From the first byte of a JSON number to after its last, or {@link NOT_JSON}. */
export function scanNumber(bytes: Uint8Array, start: number, end: number): number {
  let pos = bytes[start] === MINUS ? start + 1 : start
  if (pos < end && bytes[pos] === ZERO) pos++
  else if ((pos = scanDigits(bytes, pos, end)) < 0) return NOT_JSON
  if (pos < end && bytes[pos] === 0x2e && (pos = scanDigits(bytes, pos + 1, end)) < 0) return NOT_JSON
  if (pos < end && ((bytes[pos] as number) | 0x20) === 0x65) {
    const sign = pos + 1 < end ? (bytes[pos + 1] as number) : 0
    pos = scanDigits(bytes, sign === 0x2b || sign === MINUS ? pos + 2 : pos + 1, end)
  }
  return pos
}

/** From a run of one or more digits to after it, or {@link NOT_JSON}. */
function scanDigits(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  while (pos < end && (bytes[pos] as number) >= ZERO && (bytes[pos] as number) <= 0x39) pos++
  return pos === start ? NOT_JSON : pos
}

/** Length of the escape that starts with the backslash at `pos`, or 0. */
function escapeLength(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 1 >= end) return 0
  switch (bytes[pos + 1] as number) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2
    case 0x75:
      if (pos + 6 > end) return 0
      for (let i = 2; i < 6; i++) if (!isHexDigit(bytes[pos + i] as number)) return 0
      return 6
    default:
      return 0
  }
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20
  return (byte >= ZERO && byte <= 0x39) || (letter >= 0x61 && letter <= 0x66)
}

const WORDS: readonly Uint8Array[] = ['true', 'false', 'null'].map((word) =>
  Uint8Array.from(word, (letter) => letter.charCodeAt(0)),
)

/** From `true`, `false` or `null` to after it, or a failure. */
function scanWord(bytes: Uint8Array, pos: number, end: number): number {
  for (const word of WORDS) {
    if (pos + word.length <= end && word.every((letter, i) => bytes[pos + i] === letter)) return pos + word.length
  }
  return NOT_JSON
}
