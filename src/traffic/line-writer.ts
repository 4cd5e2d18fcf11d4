/**
 * Deliveries as lines of JSON, written straight into bytes: no string is made for an event.
 *
 * W1  A line is one JSON object and a line feed, with the fields of its stream in the order of the plan, or shuffled.
 * W2  An untouched line decodes to the values of its delivery, whatever its layout, escapes and white space.
 */
import { CODES, FLAGS, IMPRESSION_ID, OWN_ID, TIME_AS_TEXT, type Deliveries } from './deliveries.ts'
import { EncodedTexts } from './encoded-texts.ts'
import { escapeNeedlessly } from './values.ts'
import type { FieldRole, LayoutField, TrafficLayout } from './layout.ts'
import type { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'

/** A field whose value is written in place of its own; no bytes leave the key out. */
export interface Override {
  readonly field: number
  readonly json: Uint8Array
}

const QUOTE = 0x22
const COMMA = 0x2c
const SPACE = 0x20
const MINUS = 0x2d
const OPEN = 0x7b
const CLOSE = 0x7d
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

const UUID_BYTES = 36
const ESCAPE_BYTES = 6
const TIME_BYTES = 26
const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** Writes the lines of one stream. */
export class LineWriter {
  readonly fields: readonly LayoutField[]
  /** No line is longer, line feed included, overrides aside. */
  readonly longestLine: number
  readonly #roles: readonly FieldRole[]
  readonly #layout: TrafficLayout
  readonly #deliveries: Deliveries
  readonly #random: Random
  readonly #order: Int32Array
  readonly #keys: EncodedTexts
  readonly #escapedKeys: EncodedTexts
  /** Keys with the separators before them. */
  readonly #plainKeys: EncodedTexts
  readonly #shuffle: boolean
  readonly #escapes: number
  readonly #spaced: boolean

  constructor(
    fields: readonly LayoutField[],
    layout: TrafficLayout,
    deliveries: Deliveries,
    settings: TrafficSettings,
    random: Random,
  ) {
    this.fields = fields
    this.#roles = fields.map((field) => field.role)
    this.#layout = layout
    this.#deliveries = deliveries
    this.#random = random
    this.#order = Int32Array.from(fields, (_, index) => index)
    this.#shuffle = settings.shuffleKeys
    this.#escapes = settings.escapes
    this.#spaced = settings.producer === 'python'
    const colon = this.#spaced ? ': ' : ':'
    const keys = fields.map((field) => JSON.stringify(field.name))
    this.#keys = new EncodedTexts(keys.map((key) => key + colon))
    const comma = this.#spaced ? ', ' : ','
    this.#plainKeys = new EncodedTexts(keys.map((key, index) => (index === 0 ? '{' : comma) + key + colon))
    this.#escapedKeys = new EncodedTexts(keys.map((key) => escapeNeedlessly(key) + colon))
    this.longestLine = 8 + fields.length * (2 + this.#escapedKeys.longest) + this.#longestValues()
  }

  #longestValues(): number {
    const lengths = this.#roles.map((role) => {
      const values = role.kind === 'text' ? this.#layout.texts[role.slot] : undefined
      if (role.kind === 'text') return (this.#escapes > 0 ? values?.escaped : values?.json)?.longest ?? 0
      if (role.kind === 'money') return this.#layout.moneys[role.slot]?.json.longest ?? 0
      return role.kind === 'time' ? TIME_BYTES : UUID_BYTES + ESCAPE_BYTES + 2
    })
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  /** Writes the delivery of `row` to `out` at `at` and returns where its line ends. */
  write(out: Uint8Array, at: number, row: number): number {
    if (this.#shuffle) this.#shuffleOrder()
    if (this.#escapes > 0 && this.#random.chance(this.#escapes)) return this.#writeEscaped(out, at, row)
    at = this.#shuffle ? this.writeRecord(out, at, row, false, undefined) : this.#writePlain(out, at, row)
    out[at++] = LINE_FEED
    return at
  }

  /** The same bytes as `writeRecord` for a row in the order of the plan: the path of nearly all lines. */
  #writePlain(out: Uint8Array, at: number, row: number): number {
    const roles = this.#roles
    const plainKeys = this.#plainKeys
    for (let field = 0; field < roles.length; field++) {
      const role = roles[field]
      // The first field may be left out too, and then the next one must open the record.
      if (role === undefined || (field === 0 && role.kind !== 'ownId') || this.#isLeftOut(role, row)) {
        if (field === 0) return this.writeRecord(out, at, row, false, undefined)
        continue
      }
      at = plainKeys.write(out, at, field)
      at = this.#writeValue(out, at, row, role, false)
    }
    out[at++] = CLOSE
    return at
  }

  #writeEscaped(out: Uint8Array, at: number, row: number): number {
    const padded = this.#random.chance(0.25)
    if (padded) out[at++] = SPACE
    at = this.writeRecord(out, at, row, true, undefined)
    if (padded) out[at++] = CARRIAGE_RETURN
    out[at++] = LINE_FEED
    return at
  }

  /** Writes the object of `row` without line feed, with one field's value replaced. */
  writeRecord(out: Uint8Array, at: number, row: number, escaped: boolean, override: Override | undefined): number {
    const keys = escaped && this.#random.chance(0.25) ? this.#escapedKeys : this.#keys
    const order = this.#order
    let separator = OPEN
    for (let i = 0; i < order.length; i++) {
      const field = order[i] ?? 0
      const role = this.#roles[field]
      if (role === undefined) continue
      const replaced = override !== undefined && override.field === field
      if (replaced ? override.json.length === 0 : this.#isLeftOut(role, row)) continue
      out[at++] = separator
      if (separator === COMMA && this.#spaced) out[at++] = SPACE
      separator = COMMA
      at = keys.write(out, at, field)
      if (replaced) {
        out.set(override.json, at)
        at += override.json.length
      } else at = this.#writeValue(out, at, row, role, escaped)
    }
    if (separator === OPEN) out[at++] = OPEN
    out[at++] = CLOSE
    return at
  }

  #isLeftOut(role: FieldRole, row: number): boolean {
    if (role.kind === 'text')
      return (this.#layout.texts[role.slot]?.json.lengthOf(this.#textCode(row, role.slot)) ?? 0) === 0
    if (role.kind !== 'money') return false
    return (this.#layout.moneys[role.slot]?.json.lengthOf(this.#moneyCode(row, role.slot)) ?? 0) === 0
  }

  #textCode(row: number, slot: number): number {
    return this.#deliveries.ints[row * this.#deliveries.stride + CODES + slot] ?? 0
  }

  #moneyCode(row: number, slot: number): number {
    return this.#textCode(row, this.#layout.texts.length + slot)
  }

  #writeValue(out: Uint8Array, at: number, row: number, role: FieldRole, escaped: boolean): number {
    const { ints, stride, timesMs } = this.#deliveries
    switch (role.kind) {
      case 'text': {
        const values = this.#layout.texts[role.slot]
        if (values === undefined) return at
        return (escaped ? values.escaped : values.json).write(out, at, this.#textCode(row, role.slot))
      }
      case 'money':
        return this.#layout.moneys[role.slot]?.json.write(out, at, this.#moneyCode(row, role.slot)) ?? at
      case 'ownId':
        return writeId(out, at, ints, row * stride + OWN_ID, escaped)
      case 'impressionId':
        return writeId(out, at, ints, row * stride + IMPRESSION_ID, escaped)
      case 'time': {
        const timeMs = timesMs[row] ?? 0
        const asText = ((ints[row * stride + FLAGS] ?? 0) & TIME_AS_TEXT) !== 0
        return asText ? writeTimeText(out, at, timeMs) : writeWhole(out, at, timeMs)
      }
    }
  }

  #shuffleOrder(): void {
    const order = this.#order
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1)
      const swapped = order[i] ?? 0
      order[i] = order[j] ?? 0
      order[j] = swapped
    }
  }
}

