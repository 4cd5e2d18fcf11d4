/**
 * The law of the source tree as functions from files to violations. `test/architecture.test.ts` applies them to the
 * tree and to fixtures that break each of them.
 */
import { posix } from 'node:path'
import { codeOf, importsOf, type SourceImport } from './source-text.ts'

/** A file by its path from the root of the project, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly source: string
}

/** Imports point from a zone to zones of a lower rank. */
const ZONE_RANKS: Readonly<Record<string, number>> = {
  errors: 0,
  text: 1,
  time: 1,
  pipeline: 2,
  engine: 3,
  flink: 3,
  query: 3,
  superset: 3,
  traffic: 3,
  verify: 3,
  checkpoint: 4,
  runtime: 4,
  sources: 5,
  sinks: 5,
  database: 5,
  server: 5,
  stack: 5,
  doctor: 5,
  service: 6,
  cli: 7,
  /** The public entry: it may name the definition and the plan, nothing may name it. */
  index: 2.5,
}

/** From this rank on zones of one rank may know each other, as long as no two know each other mutually. */
const SIBLINGS_FROM_RANK = 4

const PURE =
  /^src\/(errors\.ts$|(text|time|pipeline|engine|flink|query|superset|traffic|verify|checkpoint\/format)\/|server\/merge-patch\.ts$)/
const IMPURE_PART = /^src\/(flink\/job|superset\/api|traffic\/writers|verify\/readers)\//

/** Packages without IO, clock or randomness. */
const PURE_PACKAGES: readonly string[] = [
  'zod',
  '@noble/hashes',
  '@node-rs/crc32',
  'fastest-levenshtein',
  'fflate',
  'yaml',
]

/** Of `src` the page may know only what is plain data and plain computation; types of anything. */
const PAGE_MAY_IMPORT = /^src\/(errors\.ts$|time\/|pipeline\/|query\/|server\/merge-patch\.ts$)/

