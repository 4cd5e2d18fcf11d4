/**
 * A run that is to send events over HTTP into topics of brokers that are not there, as its user meets it.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { makeDataDir, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram } from '../support/run-program.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(() => postgres.stop())

test('it says which brokers do not answer, and ends with 69', async (context) => {
  const dataDir = makeDataDir()
  context.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const file = join(dataDir, 'definition.json')
  const sources = { http: { kind: 'http', into: 'queue' }, queue: { kind: 'kafka', brokers: '127.0.0.1:1' } }
  writeFileSync(file, JSON.stringify({ extends: 'ads', sources }))
  const url = await postgres.createDatabase()
  const args = [MAIN, 'run', file, '--data-dir', dataDir, '--database-url', url, '--port', '0', '--admin-port', '0']
  const { code, stderr } = await runProgram(process.execPath, [...args, '--no-open'], {
    env: process.env,
    timeoutMs: 120_000,
  })
  assert.equal(code, 69, stderr)
  assert.match(stderr, /KAFKA_UNAVAILABLE.*127\.0\.0\.1:1 cannot be used/)
  assert.match(stderr, /stack up --only kafka/)
})
