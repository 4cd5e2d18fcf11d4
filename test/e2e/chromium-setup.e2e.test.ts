/**
 * How `npm test` comes by Chromium: found, installed, or said to be missing; never in the way of the other tests.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { runProgram, type Ended } from '../support/run-program.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'chromium.sh')

describe('Chromium for the tests', () => {
  let bin = ''
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'tidemark-chromium-'))
    for (const tool of ['sh', 'date', 'tail', 'timeout', 'touch', 'chmod'])
      symlinkSync(`/usr/bin/${tool}`, join(bin, tool))
  })
  afterEach(() => rmSync(bin, { recursive: true }))

  const program = (name: string, body: string): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  const prepare = async (env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    runProgram('/bin/sh', ['-c', `. '${SCRIPT}'; find_or_install_chromium; chromium_is_here && echo here`], {
      env: { PATH: bin, BIN: bin, ...env },
    })

  it('is found under each of its names, and where CHROMIUM says', async () => {
    program('google-chrome', 'exit 0')
    const found = await prepare()
    assert.deepEqual([found.stdout, found.stderr], ['here\n', ''])
    assert.equal((await prepare({ CHROMIUM: '/somewhere' })).stderr, '')
  })

  it('is installed by root where there is apt-get', async () => {
    program('id', 'echo 0')
    program('apt-get', '[ "$1" = update ] || { touch "$BIN/chromium"; chmod +x "$BIN/chromium"; }')
    const ended = await prepare()
    assert.equal(ended.stdout, 'here\n')
    assert.match(ended.stderr, /installing Chromium[^]*installed in/)
  })

  it('says so where apt-get fails, and goes on', async () => {
    program('id', 'echo 0')
    program('apt-get', 'echo "E: no network" >&2; exit 100')
    const ended = await prepare()
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, /E: no network\ntests: Chromium could not be installed/)
  })

  it('says how to get it where we are not root', async () => {
    program('id', 'echo 1000')
    assert.match((await prepare()).stderr, /no Chromium here[^]*sudo apt-get install chromium/)
  })
})
