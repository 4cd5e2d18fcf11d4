/**
 * The bench works, on logs so small that its times mean nothing: answers are compared, tables printed, mistakes named.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runProgram, type Ended } from '../support/run-program.ts'

const ROOT = join(import.meta.dirname, '..', '..')

describe('npm run bench', () => {
  let dir = ''
  const bench = async (...args: string[]): Promise<Ended> =>
    runProgram(join(ROOT, 'scripts', 'node'), [join(ROOT, 'bench', 'run.ts'), ...args], { timeoutMs: 120_000 })

  before(() => (dir = mkdtempSync(join(tmpdir(), 'tidemark bench '))))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('finds the same answer as the recount and as the peers', async () => {
    const ended = await bench('engine', 'peers', '--events', '20000', '--runs', '1', '--dir', dir)
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, /^\| cells unlike the recount +\| 0 +\|.*\| met; of [\d,]+, on 2,000 events/m)
    for (const name of ['one table to CSV', 'all five tables to CSV', 'JSON.parse and Map', 'DuckDB, one thread'])
      assert.match(ended.stdout, new RegExp(`^\\| ${name.replaceAll('.', '\\.')} +\\| [\\d,]+ events/s `, 'm'))
  })

  it('measures memory for each live impression', async () => {
    const ended = await bench('memory', '--events', '20000', '--runs', '1', '--dir', dir)
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, /^\| a live impression, tables of ids +\| [\d.,]+ bytes /m)
  })

  it('sends events to a service, and finds all that was acknowledged counted', async () => {
    const ended = await bench('ingest', '--events', '50000', '--runs', '1', '--dir', join(dir, 'logs'))
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, /^\| all of a run: batches of 1,000, by processor time +\| [\d,]+ events\/CPU-s /m)
    assert.match(ended.stdout, /^\| acknowledged, and not counted +\| 0 events +\|/m)
  })

  it('names a part that does not exist', async () => {
    const ended = await bench('engin')
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /No part "engin"\.\nUsage:/)
    assert.equal((await bench('--qick')).code, 2)
  })
})
