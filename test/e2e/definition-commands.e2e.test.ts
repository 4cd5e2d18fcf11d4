/**
 * `tidemark validate` and `tidemark plan` as a user runs them.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { planHash } from '../../src/pipeline/plan-hash.ts'
import { planOf } from '../../src/pipeline/validate.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'tidemark commands '))
after(() => rmSync(folder, { recursive: true }))

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function tidemark(...args: readonly string[]): Outcome {
  const main = join(ROOT, 'src/cli/main.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

const BY_COUNTRY = planHash(
  planOf({
    extends: 'ads',
    dimensions: { country: { label: 'Country' } },
    tables: {
      ctr_by_country: { dimensions: ['country'], measures: ['impressions', 'clicks', 'ctr', 'spend'] },
    },
  }),
)

test('validate says ok and what the plan is, and nothing odd on stderr', () => {
  const { code, out, err } = tidemark('validate', join(ROOT, 'examples/by-country/definition.ts'))
  assert.equal(code, 0)
  assert.equal(
    out,
    `ok ads: 4 dimensions, 4 measures; tables ctr_by_campaign, engagement_by_device, performance, clicks_by_minute, ctr_by_country, ledger
plan ${BY_COUNTRY}
`,
  )
  assert.equal(err.split('\n').length, 2)
  assert.match(err, /^next: \.\/tidemark plan /)
})

test('the JSON twin of an example is the same plan', () => {
  const { code, out } = tidemark('validate', '--json', join(ROOT, 'examples/by-country/definition.json'))
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), { ok: true, name: 'ads', hash: BY_COUNTRY })
})

test('the TypeScript of docs/definition.md is the same plan again', () => {
  const docs = readFileSync(join(ROOT, 'docs/definition.md'), 'utf8')
  writeFileSync(join(folder, 'docs.ts'), /^```ts\n(.*?)^```$/ms.exec(docs)?.[1] ?? '')
  const { out, err } = tidemark('validate', '--json', '--quiet', 'docs.ts')
  assert.deepEqual(JSON.parse(out), { ok: true, name: 'ads', hash: BY_COUNTRY }, err)
})

test('the definition that the README shows is sound, and small', () => {
  const shown = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? ''
  assert.ok(shown.split('\n').length <= 21, 'at most 20 lines')
  writeFileSync(join(folder, 'readme.ts'), shown)
  const { code, out, err } = tidemark('plan', '--json', '--quiet', 'readme.ts')
  assert.equal(code, 0, err)
  assert.match(out, /"ctr_by_country"/)
})

test('every definition among the examples is sound', () => {
  const files = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
  const definitions = files.filter((file) => /(^|\/)(definition\.(ts|json)|minimal\.json)$/.test(file))
  assert.ok(definitions.length >= 3)
  for (const file of definitions) {
    const { code, err } = tidemark('validate', '--quiet', join(ROOT, 'examples', file))
    assert.equal(code, 0, `${file}\n${err}`)
    assert.equal(err, '')
  }
})

test('validate names every problem with its line, and exits with 78', () => {
  writeFileSync(
    join(folder, 'wrong.json'),
    '{\n "extends": "ads",\n "paramters": {},\n "dimensions": { "browser": null }\n}',
  )
  const { code, out, err } = tidemark('validate', 'wrong.json')
  assert.equal(code, 78)
  assert.equal(out, '')
  assert.match(err, /\[DEFINITION_INVALID\] wrong\.json has 2 problems\./)
  assert.match(err, /^wrong\.json:3:2 {2}paramters {2}UNKNOWN_KEY$/m)
  assert.match(err, /^ {2}did you mean "parameters"\?$/m)
  assert.match(err, /^wrong\.json:1:1 {2}tables\.performance\.dimensions\[2\] {2}REMOVED_BUT_USED$/m)
})

test('validate names a table that the page cannot be answered from', () => {
  writeFileSync(
    join(folder, 'silent.json'),
    '{"extends":"ads","tables":{"by_browser":{"dimensions":["browser"],"measures":["impressions","ctr"]}}}',
  )
  const { code, err } = tidemark('validate', 'silent.json')
  assert.equal(code, 0)
  assert.match(
    err,
    /^note: by_browser is no source of the page's views: it lacks clicks and spend, which other tables keep\.$/m,
  )
  assert.doesNotMatch(tidemark('validate').err, /note/, 'control')
})

test('validate --json gives the problems as data', () => {
  writeFileSync(join(folder, 'wrong2.json'), '{ "extends": "ads", "name": "My Ads" }')
  const { code, out } = tidemark('validate', 'wrong2.json', '--json')
  assert.equal(code, 78)
  const { error } = JSON.parse(out) as { error: { code: string; problems: unknown } }
  assert.equal(error.code, 'DEFINITION_INVALID')
  const form = 'a lower-case letter, then lower-case letters, digits or underscores, 63 characters at most'
  assert.deepEqual(error.problems, [
    {
      path: 'name',
      code: 'BAD_NAME',
      message: `A name is ${form}.`,
      given: '"My Ads"',
      allowed: [form],
      line: 1,
      column: 21,
    },
  ])
})

test('validate exits with 66 for a file that is not there', () => {
  const { code, err } = tidemark('validate', 'none.ts')
  assert.equal(code, 66)
  assert.match(err, /\[INPUT_MISSING\] The definition none\.ts is not there/)
})

test('plan prints the plan of the ad pipeline', () => {
  const { code, out } = tidemark('plan', '--quiet')
  assert.equal(code, 0)
  for (const line of [
    'Pipeline ads',
    '  attributionWindow   30m',
    'Table ledger (the ledger: every event in one class)',
  ]) {
    assert.ok(out.split('\n').includes(line), `${line} in\n${out}`)
  }
})

test('plan --json is the exact plan with its hash, parameters of the command line included', () => {
  const { code, out, err } = tidemark('plan', '--json', '--attribution-window', '1h', '--allowed-lateness', '0s')
  assert.equal(code, 0)
  const plan = planOf({ extends: 'ads', parameters: { attributionWindow: '1h', allowedLateness: '0s' } })
  assert.deepEqual(JSON.parse(out), { hash: planHash(plan), plan })
  assert.match(err, /^next: .* --attribution-window 1h --allowed-lateness 0s --out log$/m)
})

test('plan refuses two definitions, and parameters that do not fit', () => {
  assert.equal(tidemark('plan', 'a.json', '--definition', 'b.json').code, 2)
  const { code, err } = tidemark('plan', '--attribution-window', '1ms')
  assert.equal(code, 2)
  assert.match(err, /clockSkewTolerance must be from 0s to 1ms/)
})

test('plan says where events over HTTP go, and validate which topics they could go into', () => {
  const file = join(folder, 'into.json')
  const write = (into: string): void => {
    const sources = { http: { kind: 'http', into }, queue: { kind: 'kafka', brokers: 'a:9092' } }
    writeFileSync(file, JSON.stringify({ extends: 'ads', sources }, undefined, 2))
  }
  write('queue')
  const { code, out } = tidemark('plan', file)
  assert.equal(code, 0)
  assert.match(out, /http +HTTP +impressions and clicks, through the topics of queue/)
  write('topics')
  const refused = tidemark('validate', file)
  assert.equal(refused.code, 78)
  assert.match(refused.out + refused.err, /into\.json:6:\d+ +sources\.http\.into +UNKNOWN_SOURCE/)
  assert.match(refused.out + refused.err, /topics of a source of kind kafka/)
})
