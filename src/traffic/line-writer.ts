/**
 * Deliveries as lines of JSON, written straight into bytes: no string is made for an event.
 *
 * W1  A line is one JSON object and a line feed, with the fields of its stream in the order of the plan, or shuffled.
 * W2  An untouched line decodes to the values of its delivery, whatever its layout, escapes and white space.
 */
import { CODES, FLAGS, IMPRESSION_ID, OWN_ID, TIME_AS_TEXT, type Deliveries } from './deliveries.ts'
import { EncodedTexts, WORD_SLACK } from './encoded-texts.ts'
import type { LayoutField, TrafficLayout } from './layout.ts'
import type { Random } from './random.ts'
import type { TrafficSettings } from './settings.ts'
import { MAX_ID_BYTES, MAX_TIME_BYTES, writeId, writeTimeText, writeWhole } from './value-bytes.ts'
import { escapeNeedlessly, type FieldValues } from './values.ts'

/** A field whose value is written in place of its own; no bytes leave the key out. */
export interface Override {
  readonly field: number
  readonly json: Uint8Array
}

/** A field as it is written. */
interface WrittenField {
  readonly kind: 'id' | 'time' | 'coded'
  /** Where, in the row of a delivery, its code or the first lane of its id is. */
  readonly offset: number
  /** The values of a coded field. */
  readonly values: FieldValues | undefined
  /** Comma, key and value of a coded field for each code; of other fields the comma and the key, as text 0. */
  readonly plain: EncodedTexts
}

const COMMA = 0x2c
const SPACE = 0x20
const OPEN = 0x7b
const CLOSE = 0x7d
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Writes the lines of one stream. */
export class LineWriter {
  readonly fields: readonly LayoutField[]
  /** No line is longer, line feed included, overrides aside. */
  readonly longestLine: number
  readonly #written: readonly WrittenField[]
  readonly #deliveries: Deliveries
  readonly #random: Random
  readonly #order: Int32Array
  readonly #keys: EncodedTexts
  readonly #escapedKeys: EncodedTexts
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
    this.#deliveries = deliveries
    this.#random = random
    this.#order = Int32Array.from(fields, (_, index) => index)
    this.#shuffle = settings.shuffleKeys
    this.#escapes = settings.escapes
    this.#spaced = settings.producer === 'python'
    const colon = this.#spaced ? ': ' : ':'
    const comma = this.#spaced ? ', ' : ','
    const keys = fields.map((field) => JSON.stringify(field.name))
    this.#keys = new EncodedTexts(keys.map((key) => key + colon))
    this.#escapedKeys = new EncodedTexts(keys.map((key) => escapeNeedlessly(key) + colon))
    this.#written = fields.map((field, index) => writtenField(field, layout, `${comma}${keys[index]}${colon}`))
    this.longestLine = 8 + WORD_SLACK + fields.length * (2 + this.#escapedKeys.longest) + this.#longestValues()
  }

  #longestValues(): number {
    const lengths = this.#written.map(({ kind, values }) => {
      if (values !== undefined) return (this.#escapes > 0 ? values.escaped : values.json).longest
      return kind === 'time' ? MAX_TIME_BYTES : MAX_ID_BYTES
    })
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  /** Writes the delivery of `row` to `out` at `at` and returns where its line ends. `words` is a view of `out`. */
  write(out: Uint8Array, words: DataView, at: number, row: number): number {
    if (this.#shuffle) this.#shuffleOrder()
    if (this.#escapes > 0 && this.#random.chance(this.#escapes)) return this.#writeEscaped(out, at, row)
    at = this.#shuffle ? this.writeRecord(out, at, row, false, undefined) : this.#writePlain(out, words, at, row)
    out[at++] = LINE_FEED
    return at
  }

  /** The same bytes as `writeRecord` in the order of the plan: the path of nearly all lines. */
  #writePlain(out: Uint8Array, words: DataView, at: number, row: number): number {
    const { ints, stride } = this.#deliveries
    const first = row * stride
    const start = at
    for (const field of this.#written) {
      if (field.kind === 'coded') at = field.plain.writeWords(words, at, ints[first + field.offset] ?? 0)
      else at = this.#writeValue(out, field.plain.writeWords(words, at, 0), row, field, false)
    }
    // The comma before the first field gives its place to the brace; no id is ever left out, so there is one.
    if (this.#spaced) out.copyWithin(start + 1, start + 2, at--)
    out[start] = OPEN
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
    let separator = OPEN
    for (const index of this.#order) {
      const field = this.#written[index]
      const replacement = override?.field === index ? override.json : undefined
      if (field === undefined || (replacement?.length ?? this.#lengthOf(row, field)) === 0) continue
      out[at++] = separator
      if (separator === COMMA && this.#spaced) out[at++] = SPACE
      separator = COMMA
      at = keys.write(out, at, index)
      if (replacement === undefined) at = this.#writeValue(out, at, row, field, escaped)
      else {
        out.set(replacement, at)
        at += replacement.length
      }
    }
    if (separator === OPEN) out[at++] = OPEN
    out[at++] = CLOSE
    return at
  }

  /** Bytes of a coded value, 0 where it is left out; ids and times never are. */
  #lengthOf(row: number, { values, offset }: WrittenField): number {
    return values === undefined ? 1 : values.json.lengthOf(this.#intAt(row, offset))
  }

  #intAt(row: number, offset: number): number {
    return this.#deliveries.ints[row * this.#deliveries.stride + offset] ?? 0
  }

  #writeValue(out: Uint8Array, at: number, row: number, field: WrittenField, escaped: boolean): number {
    const { ints, stride, timesMs } = this.#deliveries
    if (field.kind === 'id') return writeId(out, at, ints, row * stride + field.offset, escaped)
    if (field.kind === 'time') {
      const timeMs = timesMs[row] ?? 0
      const isText = (this.#intAt(row, FLAGS) & TIME_AS_TEXT) !== 0
      return isText ? writeTimeText(out, at, timeMs) : writeWhole(out, at, timeMs)
    }
    const texts = escaped ? field.values?.escaped : field.values?.json
    return texts?.write(out, at, this.#intAt(row, field.offset)) ?? at
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

/** @param lead comma, key and colon */
function writtenField({ role }: LayoutField, layout: TrafficLayout, lead: string): WrittenField {
  const uncoded = { values: undefined, plain: new EncodedTexts([lead]) }
  if (role.kind === 'ownId') return { kind: 'id', offset: OWN_ID, ...uncoded }
  if (role.kind === 'impressionId') return { kind: 'id', offset: IMPRESSION_ID, ...uncoded }
  if (role.kind === 'time') return { kind: 'time', offset: FLAGS, ...uncoded }
  const isText = role.kind === 'text'
  const values: FieldValues | undefined = isText ? layout.texts[role.slot] : layout.moneys[role.slot]
  const plain = new EncodedTexts((values?.jsonTexts() ?? []).map((json) => (json === '' ? '' : lead + json)))
  return { kind: 'coded', offset: CODES + (isText ? 0 : layout.texts.length) + role.slot, values, plain }
}
