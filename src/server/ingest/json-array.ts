/**
 * A JSON array to lines, in place: no element is parsed or copied.
 *
 * A1  Every element becomes one line, in order; an array without elements becomes none.
 * A2  An element's line has the verdict of the element: LF outside of strings becomes a space, LF inside, where it is
 *     illegal, another byte that is illegal there.
 * A3  What is no array of elements from its first byte to its last is refused whole; what is wrong inside an element is
 *     that element's business.
 * A4  Nothing recurses, and one pass takes any bytes: it may be made in pieces.
 */

const LF = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const SPACE = 0x20
/** Illegal inside a string like the LF it stands for. */
const ILLEGAL = 0x01

/** Outside of strings: 1 for a byte that means something. */
const HAS_MEANING = new Uint8Array(256)
for (const byte of [LF, QUOTE, COMMA, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE, 0x09, 0x0d, SPACE])
  HAS_MEANING[byte] = 1

/** Cuts one array, which starts at `start` of `bytes` with its bracket, into lines. */
export class ArrayCutter {
  readonly #bytes: Uint8Array
  #pos: number
  /** Open brackets and braces; 0 once the array has ended. */
  #depth = 1
  #isInString = false
  #isEscaped = false
  /** Whether the element at hand has any byte. */
  #hasElement = false
  #elements = 0
  #problem: string | undefined
  /** After the bracket that closes the array. */
  #linesEnd = -1

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#pos = start + 1
  }

  /** Elements found so far. */
  get elements(): number {
    return this.#elements
  }

  /** Where the lines end, after the last LF. Lines begin one byte after the start of the array. */
  get linesEnd(): number {
    return this.#linesEnd
  }

  /** What is wrong with the array, once all of it was run through. */
  get problem(): string | undefined {
    if (this.#problem !== undefined || this.#depth === 0) return this.#problem
    return this.#isInString ? 'it ends inside a string' : 'it ends before its closing bracket'
  }

  /** Runs through the bytes up to `end`. Call it with rising ends, the last being that of the body. */
  run(end: number): void {
    while (this.#pos < end && this.#problem === undefined) {
      if (this.#depth === 0) this.#runTrailing(end)
      else if (this.#isInString) this.#runString(end)
      else this.#runPlain(end)
    }
  }

  #runTrailing(end: number): void {
    for (; this.#pos < end; this.#pos++) {
      if (isSpace(this.#bytes[this.#pos] as number)) continue
      this.#problem = `byte ${this.#pos} follows its closing bracket`
      return
    }
  }

  #runString(end: number): void {
    const bytes = this.#bytes
    let pos = this.#pos
    if (this.#isEscaped && pos < end) {
      if (bytes[pos] === LF) bytes[pos] = ILLEGAL
      this.#isEscaped = false
      pos++
    }
    for (; pos < end; pos++) {
      const byte = bytes[pos] as number
      if (byte === QUOTE) {
        this.#isInString = false
        pos++
        break
      }
      if (byte === LF) bytes[pos] = ILLEGAL
      else if (byte === BACKSLASH) {
        if (++pos >= end) {
          this.#isEscaped = true
          break
        }
        if (bytes[pos] === LF) bytes[pos] = ILLEGAL
      }
    }
    this.#pos = Math.min(pos, end)
  }

  #runPlain(end: number): void {
    const bytes = this.#bytes
    for (let pos = this.#pos; pos < end; pos++) {
      const byte = bytes[pos] as number
      if (HAS_MEANING[byte] === 0) {
        this.#hasElement = true
        continue
      }
      if (isSpace(byte)) {
        if (byte === LF) bytes[pos] = SPACE
        continue
      }
      if (byte === QUOTE) {
        this.#isInString = this.#hasElement = true
        this.#pos = pos + 1
        return
      }
      this.#structure(byte, pos)
      if (this.#depth === 0 || this.#problem !== undefined) {
        this.#pos = pos + 1
        return
      }
    }
    this.#pos = end
  }

  #structure(byte: number, pos: number): void {
    if (byte === COMMA) {
      if (this.#depth === 1) this.#endElement(pos)
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      this.#depth++
      this.#hasElement = true
    } else if (this.#depth > 1) this.#depth--
    else if (byte === CLOSE_BRACE) this.#problem = `byte ${pos} closes an object that was never opened`
    else this.#endArray(pos)
  }

  #endArray(pos: number): void {
    this.#depth = 0
    this.#linesEnd = pos + 1
    if (this.#hasElement || this.#elements > 0) this.#endElement(pos)
    else this.#bytes[pos] = LF
  }

  #endElement(pos: number): void {
    if (!this.#hasElement) {
      this.#problem = `there is nothing before byte ${pos}`
      return
    }
    this.#bytes[pos] = LF
    this.#hasElement = false
    this.#elements++
  }
}

/** JSON's white space. */
export function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LF || byte === 0x0d || byte === 0x09
}