/** Writes four lanes as a UUID in quotes; escaped, its first digit is a `\u` escape. */
function writeId(out: Uint8Array, at: number, lanes: Int32Array, first: number, escaped: boolean): number {
  out[at++] = QUOTE
  const start = at
  if (escaped) at += ESCAPE_BYTES - 1
  at = writeHex(out, at, lanes[first] ?? 0, 28, 0)
  out[at++] = MINUS
  at = writeHex(out, at, lanes[first + 1] ?? 0, 28, 16)
  out[at++] = MINUS
  at = writeHex(out, at, lanes[first + 1] ?? 0, 12, 0)
  out[at++] = MINUS
  at = writeHex(out, at, lanes[first + 2] ?? 0, 28, 16)
  out[at++] = MINUS
  at = writeHex(out, at, lanes[first + 2] ?? 0, 12, 0)
  at = writeHex(out, at, lanes[first + 3] ?? 0, 28, 0)
  if (escaped) escapeDigit(out, start)
  out[at++] = QUOTE
  return at
}

/** Writes the hexadecimal digits of `lane` from the one at bit `from` down to the one at bit `to`. */
function writeHex(out: Uint8Array, at: number, lane: number, from: number, to: number): number {
  for (let shift = from; shift >= to; shift -= 4) out[at++] = HEX[(lane >>> shift) & 15] ?? 0
  return at
}

/** Puts the `\u00XX` form of the ASCII character at `start + 5` into the six bytes from `start`. */
function escapeDigit(out: Uint8Array, start: number): void {
  const unit = out[start + ESCAPE_BYTES - 1] ?? 0
  out[start] = 0x5c
  out[start + 1] = 0x75
  out[start + 2] = HEX[0] ?? 0
  out[start + 3] = HEX[0] ?? 0
  out[start + 4] = HEX[unit >> 4] ?? 0
  out[start + 5] = HEX[unit & 15] ?? 0
}

/** Writes a whole number from 0 to 2^53: nearly always a time of today, in 13 digits. */
function writeWhole(out: Uint8Array, at: number, value: number): number {
  // Two halves of at most 9 and 7 digits: 32-bit division is several times quicker than division of doubles.
  let high = Math.floor(value / 10_000_000) | 0
  let low = (value - high * 10_000_000) | 0
  const end = at + digitsOf(value)
  for (let i = end - 1; i >= at; i--) {
    if (i >= end - 7) {
      out[i] = 48 + (low % 10)
      low = (low / 10) | 0
    } else {
      out[i] = 48 + (high % 10)
      high = (high / 10) | 0
    }
  }
  return end
}

function digitsOf(value: number): number {
  if (value >= 1e12 && value < 1e13) return 13
  let digits = 1
  for (let bound = 10; value >= bound; bound *= 10) digits++
  return digits
}

/** A time as text: as ISO-8601 when it is even, as digits when it is odd. */
function writeTimeText(out: Uint8Array, at: number, timeMs: number): number {
  const text = timeMs % 2 === 0 ? new Date(timeMs).toISOString() : String(timeMs)
  out[at++] = QUOTE
  for (let i = 0; i < text.length; i++) out[at++] = text.charCodeAt(i)
  out[at++] = QUOTE
  return at
}
