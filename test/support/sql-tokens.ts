/**
 * SQL cut into tokens, by the rules of Flink's parser and by nobody of ours: to see that quoting holds.
 */

export interface SqlToken {
  readonly kind: 'literal' | 'identifier' | 'word' | 'sign'
  /** Without its quotes. */
  readonly text: string
}

const FORMS: readonly (readonly [kind: SqlToken['kind'] | 'nothing', form: RegExp])[] = [
  ['nothing', /\s+|--[^\n\r]*/y],
  ['literal', /(?:U&)?'((?:[^']|'')*)'/y],
  ['identifier', /`((?:[^`]|``)*)`/y],
  ['word', /[A-Za-z0-9_.]+/y],
  ['sign', /[-+*/=<>(),;[\]]/y],
]

/** The tokens of a text; throws where something is none. */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = []
  for (let at = 0; at < sql.length;) {
    const match = nextMatch(sql, at)
    if (match.kind !== 'nothing') tokens.push({ kind: match.kind, text: match.text })
    at = match.end
  }
  return tokens
}

function nextMatch(sql: string, at: number): { kind: SqlToken['kind'] | 'nothing'; text: string; end: number } {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at
    const match = form.exec(sql)
    if (match === null) continue
    const quote = kind === 'identifier' ? '`' : "'"
    return { kind, text: match[1]?.replaceAll(quote + quote, quote) ?? match[0], end: form.lastIndex }
  }
  throw new SyntaxError(`no token at ${at}: ${sql.slice(at, at + 40)}`)
}
