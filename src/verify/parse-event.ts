/**
 * What one record says: an event, or the reason why it is malformed. SEMANTICS, "Streams", line by line.
 *
 * R1  A record is malformed whenever one rule is broken; which of several reasons is given is free.
 * R2  Known fields are those of the plan. Any other may hold any JSON at all.
 * R3  Ids and dimensions are the text after unescaping; a number is its source digits.
 */
import { summedFields, type FieldPlan, type FieldType, type Plan, type StreamName } from '../pipeline/plan.ts'
import { microsOf, parseDecimal } from './decimal.ts'
import { timeOfNumber, timeOfText } from './event-time.ts'
import { memberSources, stringOf } from './json-members.ts'

/** The longest record, in bytes, white space around it left out. */
export const MAX_RECORD_BYTES = 1_048_576

/** The longest text of a known field, in UTF-8 bytes after unescaping. */
export const MAX_TEXT_BYTES = 512

/** Why a record is no event. */
export type MalformedReason =
  | 'not_json'
  | 'not_an_object'
  | 'record_too_long'
  | 'invalid_utf8'
  | 'missing_field'
  | 'wrong_type'
  | 'bad_time'
  | 'bad_money'
  | 'text_too_long'
  | 'unstorable_text'

/** A record that is no event. */
export class Malformed {
  readonly reason: MalformedReason
  /** The field to blame, where one is. */
  readonly field: string | undefined

  constructor(reason: MalformedReason, field?: string) {
    this.reason = reason
    this.field = field
  }
}

/** What the recount needs to know of an event. */
export interface ParsedEvent {
  /** The event's own id. */
  readonly id: string
  /** The id of its impression: its own for an impression. */
  readonly impressionId: string
  /** Event time, ms since the epoch. */
  readonly timeMs: number
  /** One text for each dimension of the plan; none for a click. */
  readonly dimensions: readonly string[]
  /** Millionths, one for each of `summedFields(plan)`; none for a click. */
  readonly sumsMicros: readonly number[]
}

/** Decodes UTF-8, keeping a byte-order mark as a character; `undefined` where the bytes are not UTF-8. */
export type DecodeUtf8 = (bytes: Uint8Array) => string | undefined

/** Reads one record, the bytes of a line without white space around it. */
export type EventParser = (record: Uint8Array) => ParsedEvent | Malformed

/** How records of `stream` are read under `plan`. */
export function eventParser(plan: Plan, stream: StreamName, decodeUtf8: DecodeUtf8): EventParser {
  const fields = plan.streams[stream].fields
  const places = new Map(fields.map((field, place) => [field.name, place]))
  const toEvent = eventMaker(plan, stream, places)
  return (record) => {
    if (record.length > MAX_RECORD_BYTES) return new Malformed('record_too_long')
    const text = decodeUtf8(record)
    if (text === undefined) return new Malformed('invalid_utf8')
    if (!isJson(text)) return new Malformed('not_json')
    if (!text.startsWith('{')) return new Malformed('not_an_object')
    const values = readFields(fields, memberSources(text, places))
    return values instanceof Malformed ? values : toEvent(values)
  }
}

/** Text for ids and texts, milliseconds for times, millionths for money, `undefined` for nothing. */
type FieldValue = string | number | undefined

/** Puts the values of the fields where {@link ParsedEvent} has them. */
function eventMaker(
  plan: Plan,
  stream: StreamName,
  places: ReadonlyMap<string, number>,
): (values: readonly FieldValue[]) => ParsedEvent {
  const { idField, impressionIdField, eventTimeField } = plan.streams[stream]
  const placeOf = (field: string): number => places.get(field) ?? -1
  const [id, impressionId, time] = [placeOf(idField), placeOf(impressionIdField), placeOf(eventTimeField)]
  const dimensions = (stream === 'clicks' ? [] : plan.dimensions).map(({ field, missing }) => ({
    place: placeOf(field),
    missing,
  }))
  const sums = (stream === 'clicks' ? [] : summedFields(plan)).map(placeOf)
  return (values) => ({
    id: String(values[id]),
    impressionId: String(values[impressionId]),
    timeMs: Number(values[time]),
    dimensions: dimensions.map(({ place, missing }) => String(values[place] ?? missing)),
    sumsMicros: sums.map((place) => Number(values[place])),
  })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function readFields(
  fields: readonly FieldPlan[],
  sources: readonly (string | undefined)[],
): readonly FieldValue[] | Malformed {
  const values: FieldValue[] = []
  for (const field of fields) {
    const value = readField(field, sources[values.length])
    if (value instanceof Malformed) return value
    values.push(value)
  }
  return values
}

function readField({ name, type, required }: FieldPlan, source: string | undefined): FieldValue | Malformed {
  const isNothing = source === undefined || source === 'null' || (source === '""' && type !== 'money')
  if (isNothing && required) return new Malformed('missing_field', name)
  if (isNothing) return type === 'money' ? 0 : undefined
  const value = VALUE_READERS[type](source)
  return typeof value === 'object' ? new Malformed(value.malformed, name) : value
}

type Refusal = { readonly malformed: MalformedReason }

/** How the value of a field that is there is read, by the field's type. */
const VALUE_READERS: Readonly<Record<FieldType, (source: string) => string | number | Refusal>> = {
  id: readText,
  text: readText,
  time: readTime,
  money: readMoney,
}

function readText(source: string): string | Refusal {
  if (source.startsWith('"')) return readString(source)
  if (!isNumber(source)) return { malformed: 'wrong_type' }
  return source.length > MAX_TEXT_BYTES ? { malformed: 'text_too_long' } : source
}

function readTime(source: string): number | Refusal {
  if (isNumber(source)) return timeOfNumber(parseDecimal(source)) ?? { malformed: 'bad_time' }
  if (!source.startsWith('"')) return { malformed: 'wrong_type' }
  const text = readString(source)
  return typeof text === 'string' ? (timeOfText(text) ?? { malformed: 'bad_time' }) : text
}

function readMoney(source: string): number | Refusal {
  if (!isNumber(source)) return { malformed: 'wrong_type' }
  return microsOf(parseDecimal(source)) ?? { malformed: 'bad_money' }
}

/** Whether a JSON value is a number, told by its first character. */
function isNumber(source: string): boolean {
  return /^[-0-9]/.test(source)
}

function readString(source: string): string | Refusal {
  const text = stringOf(source)
  // In valid UTF-8 and JSON, U+0000 and a surrogate without its partner can only come from an escape.
  if (source.includes('\\') && (text.includes('\0') || /\p{Surrogate}/u.test(text)))
    return { malformed: 'unstorable_text' }
  // No code unit takes more than three bytes.
  return text.length * 3 > MAX_TEXT_BYTES && utf8Length(text) > MAX_TEXT_BYTES ? { malformed: 'text_too_long' } : text
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // A surrogate is half of a code point of four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}
