/**
 * Just enough of a TypeScript tokeniser to tell code from comments and texts, and to find imports.
 *
 * A1  `codeOf` keeps every character at its place: comments and what stands in quotes, templates and regular
 *     expressions become spaces, the quotes stay.
 * A2  Code inside `${…}` is code.
 */

/** One import, re-export or dynamic import of a file. */
export interface SourceImport {
  /** As written: `./x.ts`, `node:fs`, `commander`. */
  readonly specifier: string
  /** `import type` or `export type`: nothing of it remains at run time. */
  readonly typeOnly: boolean
  /** `export … from`. */
  readonly reExport: boolean
  /** `import(…)`: loaded when it is come to. */
  readonly dynamic: boolean
  readonly line: number
}

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^\n]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield))\s*$/

/** The code of a source with everything else blanked out (A1). */
export function codeOf(source: string): string {
  const out = source.split('')
  const blank = (from: number, to: number): void => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' '
  }
  // Depth of braces inside each open `${`, innermost last.
  const templates: number[] = []
  let i = 0
  while (i < source.length) {
    const rest = source.slice(i, i + 2)
    const char = rest.charAt(0)
    let end = i + 1
    if (rest === '//') blank(i, (end = indexOrEnd(source, '\n', i)))
    else if (rest === '/*') blank(i, (end = indexOrEnd(source, '*/', i) + 2))
    else if (char === "'" || char === '"') {
      end = endOfQuoted(source, i)
      blank(i + 1, end - 1)
    } else if (char === '/' && REGEX_MAY_FOLLOW.test(out.slice(Math.max(0, i - 40), i).join(''))) {
      end = endOfRegex(source, i)
      blank(i + 1, end - 1)
    } else if (char === '`' || (char === '}' && templates.at(-1) === 0)) {
      if (char === '}') templates.pop()
      end = endOfTemplateText(source, i + 1)
      const opensCode = source[end - 1] === '{'
      blank(i + 1, end - (opensCode ? 2 : 1))
      if (opensCode) templates.push(0)
    } else if (templates.length > 0 && (char === '{' || char === '}')) {
      templates[templates.length - 1] = (templates.at(-1) ?? 0) + (char === '{' ? 1 : -1)
    }
    i = Math.max(end, i + 1)
  }
  return out.join('')
}

function indexOrEnd(source: string, text: string, from: number): number {
  const index = source.indexOf(text, from)
  return index === -1 ? source.length : index
}

/**
 * The index after the closing quote; just after the opening one when the line ends first (an apostrophe in JSX text).
 */
function endOfQuoted(source: string, start: number): number {
  for (let i = start + 1; i < source.length && source[i] !== '\n'; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === source[start]) return i + 1
  }
  return start + 1
}

function endOfRegex(source: string, start: number): number {
  let inClass = false
  for (let i = start + 1; i < source.length && source[i] !== '\n'; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === '[') inClass = true
    else if (source[i] === ']') inClass = false
    else if (source[i] === '/' && !inClass) return i + 1
  }
  return start + 1
}

/** The index after the closing backtick or after the next `${`. */
function endOfTemplateText(source: string, start: number): number {
  for (let i = start; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === '`') return i + 1
    else if (source[i] === '$' && source[i + 1] === '{') return i + 2
  }
  return source.length
}

const STATIC_IMPORT = /(?<![.\w$])(import|export)(\s+type\b(?!\s+from))?([\s\w$*{},]*?)\bfrom\s*(?=['"])/g
const BARE_IMPORT = /(?<![.\w$])import\s*(?=['"])/g
const DYNAMIC_IMPORT = /(?<![.\w$])import\s*\(\s*(?=['"])/g

/** Every import of a source whose target is written out, in order. */
export function importsOf(source: string): readonly SourceImport[] {
  const code = codeOf(source)
  const found: (SourceImport & { readonly at: number })[] = []
  for (const pattern of [STATIC_IMPORT, BARE_IMPORT, DYNAMIC_IMPORT]) {
    for (const match of code.matchAll(pattern)) {
      const quote = match.index + match[0].length
      const specifier = source.slice(quote + 1, endOfQuoted(source, quote) - 1)
      const line = source.slice(0, match.index).split('\n').length
      found.push({
        specifier,
        typeOnly: match[2] !== undefined,
        reExport: match[1] === 'export',
        dynamic: pattern === DYNAMIC_IMPORT,
        line,
        at: match.index,
      })
    }
  }
  return found.sort((a, b) => a.at - b.at)
}
