/**
 * `tidemark flink sql` as a user runs it.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runProgram, type Ended } from '../support/run-program.ts'

const ROOT = join(import.meta.dirname, '..', '..')

async function tidemark(...args: readonly string[]): Promise<Ended> {
  return runProgram(process.execPath, [join(ROOT, 'src', 'cli', 'main.ts'), ...args], { cwd: ROOT })
}

test('flink sql prints the job of the ad pipeline, without a password', async () => {
  const { code, stdout } = await tidemark('flink', 'sql')
  assert.equal(code, 0)
  const golden = readFileSync(join(ROOT, 'test', 'golden', 'flink-ads.sql'), 'utf8')
  assert.equal(stdout, golden.replaceAll("'password' = ''", "'password' = '***'"))
})

test('flink sql follows a definition and parameters', async () => {
  const args = ['flink', 'sql', 'examples/by-country/definition.json', '--attribution-window', '1h', '--json']
  const { code, stdout } = await tidemark(...args)
  assert.equal(code, 0)
  const { sql, hash } = JSON.parse(stdout) as { sql: string; hash: string }
  assert.match(sql, /INSERT INTO `table_ctr_by_country`/)
  assert.match(sql, /A = 1h/)
  assert.ok(sql.includes(hash))
})

test('two definitions are refused', async () => {
  const { code, stderr } = await tidemark('flink', 'sql', 'a.json', '--definition', 'b.json')
  assert.equal(code, 2)
  assert.match(stderr, /Two definitions/)
})
