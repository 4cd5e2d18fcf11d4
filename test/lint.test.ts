/**
 * The lint rules bite: each of them is shown a line it must refuse, under our own configuration.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')

/** A line, and the rule that must refuse it where it stands. */
const BAD_LINES: readonly (readonly [path: string, line: string, rule: string])[] = [
  ['src/time/now.ts', 'export const now = (): number => Date.now()', 'no-restricted-properties'],
  ['src/engine/chance.ts', 'export const chance = (): number => Math.random()', 'no-restricted-properties'],
  ['src/verify/timer.ts', 'setTimeout(() => undefined, 1)', 'no-restricted-globals'],
  ['src/pipeline/env.ts', "export const home = process.env['HOME']", 'no-restricted-globals'],
  ['src/traffic/clock.ts', 'export const t = performance.now()', 'no-restricted-globals'],
  ['src/cli/any.ts', 'export const x: any = 1', 'no-explicit-any'],
  ['src/cli/bang.ts', 'export const x = (a?: string): string => a!', 'no-non-null-assertion'],
  ['src/server/float.ts', 'Promise.resolve(1)', 'no-floating-promises'],
  ['src/server/forget.ts', '[1].forEach(async () => { await Promise.resolve() })', 'no-misused-promises'],
  ['src/sinks/log.ts', 'console.log(1)', 'no-console'],
  ['src/sinks/throw.ts', "export const f = (): never => { throw 'text' }", 'no-throw-literal'],
  ['src/sinks/json.ts', "export const x: string = JSON.parse('1')", 'no-unsafe-assignment'],
  ['src/cli/default.ts', 'export default 1', 'no-default-export'],
  ['src/cli/equal.ts', 'export const f = (a: unknown): boolean => a == 1', 'eqeqeq'],
  ['src/cli/code.ts', "export const f = new Function('return 1')", 'no-implied-eval'],
  ['src/cli/unused.ts', 'const unused = 1', 'no-unused-vars'],
]

const GOOD_LINES: readonly (readonly [path: string, line: string])[] = [
  ['src/cli/now.ts', 'export const now = (): number => Date.now()'],
  ['src/traffic/writers/home.ts', "export const home = process.env['HOME']"],
  ['test/a.test.ts', "import { it } from 'node:test'\nit('x', async () => { await Promise.resolve() })"],
  ['examples/definition.ts', 'export default 1'],
  ['bench/run.ts', 'console.log(1)'],
]

it('every bad line is refused by its rule, and no good one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-lint-'))
  try {
    for (const file of ['.oxlintrc.json', 'tsconfig.json']) cpSync(join(ROOT, file), join(folder, file))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    for (const [path, line] of [...BAD_LINES, ...GOOD_LINES]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), `${line}\n`)
    }
    const found = await lint(folder)
    const expected = BAD_LINES.map(([path, , rule]) => `${path} ${rule}`)
    assert.deepEqual(found.toSorted(), expected.toSorted())
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** What the linter refuses in a folder, as `path rule`. */
async function lint(folder: string): Promise<string[]> {
  const oxlint = join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint')
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [oxlint, '--type-aware', '--format=json'], { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    )
  })
  const { diagnostics } = JSON.parse(output) as { diagnostics: { filename: string; code: string }[] }
  return diagnostics.map(({ filename, code }) => `${filename} ${/\((.+)\)/.exec(code)?.[1] ?? code}`)
}
