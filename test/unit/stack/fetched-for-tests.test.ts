/**
 * Which tests of the stack run, and what becomes of those whose programs cannot be fetched: they skip, and say why.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { jarFolder } from '../../../src/stack/fetch-jars.ts'
import { runProgram, type Ended } from '../../support/run-program.ts'
import { stackMissing, supersetMissing } from '../../support/stack.ts'

const FETCH = join(import.meta.dirname, '..', '..', 'support', 'fetch-stack.ts')
const NAMES = ['', '_CACHE', '_MISSING', '_UNTIL'].map((end) => `TIDEMARK_STACK${end}`)

describe('the programs of the stack, for tests', () => {
  let folder: string
  const saved = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]))
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-fetch-'))
    for (const name of NAMES) delete process.env[name]
    process.env['TIDEMARK_STACK_CACHE'] = join(folder, 'cache')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    for (const [name, value] of Object.entries(saved))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })

  /** Fetches with nothing on the path but what is in the folder. */
  async function fetchWithin(seconds: number): Promise<Ended> {
    const env = { PATH: folder, HOME: folder, TIDEMARK_STACK_CACHE: join(folder, 'cache') }
    return runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', FETCH, String(seconds)], { env })
  }

  function putProgram(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }

  it('are missing with a reason where Maven is not installed', async () => {
    const { code, stdout } = await fetchWithin(60)
    assert.equal(code, 0)
    assert.match(stdout, /^The jars of kafka cannot be fetched: Maven \(mvn\) is not installed\./)
  })

  it('are missing with a reason where the registry does not answer', async () => {
    putProgram('mvn', 'echo "[ERROR] Could not transfer artifact: Connection refused"; exit 1')
    const { code, stdout } = await fetchWithin(60)
    assert.equal(code, 0)
    assert.match(stdout, /jars of flink cannot be fetched: Could not transfer artifact: Connection refused/)
  })

  it('are missing with a reason where the registry is too slow for the time that all of them have', async () => {
    putProgram('mvn', 'exec /bin/sleep 600')
    const { code, stdout } = await fetchWithin(1)
    assert.equal(code, 0)
    assert.match(stdout, /^It was not done within 1 s\./)
  })

  it('that are missing make tests skip with that reason', () => {
    process.env['TIDEMARK_STACK_MISSING'] = 'No network.'
    for (const wanted of ['share', '1']) {
      process.env['TIDEMARK_STACK'] = wanted
      assert.match(stackMissing() || 'they run', /^not fetched: kafka, flink\. No network\.$|java|memory/)
      assert.match(supersetMissing() || 'they run', /^not fetched: superset\. No network\.$|java|memory/)
    }
  })

  it('that are there make them run, whatever could not be fetched beside them', () => {
    for (const set of ['kafka', 'flink'] as const) mkdirSync(jarFolder(join(folder, 'cache'), set), { recursive: true })
    process.env['TIDEMARK_STACK_MISSING'] = 'No Python.'
    const reason = stackMissing() || 'they run'
    assert.match(reason, /^they run$|java|memory/)
    assert.match(stackMissing({ isForLong: true }) || reason, /test:long|java|memory/)
    process.env['TIDEMARK_STACK_UNTIL'] = '1'
    assert.match(stackMissing() || 'they run', /time for tests of the stack is used up/)
    process.env['TIDEMARK_STACK'] = '0'
    assert.equal(stackMissing(), 'TIDEMARK_STACK=0')
  })
})
