/**
 * Lines that are no events, each made from a sound one by one fault.
 *
 * M1  Whatever the fault, SEMANTICS calls the line malformed: never empty, never sound by chance.
 */
import { EncodedTexts } from './encoded-texts.ts'
import type { FieldRole } from './layout.ts'
import type { LineWriter, Override } from './line-writer.ts'
import type { Random } from './random.ts'

/** Above the 1 MiB that a record may have. */
const OVERSIZED_BYTES = 2_000_000

const LONG_TEXT = 'y'.repeat(513)

/** Values that no field of text may have. */
const BAD_TEXTS = [
  'true',
  '{}',
  '["camp-1"]',
  '"\\udc00"',
  '"a\\u0000b"',
  `"${LONG_TEXT}"`,
  '"tab\there"',
  '"\\x41"',
  'nul',
]

const BAD_VALUES: Readonly<Record<FieldRole['kind'], readonly string[]>> = {
  ownId: ['', 'null', '""', 'false', '{"id":1}', '[]', '"\\ud800"', '"\\u0000"', `"${LONG_TEXT}"`],
  impressionId: ['', 'null', '""', 'true', '{}', '[1]', '"x\\udfff"', `"${LONG_TEXT}"`],
  time: [
    '',
    'null',
    '""',
    'true',
    '[]',
    '{}',
    '-1',
    '1e400',
    '1700000000000.5',
    '9007199254740993',
    '01700000000000',
    '"yesterday"',
    '"2026-02-30T00:00:00Z"',
    '"2026-01-01T00:00:00"',
    '"2026-01-01T25:00:00Z"',
    '"2026-01-01T00:00:00.0001Z"',
    '"1700000000000.5"',
    '946684799999',
    '4133980800000',
    'NaN',
  ],
  text: BAD_TEXTS,
  money: ['"free"', '"0.1"', 'true', '[0.1]', '{}', '-1', '-0.0000005', '1000000.0000005', '1e400', '.5', '1.', '+1'],
}

/** Strings that are not UTF-8: a stray byte, an overlong form, a surrogate, a cut sequence. */
const BAD_UTF8: readonly (readonly number[])[] = [
  [0x22, 0xff, 0x22],
  [0x22, 0xc0, 0xaf, 0x22],
  [0x22, 0xed, 0xa0, 0x80, 0x22],
  [0x22, 0xe4, 0xbd, 0x22],
]

/** Whole lines. */
const BAD_LINES = new EncodedTexts(['[]', '{}', 'null', '"text"', '42', 'undefined', '{', '}{', '\u00a0{}', "{'a':1}"])

const FAULTS = ['truncated', 'whole', 'trailing', 'twice', 'byteOrderMark'] as const

/** Writes the malformed lines of one stream. */
export class MalformedLines {
  /** No line but an oversized one is longer. */
  readonly longestLine: number
  readonly #writer: LineWriter
  readonly #random: Random
  readonly #oversized: number
  readonly #overrides: readonly Override[]

  /** @param oversized share of these lines that are 2 MB long */
  constructor(writer: LineWriter, random: Random, oversized: number) {
    this.#writer = writer
    this.#random = random
    this.#oversized = oversized
    this.#overrides = writer.fields.flatMap(({ role }, field) => overridesOf(role, field))
    this.longestLine = 2 * writer.longestLine + LONG_TEXT.length + 16
  }

  /** Bytes to have ready for the next line; drawn before it is written. */
  draw(): { readonly bytes: number; readonly isOversized: boolean } {
    const isOversized = this.#oversized > 0 && this.#random.chance(this.#oversized)
    return { bytes: this.longestLine + (isOversized ? OVERSIZED_BYTES : 0), isOversized }
  }

  /** Writes a malformed relative of the delivery in `row` and returns where its line ends. */
  write(out: Uint8Array, at: number, row: number, isOversized: boolean): number {
    const random = this.#random
    const end = isOversized
      ? this.#writeOversized(out, at, row)
      : random.chance(0.6)
        ? this.#writer.writeRecord(out, at, row, false, this.#overrides[random.below(this.#overrides.length)])
        : this.#writeFaulty(out, at, row)
    out[end] = 0x0a
    return end + 1
  }

  #writeOversized(out: Uint8Array, at: number, row: number): number {
    const end = this.#writer.writeRecord(out, at, row, false, undefined)
    out.fill(0x20, end - 1, end - 1 + OVERSIZED_BYTES)
    out[end - 1 + OVERSIZED_BYTES] = 0x7d
    return end + OVERSIZED_BYTES
  }

  #writeFaulty(out: Uint8Array, at: number, row: number): number {
    const random = this.#random
    const fault = FAULTS[random.below(FAULTS.length)] ?? 'whole'
    if (fault === 'whole') return BAD_LINES.write(out, at, random.below(BAD_LINES.starts.length - 1))
    const end = this.#writer.writeRecord(out, at, row, false, undefined)
    if (fault === 'truncated') return at + 1 + random.below(end - at - 1)
    if (fault === 'twice') return this.#writer.writeRecord(out, end, row, false, undefined)
    if (fault === 'trailing') {
      out[end] = 0x2c
      return end + 1
    }
    // Not at the start: at the start of a file it would be ignored.
    out.copyWithin(at + 4, at + 1, end)
    out.set([0xef, 0xbb, 0xbf], at + 1)
    return end + 3
  }
}

function overridesOf(role: FieldRole, field: number): Override[] {
  const texts = new EncodedTexts(BAD_VALUES[role.kind])
  const values = BAD_VALUES[role.kind].map((_, index) =>
    texts.bytes.slice(texts.starts[index], texts.starts[index + 1]),
  )
  const isText = role.kind === 'text' || role.kind === 'ownId'
  return [...values, ...(isText ? BAD_UTF8.map((bytes) => Uint8Array.from(bytes)) : [])].map((json) => ({
    field,
    json,
  }))
}
