/**
 * Text that becomes part of a Flink SQL statement. Every identifier, literal, JSON path and comment passes through
 * here.
 *
 * Q1  Whatever the text, it stays inside its quotes: what comes out is one token of Flink SQL.
 * Q2  What is quoted is what Flink reads back, character by character.
 */
import { DAY_MS } from '../time/units.ts'

/** `` `name` ``, with backticks doubled. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** `'text'`, with quotes doubled. Flink knows no other escape in it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A literal that holds the JSON path of one member of a record, or of an object of several, whatever their keys. */
export function memberPath(...keys: readonly string[]): string {
  const quoted = keys.map((key) => `'${key.replaceAll(/['\\]/g, String.raw`\$&`)}'`)
  return literal(`lax $[${quoted.join(',')}]`)
}

/** `INTERVAL '0 00:30:00.000' DAY(3) TO SECOND(3)`: an exact duration of whole milliseconds, not negative. */
export function interval(durationMs: number): string {
  const days = Math.floor(durationMs / DAY_MS)
  const clock = new Date(durationMs % DAY_MS).toISOString().slice(11, 23)
  return `INTERVAL '${days} ${clock}' DAY(3) TO SECOND(3)`
}

/** `-- text`, one comment a line, whatever the text holds. */
export function comment(text: string): string {
  return text
    .split(/[\n\r\u0085\u2028\u2029]/)
    .map((line) => `-- ${line}`.trimEnd())
    .join('\n')
}
