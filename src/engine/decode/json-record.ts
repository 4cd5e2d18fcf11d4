/**
 * The general parser: one record's bytes, whatever they are, to one row of a batch.
 *
 * R1  The whole record is judged as JSON and UTF-8 before any field is looked at; then known fields in the order of the
 *     plan. The first failure is the row's reason.
 * R2  The value columns of a malformed row hold nothing of meaning (B2).
 * R3  This is the meaning of a record. Whatever decodes faster must agree with it on every input.
 */
import { MALFORMED_REASONS, type EventBatch, type MalformedReason } from '../event-batch.ts'
import type { Dictionary } from './dictionary.ts'
import type { IdHash } from './id-hash.ts'
import {
  ABSENT,
  INVALID_UTF8,
  IS_OBJECT,
  IS_OTHER_JSON,
  JsonScanner,
  NOT_JSON,
  NULL,
  NUMBER,
  OTHER,
  STRING,
} from './json-scan.ts'
import type { KnownField } from './record-fields.ts'
import {
  isUnstorable,
  MAX_TEXT_BYTES,
  parseMoney,
  parseTimeNumber,
  parseTimeText,
  unescapeString,
} from './text-values.ts'

/** Codes of {@link MALFORMED_REASONS}. */
export const REASON: Readonly<Record<MalformedReason, number>> = Object.freeze(
  Object.fromEntries(MALFORMED_REASONS.map((reason, code) => [reason, code])),
) as Readonly<Record<MalformedReason, number>>

/** `malformedField` where no field is to blame. */
export const NO_FIELD = 255

/** Parses records of one stream into batches. What its `scanner` found stays until the next record. */
export class RecordParser {
  readonly scanner: JsonScanner
  readonly #fields: readonly KnownField[]
  readonly #dictionaries: readonly Dictionary[]
  readonly #idHash: IdHash
  /** The unescaped text of the field at hand. */
  #text = new Uint8Array(MAX_TEXT_BYTES * 6 + 8)

  constructor(fields: readonly KnownField[], dictionaries: readonly Dictionary[], idHash: IdHash) {
    this.scanner = new JsonScanner(fields.map((field) => field.nameBytes))
    this.#fields = fields
    this.#dictionaries = dictionaries
    this.#idHash = idHash
  }

  /** Writes the record [start, end) to row `row`: its `malformed` columns, and unless it is malformed its values. */
  parse(bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): void {
    batch.malformedField[row] = NO_FIELD
    const verdict = this.scanner.scan(bytes, start, end)
    if (verdict !== IS_OBJECT) {
      batch.malformed[row] = reasonOf(verdict)
      return
    }
    clearRow(batch, row)
    for (let i = 0; i < this.#fields.length; i++) {
      const reason = this.#readField(i, bytes, batch, row)
      if (reason === 0) continue
      batch.malformed[row] = reason
      batch.malformedField[row] = i
      return
    }
    batch.malformed[row] = 0
  }

  #readField(index: number, bytes: Uint8Array, batch: EventBatch, row: number): number {
    const field = this.#fields[index] as KnownField
    const kind = this.scanner.kinds[index] as number
    if (kind === ABSENT || kind === NULL) return field.required ? REASON.missing_field : 0
    if (kind === OTHER) return REASON.wrong_type
    if (field.type === 'money') return this.#readMoney(field, index, bytes, batch, row)
    const isEmpty = kind === STRING && this.scanner.starts[index] === this.scanner.ends[index]
    if (isEmpty) return field.required ? REASON.missing_field : 0
    if (field.type === 'time') return this.#readTime(field, index, bytes, batch, row)
    return this.#readText(field, index, bytes, batch, row)
  }

  #readMoney(field: KnownField, index: number, bytes: Uint8Array, batch: EventBatch, row: number): number {
    if (this.scanner.kinds[index] !== NUMBER) return REASON.wrong_type
    const micros = parseMoney(bytes, this.scanner.starts[index] as number, this.scanner.ends[index] as number)
    if (micros < 0) return REASON.bad_money
    if (field.sum >= 0) (batch.sumsMicros[field.sum] as Float64Array)[row] = micros
    return 0
  }

  #readTime(field: KnownField, index: number, bytes: Uint8Array, batch: EventBatch, row: number): number {
    const timeMs = this.#timeOf(index, bytes)
    if (timeMs < 0) return REASON.bad_time
    if (field.isEventTime) batch.timeMs[row] = timeMs
    return 0
  }

  #timeOf(index: number, bytes: Uint8Array): number {
    const start = this.scanner.starts[index] as number
    const end = this.scanner.ends[index] as number
    if (this.scanner.kinds[index] === NUMBER) return parseTimeNumber(bytes, start, end)
    if (this.scanner.escaped[index] === 0) return parseTimeText(bytes, start, end)
    if (end - start + 4 > this.#text.length) this.#text = new Uint8Array(end - start + 4)
    return parseTimeText(this.#text, 0, unescapeString(bytes, start, end, this.#text))
  }

  #readText(field: KnownField, index: number, bytes: Uint8Array, batch: EventBatch, row: number): number {
    const start = this.scanner.starts[index] as number
    const end = this.scanner.ends[index] as number
    if (this.scanner.escaped[index] === 0) {
      if (end - start > MAX_TEXT_BYTES) return REASON.text_too_long
      this.writeText(field, bytes, start, end, batch, row)
      return 0
    }
    // An escape takes at most six bytes for one.
    if (end - start > MAX_TEXT_BYTES * 6) return REASON.text_too_long
    const length = unescapeString(bytes, start, end, this.#text)
    if (length > MAX_TEXT_BYTES) return REASON.text_too_long
    if (isUnstorable(this.#text, length)) return REASON.unstorable_text
    this.writeText(field, this.#text, 0, length, batch, row)
    return 0
  }

  /** Writes the unescaped text [start, end) to every column its field fills. */
  writeText(field: KnownField, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): void {
    if (field.isEventId) this.#idHash.write(bytes, start, end, batch.id, row * 4)
    if (field.isImpressionId) this.#idHash.write(bytes, start, end, batch.impressionId, row * 4)
    for (const dimension of field.dimensions) {
      const code = (this.#dictionaries[dimension] as Dictionary).codeOf(bytes, start, end)
      ;(batch.dimensions[dimension] as Int32Array)[row] = code
    }
  }
}

/** Sets what a record may leave out to what its absence means: the dimension's missing text, the sum 0. */
export function clearRow(batch: EventBatch, row: number): void {
  for (const codes of batch.dimensions) codes[row] = 0
  for (const micros of batch.sumsMicros) micros[row] = 0
}

function reasonOf(verdict: number): number {
  if (verdict === INVALID_UTF8) return REASON.invalid_utf8
  if (verdict === IS_OTHER_JSON) return REASON.not_an_object
  return verdict === NOT_JSON ? REASON.not_json : 0
}
