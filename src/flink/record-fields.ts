/**
 * How records are read in Flink SQL: which of them are events by the rules of SEMANTICS, and what their fields say.
 *
 * F1  Every expression is null or a value, never an error: a record must not be able to stop the job.
 * F2  Types are told apart in the JSON text of the known fields (`JSON_QUERY` of several members gives them in one
 *     object, in the order of their names), by one regular expression made from the plan.
 * F3  That expression bounds each repetition, so that no record makes Java's matcher run out of stack.
 */
import { END_EVENT_TIME_MS, MIN_EVENT_TIME_MS } from '../time/window.ts'
import type { FieldPlan, StreamPlan } from '../pipeline/plan.ts'
import { literal, memberPath } from './quoting.ts'

/** The longest text of a known field, in UTF-8 bytes. */
const MAX_TEXT_BYTES = 512

const TEXT = String.raw`"[^"\\]{0,512}+(?:\\(?!u0000).[^"\\]{0,512}+){0,512}+"`
const NUMBER = '-?[0-9][0-9.E+-]{0,512}+'

const VALUE_PATTERNS: Readonly<Record<FieldPlan['type'], string>> = {
  id: `(?:(?!"")${TEXT}|${NUMBER})`,
  text: `(?:${TEXT}|${NUMBER}|null)`,
  time: `(?:(?!"")${TEXT}|${NUMBER})`,
  money: `(?:${NUMBER}|null)`,
}

/** A date, a clock time and a zone: `2026-01-01T00:00:00.000Z`, `2026-01-01 00:00+01`. */
const ISO_TIME =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,3}0*)?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)$'

/** Reads the text of a member of `body`, a number's digits included; null where it is missing, null or structured. */
export function memberText(field: string): string {
  return `JSON_VALUE(body, ${memberPath(field)})`
}

/** Reads the known fields of `body` as the text of one JSON object. */
export function knownFields({ fields }: StreamPlan): string {
  return `JSON_QUERY(body, ${memberPath(...fields.map(({ name }) => name))})`
}

/** Whether the object of the known fields has all that are required, and each of its type. */
export function hasTypes({ fields }: StreamPlan, object: string): string {
  const sorted = fields.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const members = sorted.map(({ name, type, required }) => {
    const member = `${escapePattern(jsonKey(name))}:${VALUE_PATTERNS[type]}[,}]`
    return required ? member : `(?:${member})?`
  })
  return `REGEXP(${object}, ${literal(`^[{]${members.join('')}$`)})`
}

/** A key as Jackson writes it: as JSON, with upper-case digits in escapes. */
function jsonKey(name: string): string {
  return JSON.stringify(name).replaceAll(/\\\\|\\u[0-9a-f]{4}/g, (escape) =>
    escape.startsWith(String.raw`\u`) ? String.raw`\u${escape.slice(2).toUpperCase()}` : escape,
  )
}

function escapePattern(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}

/** Whether a text fits in {@link MAX_TEXT_BYTES}; absent ones do. */
export function fits(text: string): string {
  return `COALESCE(CHAR_LENGTH(HEX(${text})), 0) <= ${MAX_TEXT_BYTES * 2}`
}

/** Whether a time in milliseconds is in the years of SEMANTICS. */
export function isEventTime(timeMs: string): string {
  return `${timeMs} BETWEEN ${MIN_EVENT_TIME_MS} AND ${END_EVENT_TIME_MS - 1}`
}

/**
 * Milliseconds since the epoch: digits, a number with a whole value, or ISO 8601 with a zone; null for anything else.
 */
export function timeMs(text: string): string {
  const decimal = `TRY_CAST(${text} AS DECIMAL(38, 18))`
  return [
    `CASE`,
    `    WHEN REGEXP(${text}, '^[0-9]{1,18}$') THEN CAST(${text} AS BIGINT)`,
    `    WHEN REGEXP(${text}, ${literal(ISO_TIME)}) THEN ${isoTimeMs(text)}`,
    `    WHEN MOD(${decimal}, 1) = 0 THEN CAST(${decimal} AS BIGINT)`,
    `  END`,
  ].join('\n')
}

// The format takes no zone of hours alone, and stops reading where it has what it needs: so every zone gets two more
// digits.
function isoTimeMs(text: string): string {
  const zone = `REPLACE(REGEXP_EXTRACT(UPPER(${text}), '(Z|[+-][0-9:]+)$', 1), ':', '')`
  const minute = `CONCAT(SUBSTRING(${text}, 1, 10), ' ', SUBSTRING(${text}, 12, 5), ' ', ${zone}, '00')`
  const seconds = `TRY_CAST(REGEXP_EXTRACT(${text}, '^.{16}:([0-9.]+)', 1) AS DECIMAL(20, 3))`
  return `UNIX_TIMESTAMP(${minute}, 'yyyy-MM-dd HH:mm XX') * 1000 + CAST(COALESCE(${seconds}, 0) * 1000 AS BIGINT)`
}

/** The milliseconds of a time attribute. */
export function millisecondsOf(rowtime: string): string {
  const timestamp = `CAST(${rowtime} AS TIMESTAMP(3))`
  return `EXTRACT(EPOCH FROM ${timestamp}) * 1000 + EXTRACT(MILLISECOND FROM ${timestamp})`
}

/** Money in millionths, rounded half away from zero, 0 where there is none; null where it is too large to be read. */
export function micros(text: string): string {
  return `CASE WHEN ${text} IS NULL THEN 0 ELSE CAST(TRY_CAST(${text} AS DECIMAL(20, 6)) * 1000000 AS BIGINT) END`
}

/** Whether an amount in millionths is in the range of SEMANTICS. */
export function isAmount(amount: string): string {
  return `${amount} BETWEEN 0 AND 1000000000000`
}

/** A dimension's text, or the row for events that lack it. */
export function dimensionText(text: string, missing: string): string {
  return `COALESCE(NULLIF(${text}, ''), ${literal(missing)})`
}
