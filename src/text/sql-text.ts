/**
 * Text that becomes part of an SQL statement. Every identifier of ours passes through here, whatever a definition calls
 * its tables and columns.
 */

/** The schema that holds the tables of every plan. */
export const SCHEMA = 'public'

/** `"name"`, with quotes doubled. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `"public"."name"`. */
export function qualifiedTable(name: string): string {
  return `${quoteIdentifier(SCHEMA)}.${quoteIdentifier(name)}`
}

/** `'text'` for statements that take no parameters (roles, cursors); safe with any setting of escape strings. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** Identifiers joined by commas. */
export function columnList(names: readonly string[], prefix = ''): string {
  return names.map((name) => prefix + quoteIdentifier(name)).join(', ')
}

/** A moment, ms since the epoch, as a literal. */
export function timeLiteral(timeMs: number): string {
  return `timestamptz ${quoteLiteral(new Date(timeMs).toISOString())}`
}

/** A moment of SQL as whole ms since the epoch, of type bigint. */
export function epochMs(time: string): string {
  return `(extract(epoch from ${time}) * 1000)::bigint`
}

/** The start of the period that holds `window_start`; periods are aligned to the Unix epoch. */
export function periodStart(lengthMs: number): string {
  const seconds = lengthMs / 1_000
  return `to_timestamp(floor(extract(epoch from window_start) / ${seconds}) * ${seconds})`
}
