/**
 * The law of the source tree: zones point one way, nothing goes in circles, pure zones are pure, packages are declared,
 * folders and names say what they are. Each rule is applied to the tree and, as its control, to a fixture that breaks
 * it.
 */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  barrelsAndDrawers,
  cycles,
  impurities,
  loadedWith,
  lonelyFolders,
  oversized,
  undeclaredPackages,
  unusedPackages,
  wrongDirections,
  type SourceFile,
} from './support/architecture/rules.ts'
import { uncitedInvariants } from './support/architecture/invariants.ts'
import { codeOf, importsOf } from './support/architecture/source-text.ts'

const ROOT = join(import.meta.dirname, '..')

/** The files of patterns, in the order of their paths. */
function read(...patterns: readonly string[]): SourceFile[] {
  return globSync(patterns, { cwd: ROOT })
    .filter((path) => !path.includes('node_modules'))
    .map((path) => ({ path: path.replaceAll('\\', '/'), source: readFileSync(join(ROOT, path), 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

const tree: readonly SourceFile[] = read('src/**/*.ts', 'dashboard/**/*.{ts,tsx}')

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Record<string, string>
  readonly optionalDependencies: Record<string, string>
}
const dependencies = Object.keys(manifest.dependencies)

/** May only be lowered: an invariant is written together with the test that cites it. */
const MAX_UNCITED = 198

/** What builds the page is no dependency of those who run it. */
const isPageBuild = (file: SourceFile): boolean => file.path.endsWith('vite.config.ts')

/** A fixture: path to source. */
function files(sources: Record<string, string>): SourceFile[] {
  return Object.entries(sources).map(([path, source]) => ({ path, source }))
}

describe('the tree', () => {
  it('is found', () => assert.ok(tree.length > 10, `only ${tree.length} sources under ${ROOT}`))
  it('imports in one direction', () => assert.deepEqual(wrongDirections(tree), []))
  it('has no cycle', () => assert.deepEqual(cycles(tree), []))
  it('is pure where it has to be', () => assert.deepEqual(impurities(tree), []))
  it('imports declared packages only', () => {
    const declared = [...dependencies, ...Object.keys(manifest.optionalDependencies)]
    assert.deepEqual(
      undeclaredPackages(
        tree.filter((file) => !isPageBuild(file)),
        declared,
      ),
      [],
    )
  })
  it('declares no package for nothing', () => assert.deepEqual(unusedPackages(tree, dependencies), []))
  it('has no folder for one file', () =>
    assert.deepEqual(lonelyFolders(tree.filter((file) => file.path.startsWith('src/'))), []))
  it('has no barrel and no drawer', () => assert.deepEqual(barrelsAndDrawers(tree), []))
  it('keeps its files small', () => assert.deepEqual(oversized(tree), []))
  it('loads with a start what every start needs', () => {
    const loaded = loadedWith(tree, 'src/cli/run.ts')
    assert.ok(loaded.has('pg') && loaded.has('fastify'))
    // Each is loaded where it is used: together they take longer than all the rest.
    const onDemand = ['@platformatic/kafka', '@electric-sql/pglite', 'pino-pretty', 'yaml']
    assert.deepEqual(
      onDemand.filter((name) => loaded.has(name)),
      [],
    )
  })
  it('has fewer and fewer invariants that no test cites', () => {
    const uncited = uncitedInvariants(tree, read('test/**/*.ts'))
    const count = uncited.join().match(/ [A-Z]\d+/g)?.length ?? 0
    assert.ok(count <= MAX_UNCITED, `${count} invariants are cited by no test:\n${uncited.join('\n')}`)
  })
  it('imports files that exist', () => {
    const missing = tree.flatMap((file) =>
      importsOf(file.source)
        .filter(({ specifier }) => specifier.startsWith('.') && !existsSync(join(ROOT, file.path, '..', specifier)))
        .map(({ specifier, line }) => `${file.path}:${line}: ${specifier}`),
    )
    assert.deepEqual(missing, [])
  })
})

describe('each rule can fail', () => {
  it('direction: a lower zone imports a higher one, a sibling, or the public entry', () => {
    const broken = files({
      'src/time/a.ts': "import { plan } from '../pipeline/plan.ts'",
      'src/engine/b.ts': "import type { Recount } from '../verify/recount.ts'",
      'src/verify/c.ts': "const x = await import('../cli/main.ts')",
      'src/cli/d.ts': "import { adPipeline } from '../index.ts'",
      'src/odds/e.ts': "export { a } from '../time/a.ts'",
      'dashboard/f.tsx': "import { startServer } from '../src/server/server.ts'",
    })
    assert.deepEqual(wrongDirections(broken), [
      'src/time/a.ts:1: time may not import pipeline (src/pipeline/plan.ts)',
      'src/engine/b.ts:1: engine may not import verify (src/verify/recount.ts)',
      'src/verify/c.ts:1: verify may not import cli (src/cli/main.ts)',
      'src/cli/d.ts:1: cli may not import index (src/index.ts)',
      'src/odds/e.ts:1: "odds" is not a zone',
      'dashboard/f.tsx:1: the page imports src/server/server.ts',
    ])
  })

  it('direction: what is allowed stays allowed', () => {
    const sound = files({
      'src/pipeline/a.ts': "import { b } from '../time/b.ts'",
      'src/sinks/postgres/c.ts': "import { d } from '../../database/d.ts'",
      'dashboard/e.tsx':
        "import type { Status } from '../src/runtime/status.ts'\nimport { p } from '../src/pipeline/p.ts'",
    })
    assert.deepEqual(wrongDirections(sound), [])
  })

  it('cycle: between files, also by types, and between zones', () => {
    const ring = files({
      'src/time/a.ts': "import { b } from './b.ts'",
      'src/time/b.ts': "import type {\n  C,\n} from './c.ts'",
      'src/time/c.ts': "export { a } from './a.ts'",
    })
    assert.deepEqual(cycles(ring), ['cycle: src/time/a.ts -> src/time/b.ts -> src/time/c.ts -> src/time/a.ts'])
    const mutual = files({
      'src/sinks/a.ts': "import { b } from '../database/b.ts'",
      'src/database/c.ts': "import { d } from '../sinks/d.ts'",
    })
    assert.deepEqual(cycles(mutual), ['cycle: sinks -> database -> sinks'])
  })

  for (const [what, code] of [
    ['Date.now', 'const t = Date.now()'],
    ['Date.now', 'const now = Date\n  .now'],
    ['the present moment of Date()', 'const t = new Date()'],
    ['the present moment of Date()', 'const t = new Date'],
    ['Math.random', 'const r = `${Math.random()}`'],
    ['a timer', 'setTimeout(() => undefined, 1)'],
    ['a timer', 'setInterval(f, 1)'],
    ['performance', 'performance.now()'],
    ['process', "process.env['X']"],
    ['console', 'console.log(1)'],
    ['crypto', 'crypto.randomUUID()'],
    ['globalThis', 'globalThis.Date'],
    ['fetch', "fetch('x')"],
  ] as const) {
    it(`purity: ${code.replaceAll('\n', ' ')}`, () => {
      const line = /\n/.test(code) ? 1 : code.split('\n').length
      assert.deepEqual(impurities(files({ 'src/engine/a.ts': code })), [
        `src/engine/a.ts:${line}: a pure file uses ${what}`,
      ])
      assert.deepEqual(impurities(files({ 'src/cli/a.ts': code })), [], 'other zones may')
    })
  }

  it('purity: node modules, impure packages and impure parts of a zone', () => {
    const broken = files({
      'src/time/a.ts': "import { readFileSync } from 'node:fs'",
      'src/pipeline/b.ts': "import pg from 'pg'",
      'src/verify/c.ts': "import { read } from './readers/lines.ts'",
      'src/checkpoint/format/d.ts': "import { crc32 } from 'node:zlib'",
    })
    assert.deepEqual(impurities(broken), [
      'src/time/a.ts:1: a pure file imports node:fs',
      'src/pipeline/b.ts:1: a pure file imports pg',
      'src/verify/c.ts:1: a pure file imports src/verify/readers/lines.ts',
      'src/checkpoint/format/d.ts:1: a pure file imports node:zlib',
    ])
    assert.deepEqual(impurities(files({ 'src/verify/readers/lines.ts': "import 'node:fs'" })), [])
  })

  it('purity: words in comments, texts, patterns and names of our own do not count', () => {
    const sound = [
      '// Date.now() and setTimeout(f, 1)',
      '/* Math.random() */',
      "const a = 'Date.now()' + `console.log ${a} process.env`",
      'const b = /Math.random()/.test(a)',
      'this.process(batch); engine.fetch(1); const t = new Date(ms)',
      'interface X { process?: boolean; performance: number; date: Date }',
      'function f(at: Date): Date { return at }',
    ].join('\n')
    assert.deepEqual(impurities(files({ 'src/engine/a.ts': sound })), [])
  })

  it('packages: one that is not declared', () => {
    const broken = files({ 'src/cli/a.ts': "import x from 'left-pad'\nimport y from '@scope/name/deep'\nimport 'pg'" })
    assert.deepEqual(undeclaredPackages(broken, ['pg']), [
      'src/cli/a.ts:1: "left-pad" is not among the dependencies of package.json',
      'src/cli/a.ts:2: "@scope/name" is not among the dependencies of package.json',
    ])
  })

  it('packages: one that nothing imports', () => {
    const sound = files({ 'src/cli/a.ts': "import x from '@scope/name/deep'" })
    assert.deepEqual(unusedPackages(sound, ['@scope/name', 'left-pad']), ['nothing imports "left-pad"'])
  })

  it('loading: a package that comes along by way of another file', () => {
    const broken = files({
      'src/cli/a.ts': "import { b } from '../service/b.ts'\nimport type { C } from 'types-only'",
      'src/service/b.ts': "import '@scope/name/deep'\nexport const d = await import('on-demand')",
    })
    assert.deepEqual([...loadedWith(broken, 'src/cli/a.ts')], ['@scope/name'])
  })

  it('invariants: one that no test cites, or only of another file', () => {
    const sources = files({
      'src/cli/a-b.ts': '/**\n * A.\n *\n * J1  One.\n * J2  Two.\n */\n// J3  no header',
      'src/cli/c.ts': '/**\n * C.\n *\n * J1  One.\n */',
    })
    const uncited = (tests: Record<string, string>): string[] => uncitedInvariants(sources, files(tests))
    const [both, second, other] = ['src/cli/a-b.ts J1, J2', 'src/cli/a-b.ts J2', 'src/cli/c.ts J1']
    assert.deepEqual(uncited({ 'test/x.test.ts': "it('J1: x')\n// J2" }), [both, other], 'of nothing')
    assert.deepEqual(uncited({ 'test/a-b.int.test.ts': "it('J1: x')\nconst id = 'J2'" }), [second, other], 'its name')
    assert.deepEqual(uncited({ 'test/x.test.ts': '/** J1 to J2 of `src/cli/a-b.ts`. */' }), [other], 'named')
    assert.deepEqual(uncited({ 'test/x.test.ts': "/** `c.ts`. */ it('J1 of a-b: x')" }), [second, other], 'of another')
    const byImport = {
      'test/x.test.ts': "import './support/y.ts'\n// J1",
      'test/support/y.ts': "import '../../src/cli/c.ts'",
    }
    assert.deepEqual(uncited(byImport), [both], 'imported by way of support')
  })

  it('folders, barrels, drawers, size', () => {
    const broken = files({ 'src/a.ts': '', 'src/cli/utils.ts': '', 'src/time/index.ts': "export * from './x.ts'" })
    assert.deepEqual(lonelyFolders(broken), ['src/cli/ holds one file only', 'src/time/ holds one file only'])
    assert.deepEqual(barrelsAndDrawers(broken), [
      'src/cli/utils.ts: name it by what it is',
      'src/time/index.ts: export * outside of the public entry',
      'src/time/index.ts: a barrel',
    ])
    assert.deepEqual(oversized(files({ 'src/a.ts': 'x\n'.repeat(700) }), 300, 600, 1), ['src/a.ts: 700 lines'])
    assert.equal(oversized(files({ 'src/a.ts': 'x\n'.repeat(400), 'src/b.ts': 'x\n' })).length, 1)
  })
})

describe('reading sources', () => {
  it('finds every form of import', () => {
    const source = [
      "import a from 'one'",
      "import type { B } from 'two'",
      'import {\n  c,\n  type D,\n} from "three"',
      "import * as e from 'four'",
      "import 'five'",
      "export { f } from 'six'",
      "export type { G } from 'seven'",
      "export * from 'eight'",
      "const h = await import( 'nine' )",
      "import data from 'ten' with { type: 'json' }",
      "// import x from 'comment'",
      'const text = `import y from "text"`',
      "const from = 'nothing'; export const z = { from: 'nothing' }",
    ].join('\n')
    assert.deepEqual(
      importsOf(source).map(({ specifier }) => specifier),
      ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'],
    )
    assert.deepEqual(
      importsOf(source).flatMap(({ specifier, typeOnly }) => (typeOnly ? [specifier] : [])),
      ['two', 'seven'],
    )
  })

  it('keeps code in templates and every place', () => {
    const source = 'a(`x ${b({ c: `y ${d} z` })} w`) / 2 // e'
    const code = codeOf(source)
    assert.equal(code, 'a(`  ${b({ c: `  ${d}  ` })}  `) / 2     ')
    assert.equal(code.length, source.length)
  })
})
