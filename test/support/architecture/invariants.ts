/**
 * Which numbered invariants of the sources a test cites, so that a rule in a header is one that a test shows.
 *
 * A test cites `J1` of a file by that number in a comment or in a title (`J1 to J3` cites three), where it imports the
 * file, itself or through `test/support`, or is called like it, or names it. `J1 of journal.ts` cites that file and no
 * other.
 */
import { posix } from 'node:path'
import type { SourceFile } from './rules.ts'
import { importsOf } from './source-text.ts'

const LIST = String.raw`[A-Z]\d+(?:(?:, | and )[A-Z]\d+)*`
const OF_A_FILE = new RegExp(String.raw`\b(${LIST}) of \x60?(?:[\w/.-]*/)?([\w-]+(?:\.tsx?)?)`, 'g')

/** A test, and the sources that it and what it leans on import. */
interface Test {
  readonly path: string
  readonly prose: string
  readonly imports: ReadonlySet<string>
}

/**
 * Invariants of the sources that no test cites, as `src/a/b.ts J1, J3`.
 *
 * @param tests the tests and what is in `test/support`
 */
export function uncitedInvariants(sources: readonly SourceFile[], tests: readonly SourceFile[]): string[] {
  const read = tests
    .filter(({ path }) => path.endsWith('.test.ts'))
    .map(({ path, source }): Test => ({ path, prose: proseOf(source), imports: reachedFrom(path, tests) }))
  return sources.flatMap(({ path, source }) => {
    const uncited = invariantsOf(source).filter((number) => !read.some((test) => cites(test, path, number)))
    return uncited.length === 0 ? [] : [`${path} ${uncited.join(', ')}`]
  })
}

/** The numbers in a file's header, each at the beginning of a line. */
function invariantsOf(source: string): string[] {
  const header = /^\/\*\*.*?\*\//s.exec(source)?.[0] ?? ''
  return [...header.matchAll(/^ \* ([A-Z]\d{1,2})  \S/gm)].map(([, number = '']) => number)
}

function cites({ path, prose, imports }: Test, source: string, number: string): boolean {
  const name = posix.basename(source)
  const stem = stemOf(name)
  const isIn = (text: string): boolean => new RegExp(String.raw`\b${number}\b`).test(text)
  for (const [, list = '', file = ''] of prose.matchAll(OF_A_FILE)) if (stemOf(file) === stem && isIn(list)) return true
  const isAbout = stemOf(posix.basename(path)) === stem || imports.has(source) || prose.includes(name)
  return isAbout && isIn(prose.replaceAll(OF_A_FILE, (text, _list, file: string) => (/[-.]/.test(file) ? ' ' : text)))
}

/** `epoch-store` of `epoch-store.int.test.ts`. */
function stemOf(name: string): string {
  return name.split('.')[0] ?? name
}

/** Comments and titles, with the numbers of a range written out. */
function proseOf(source: string): string {
  const titles = [...source.matchAll(/\b(?:it|describe|test)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs)].map(
    ([, , title]) => title,
  )
  const comments = [...source.matchAll(/\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gs)].map(([comment]) => comment)
  return [...titles, ...comments]
    .join('\n')
    .replaceAll(/\b([A-Z])(\d+)(?: to |–|-)\1(\d+)\b/g, (_, letter: string, first: string, last: string) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => `${letter}${Number(first) + i}`).join(', '),
    )
}

function reachedFrom(path: string, tests: readonly SourceFile[]): ReadonlySet<string> {
  const sources = new Map(tests.map((file) => [file.path, file.source]))
  const seen = new Set([path])
  for (const at of seen) {
    for (const { specifier } of importsOf(sources.get(at) ?? ''))
      if (specifier.startsWith('.')) seen.add(posix.join(posix.dirname(at), specifier))
  }
  return seen
}
