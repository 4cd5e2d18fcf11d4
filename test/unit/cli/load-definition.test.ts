import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadDefinition, loadPlanFile } from '../../../src/cli/load-definition.ts'
import { TidemarkError } from '../../../src/errors.ts'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { planHash } from '../../../src/pipeline/plan-hash.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark definition '))
after(() => rmSync(folder, { recursive: true }))

/** Writes a definition file and gives its path. The folder's name has spaces and no package.json is near it. */
function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

async function errorOf(work: Promise<unknown>): Promise<TidemarkError> {
  const error: unknown = await work.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TidemarkError, String(error))
  return error
}

test('without a file there is the ad pipeline', async () => {
  assert.equal((await loadDefinition(undefined)).value, adPipeline)
})

test('L2: a definition in TypeScript imports tidemark and its neighbours from anywhere', async () => {
  write('dimensions.ts', 'export const country: { label: string } = { label: "Land" }')
  const file = write(
    'typed.ts',
    `import { adPipeline, definePipeline } from 'tidemark'
     import { country } from './dimensions.ts'
     const name: string = 'typed'
     export default definePipeline({ ...adPipeline, name, dimensions: { ...adPipeline.dimensions, country } })`,
  )
  const plan = await loadPlanFile(file)
  assert.equal(plan.name, 'typed')
  assert.equal(plan.dimensions.at(-1)?.label, 'Land')
})

test('definitions in JavaScript and JSON give the same plan', async () => {
  const js = write('same.mjs', `export default { extends: 'ads', dimensions: { country: {} } }`)
  const json = write('same.json', '\ufeff{ "extends": "ads", "dimensions": { "country": {} } }')
  assert.equal(planHash(await loadPlanFile(js)), planHash(await loadPlanFile(json)))
})

test('parameters given beside a definition take the place of its own', async () => {
  const file = write(
    'hour.json',
    '{ "extends": "ads", "parameters": { "attributionWindow": "1h", "idleTimeout": "3s" } }',
  )
  const plan = await loadPlanFile(file, { attributionWindow: '2h' })
  assert.equal(plan.parameters.attributionWindowMs, 7_200_000)
  assert.equal(plan.parameters.idleTimeoutMs, 3_000)
})

test('a parameter given beside a sound definition that does not fit it is wrong usage', async () => {
  const error = await errorOf(loadPlanFile(undefined, { attributionWindow: '500ms' }))
  assert.equal(error.code, 'USAGE')
  assert.match(error.message, /clockSkewTolerance must be from 0s to 500ms, the attributionWindow\. Given: "1s"\./)
})

test('L1: a file that is not there is a missing input', async () => {
  const error = await errorOf(loadPlanFile(join(folder, 'none.json')))
  assert.equal(error.code, 'INPUT_MISSING')
  assert.match(error.message, /none\.json is not there/)
})

test('L1: a folder is no definition', async () => {
  mkdirSync(join(folder, 'folder.json'))
  const error = await errorOf(loadPlanFile(join(folder, 'folder.json')))
  assert.equal(error.code, 'INPUT_MISSING')
  assert.match(error.message, /folder\.json is not a file/)
})

/** Files that cannot be read as a definition, with what the error says of them. */
const UNREADABLE: readonly (readonly [name: string, content: string | Uint8Array, says: RegExp])[] = [
  ['comma.json', '{\n  "extends": "ads",\n}', /comma\.json:3:1 is not JSON: expected another part after the comma/],
  ['latin1.json', Uint8Array.of(0x7b, 0xff), /latin1\.json is not UTF-8 text/],
  ['large.json', ' '.repeat(1_000_001), /large\.json holds 1000001 bytes; a definition has at most 1000000/],
  ['definition.yaml', 'extends: ads', /it must be a file that ends in \.json, \.ts, \.mts, \.js or \.mjs/],
  ['syntax.ts', 'export default {\n  a: ,\n}', /syntax\.ts(:2)?.* cannot be loaded\. SyntaxError/],
  ['enum.ts', 'enum A { b }\nexport default A', /enum\.ts:1 cannot be loaded\. .*enum is not supported/],
  ['throws.ts', '\nthrow new Error("not today")', /throws\.ts:2:7 cannot be loaded\. Error: not today/],
  ['missing.ts', 'import "./none.ts"\nexport default {}', /missing\.ts cannot be loaded\. .*none\.ts/],
  ['named.mjs', 'export const pipeline = {}', /named\.mjs has no default export: it exports pipeline\./],
]

for (const [name, content, says] of UNREADABLE) {
  test(`${name} is named as unreadable, with the reason`, async () => {
    const error = await errorOf(loadPlanFile(write(name, content)))
    assert.equal(error.code, 'DEFINITION_UNREADABLE')
    assert.match(error.message, says)
    assert.ok(error.fix !== undefined && error.where?.includes(name))
  })
}

test('problems of a JSON definition carry their line and column, in the order of the file', async () => {
  const file = write(
    'wrong.json',
    `{
  "extends": "ads",
  "tables": {
    "mine": { "dimensions": ["contry"], "measures": ["clicks"] },
    "mine": { "dimensions": [], "measures": ["spnd"] }
  },
  "parameters": { "windowSize": "7m" }
}`,
  )
  const error = await errorOf(loadPlanFile(file))
  assert.equal(error.code, 'DEFINITION_INVALID')
  const headings = error.message.split('\n').filter((line) => line.startsWith(folder))
  assert.deepEqual(headings, [
    `${file} has 3 problems.`,
    `${file}:5:5  tables.mine  REPEATED`,
    `${file}:5:46  tables.mine.measures[0]  UNKNOWN_MEASURE`,
    `${file}:7:19  parameters.windowSize  OUT_OF_RANGE`,
  ])
  assert.ok(error.message.includes('did you mean "spend"?'))
})

test('problems of a module name its file', async () => {
  const file = write('wrong.mjs', `export default { extends: 'ads', names: 1 }`)
  const error = await errorOf(loadPlanFile(file))
  assert.ok(error.message.includes(`${file}  names  UNKNOWN_KEY`))
})