const IMPURE_CODE: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Date.now', /(?<![.\w$])Date\s*\.\s*now\b/],
  ['the present moment of Date()', /(?<![.\w$])(?:new\s+Date\b(?!\s*\(\s*[^\s)])|(?<!\bnew\s+)Date\s*\(\s*\))/],
  ['Math.random', /(?<![.\w$])Math\s*\.\s*random\b/],
  ['a timer', /(?<![.\w$])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/],
  ['performance', /(?<![.\w$])performance\s*(?:\?\.|[.[])/],
  ['process', /(?<![.\w$])process\s*(?:\?\.|[.[])/],
  ['console', /(?<![.\w$])console\s*(?:\?\.|[.[])/],
  ['crypto', /(?<![.\w$])crypto\s*(?:\?\.|[.[])/],
  ['globalThis', /(?<![.\w$])globalThis\s*(?:\?\.|[.[])/],
  ['fetch', /(?<![.\w$])fetch\s*\(/],
]

/** The zone of a file of `src`, or `page` for the dashboard. */
export function zoneOf(path: string): string {
  if (path.startsWith('dashboard/')) return 'page'
  const [, first = ''] = path.split('/')
  return first.replace(/\.ts$/, '')
}

/** Imports between zones point one way. */
export function wrongDirections(files: readonly SourceFile[]): string[] {
  return eachImport(files, (file, item) => {
    const target = targetOf(file, item)
    if (target === undefined) return undefined
    const [from, to] = [zoneOf(file.path), zoneOf(target)]
    if (from === to) return undefined
    if (from === 'page') return item.typeOnly || PAGE_MAY_IMPORT.test(target) ? undefined : `the page imports ${target}`
    const [fromRank, toRank] = [ZONE_RANKS[from], ZONE_RANKS[to]]
    if (fromRank === undefined) return `"${from}" is not a zone`
    const allowed = toRank !== undefined && (toRank < fromRank || (toRank === fromRank && toRank >= SIBLINGS_FROM_RANK))
    return allowed && to !== 'index' ? undefined : `${from} may not import ${to} (${target})`
  })
}

/** No file leads back to itself, types included; and no two zones know each other mutually. */
export function cycles(files: readonly SourceFile[]): string[] {
  const byFile = new Map<string, Set<string>>()
  const byZone = new Map<string, Set<string>>()
  for (const file of files) {
    for (const item of importsOf(file.source)) {
      const target = targetOf(file, item)
      if (target === undefined) continue
      link(byFile, file.path, target)
      if (zoneOf(file.path) !== zoneOf(target)) link(byZone, zoneOf(file.path), zoneOf(target))
    }
  }
  return [...cyclesOf(byFile), ...cyclesOf(byZone)].map((cycle) => `cycle: ${cycle.join(' -> ')}`)
}

function link(graph: Map<string, Set<string>>, from: string, to: string): void {
  graph.set(from, (graph.get(from) ?? new Set()).add(to))
}

/** One cycle for each back edge of a depth-first walk. */
function cyclesOf(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (node: string): void => {
    const index = path.indexOf(node)
    if (index !== -1) found.push([...path.slice(index), node])
    if (index !== -1 || done.has(node)) return
    path.push(node)
    for (const next of graph.get(node) ?? []) visit(next)
    path.pop()
    done.add(node)
  }
  for (const node of graph.keys()) visit(node)
  return found
}

/** A pure zone gets time, randomness, disk and network through parameters only. */
export function impurities(files: readonly SourceFile[]): string[] {
  const pure = files.filter((file) => PURE.test(file.path) && !IMPURE_PART.test(file.path))
  const imported = eachImport(pure, (file, item) => {
    const target = targetOf(file, item)
    if (target !== undefined)
      return IMPURE_PART.test(target) && !item.typeOnly ? `a pure file imports ${target}` : undefined
    return PURE_PACKAGES.includes(packageOf(item.specifier)) ? undefined : `a pure file imports ${item.specifier}`
  })
  const used = pure.flatMap((file) => {
    const code = codeOf(file.source)
    return IMPURE_CODE.flatMap(([name, pattern]) => {
      const match = pattern.exec(code)
      if (match === null) return []
      return [`${file.path}:${code.slice(0, match.index).split('\n').length}: a pure file uses ${name}`]
    })
  })
  return [...imported, ...used]
}

/** What runs for a user imports only packages that are installed for a user. */
export function undeclaredPackages(files: readonly SourceFile[], declared: readonly string[]): string[] {
  return eachImport(files, (_file, { specifier }) => {
    if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined
    const name = packageOf(specifier)
    return declared.includes(name) ? undefined : `"${name}" is not among the dependencies of package.json`
  })
}

/** What is declared is imported somewhere; otherwise users install it for nothing. */
export function unusedPackages(files: readonly SourceFile[], declared: readonly string[]): string[] {
  const imported = new Set(files.flatMap((file) => importsOf(file.source).map(({ specifier }) => packageOf(specifier))))
  return declared.filter((name) => !imported.has(name)).map((name) => `nothing imports "${name}"`)
}

/** A folder exists when it holds two files or more, at any depth. */
export function lonelyFolders(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>()
  for (const { path } of files) {
    for (let at = posix.dirname(path); at !== '.'; at = posix.dirname(at)) counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  return [...counts].flatMap(([folder, count]) => (count < 2 ? [`${folder}/ holds one file only`] : []))
}

/** No barrels but the public entry, and no drawers for odds and ends. */
export function barrelsAndDrawers(files: readonly SourceFile[]): string[] {
  const drawers = files.flatMap(({ path }) =>
    /(^|\/)(utils?|helpers?|common|misc|types|shared)(\.tsx?$|\/)/.test(path) ? [`${path}: name it by what it is`] : [],
  )
  const barrels = files.flatMap(({ path, source }) => {
    if (path === 'src/index.ts') return []
    const code = codeOf(source)
    const all = /\bexport\s*\*/.test(code) ? [`${path}: export * outside of the public entry`] : []
    return /\/index\.tsx?$/.test(path) ? [...all, `${path}: a barrel`] : all
  })
  return [...drawers, ...barrels]
}

/** Every file fits in a head; most are small. */
export function oversized(files: readonly SourceFile[], maxLines = 300, allLines = 600, share = 0.1): string[] {
  const lengths = files.map((file) => ({ path: file.path, lines: file.source.split('\n').length - 1 }))
  const large = lengths.filter(({ lines }) => lines > maxLines)
  const huge = large.filter(({ lines }) => lines > allLines).map(({ path, lines }) => `${path}: ${lines} lines`)
  if (large.length <= files.length * share) return huge
  const list = large.map(({ path, lines }) => `${path} (${lines})`).join(', ')
  return [...huge, `${large.length} of ${files.length} files are over ${maxLines} lines: ${list}`]
}

function eachImport(
  files: readonly SourceFile[],
  judge: (file: SourceFile, item: SourceImport) => string | undefined,
): string[] {
  return files.flatMap((file) =>
    importsOf(file.source).flatMap((item) => {
      const verdict = judge(file, item)
      return verdict === undefined ? [] : [`${file.path}:${item.line}: ${verdict}`]
    }),
  )
}

/** The path an import leads to inside the project, or undefined for packages. */
function targetOf(file: SourceFile, { specifier }: SourceImport): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(posix.dirname(file.path), specifier)
  return /^(src|dashboard)\//.test(target) ? target : undefined
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

/** Packages that are loaded with a file, before anything of it runs. */
export function loadedWith(files: readonly SourceFile[], entry: string): ReadonlySet<string> {
  const sources = new Map(files.map(({ path, source }) => [path, source]))
  const seen = new Set([entry])
  const packages = new Set<string>()
  for (const path of seen) {
    for (const { specifier, typeOnly, dynamic } of importsOf(sources.get(path) ?? '')) {
      if (typeOnly || dynamic) continue
      if (specifier.startsWith('.')) seen.add(posix.join(posix.dirname(path), specifier))
      else packages.add(packageOf(specifier))
    }
  }
  return packages
}
