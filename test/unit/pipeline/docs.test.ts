/**
 * What docs/definition.md shows is true: its examples are sound, and it names every key and every default there is.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadPlanFile } from '../../../src/cli/load-definition.ts'
import { silentTables } from '../../../src/pipeline/page.ts'
import { checkDefinition } from '../../../src/pipeline/validate.ts'
import { DEFAULT_PARAMETERS } from '../../../src/pipeline/definition.ts'

const text = readFileSync(new URL('../../../docs/definition.md', import.meta.url), 'utf8')
const blocks = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map((match) => match[1] ?? '')

test('its JSON examples are sound definitions', () => {
  assert.equal(blocks.length, 3)
  for (const block of blocks) {
    const checked = checkDefinition(JSON.parse(block))
    assert.deepEqual(checked.ok ? [] : checked.problems, [])
  }
})

test('the page can show every table of the examples, of the README too', async (context) => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const scripts = [...(readme + text).matchAll(/^```ts\n(import .*?)^```$/gms)].map((match) => match[1] ?? '')
  assert.equal(scripts.length, 2)
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-docs-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const examples = [
    ...scripts.map((script) => ({ script, end: 'ts' })),
    ...blocks.map((script) => ({ script, end: 'json' })),
  ]
  for (const [index, { script, end }] of examples.entries()) {
    const file = join(folder, `${index}.${end}`)
    writeFileSync(file, script)
    assert.deepEqual(silentTables(await loadPlanFile(file)), [], script)
  }
})

test('it names every key that the check allows', () => {
  const checked = checkDefinition({
    extends: 'ads',
    x: 1,
    streams: { clicks: { x: 1 } },
    parameters: { x: 1 },
    dimensions: { browser: { x: 1 } },
    measures: { ctr: { x: 1 } },
    tables: { performance: { x: 1 } },
  })
  const unknownKeys = checked.ok ? [] : checked.problems.filter((problem) => problem.code === 'UNKNOWN_KEY')
  assert.equal(unknownKeys.length, 6)
  const keys = unknownKeys.flatMap((problem) => problem.allowed ?? [])
  const unnamed = keys.filter((key) => !text.includes(`\`${key}\``) && !text.includes(`"${key}":`))
  assert.deepEqual(unnamed, [])
})

test('it gives the default of every parameter', () => {
  for (const [name, value] of Object.entries(DEFAULT_PARAMETERS))
    assert.ok(text.includes(`| \`${name}\` | \`${value}\` |`), name)
})
