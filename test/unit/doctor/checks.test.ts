/**
 * Each finding of doctor at its limits, and that what is not fine says how to mend it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { formatBytes, type Check } from '../../../src/doctor/check.ts'
import { checkDataFolder } from '../../../src/doctor/data-folder.ts'
import { checkClock, checkMemory, checkNode, checkPage } from '../../../src/doctor/machine.ts'
import { checkPort } from '../../../src/doctor/ports.ts'
import { checkGiven, checkPostgres } from '../../../src/doctor/postgres.ts'
import { defaultMemoryBytes } from '../../../src/service/memory-limit.ts'
import { checkJava, checkMaven, checkPython, checkStack, checkStackMemory } from '../../../src/doctor/stack-programs.ts'

function assertStatus(check: Check | undefined, status: Check['status'], message?: RegExp): void {
  assert.equal(check?.status, status, JSON.stringify(check))
  assert.equal(check.fix !== undefined, status !== 'ok', 'a fix stands with whatever is not fine, and only there')
  if (message !== undefined) assert.match(check.message, message)
}

function refuses(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch {
    return true
  }
}

describe('doctor', () => {
  it('node', () => {
    assertStatus(checkNode('20.20.2', '/n'), 'fail', /20\.20\.2 \(\/n\); needed: 22\.18/)
    assertStatus(checkNode('22.17.9', '/n'), 'fail')
    assertStatus(checkNode('22.18.0', '/n'), 'warn')
    assertStatus(checkNode('24.0.0', '/n'), 'ok')
    assertStatus(checkNode('25.1.0', '/n'), 'ok')
  })

  it('memory', () => {
    assertStatus(checkMemory(399e6, 4e9), 'fail', /399 MB available of 4\.0 GB; needed: 400 MB/)
    assertStatus(checkMemory(999e6, 4e9), 'warn')
    assertStatus(checkMemory(1e9, 4e9), 'ok')
  })

  it('memory: what a run refuses to start in, fails here too', () => {
    for (const totalBytes of [450e6, 499e6, 500e6, 4e9]) {
      const isRefused = refuses(() => defaultMemoryBytes(totalBytes))
      assertStatus(checkMemory(420e6, totalBytes), isRefused ? 'fail' : 'warn')
    }
    assertStatus(checkMemory(420e6, 450e6), 'fail', /420 MB available of 450 MB; a run needs 500 MB in all/)
  })

  it('what the stack needs, which the demo can do without', async () => {
    assertStatus(checkJava(undefined), 'warn', /not found/)
    assertStatus(checkJava('openjdk version "1.8.0_402"'), 'warn', /1\.8\.0_402; needed: 17/)
    assertStatus(checkJava('openjdk version "16.0.2" 2021-07-20'), 'warn')
    assertStatus(checkJava('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime'), 'ok', /17\.0\.15/)
    assertStatus(checkMaven(undefined), 'warn')
    assertStatus(checkMaven('\u001b[1mApache Maven 3.8.7\u001b[m\nMaven home'), 'ok', /^3\.8\.7$/)
    assertStatus(checkPython(undefined), 'warn', /3\.11 or 3\.12/)
    assertStatus(checkPython({ program: 'python3.11', version: '3.11.7' }), 'ok', /3\.11\.7 \(python3\.11\)/)
    assertStatus(checkStackMemory(3.4e9), 'warn', /3\.4 GB available; all of the stack takes 3\.5 GB/)
    assertStatus(checkStackMemory(3.5e9), 'ok')
    const checks = await checkStack('no/such/folder', 8e9)
    assert.deepEqual(
      checks.map(({ name }) => name),
      ['java', 'maven', 'python', 'stack memory', 'stack disk', 'stack ports'],
    )
    assert.ok(checks.every(({ status }) => status !== 'fail'))
  })

  it('clock', () => {
    assertStatus(checkClock(0, 0), 'fail', /1970/)
    assertStatus(checkClock(Date.UTC(2026, 5, 1), Date.UTC(2026, 5, 2)), 'warn')
    assertStatus(checkClock(Date.UTC(2026, 5, 2), Date.UTC(2026, 5, 2)), 'ok')
    assertStatus(checkClock(Date.UTC(2100, 0, 1), 0), 'fail')
  })

  it('data folder: one that is there, one that is not, one that cannot be', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-doctor-'))
    try {
      assertStatus(checkDataFolder(folder)[0], 'ok')
      assert.deepEqual(readdirSync(folder), [], 'D3: nothing stays')
      assertStatus(checkDataFolder(join(folder, 'a', 'b'))[0], 'ok', /made when needed/)
      assert.deepEqual(readdirSync(folder), [])
      writeFileSync(join(folder, 'file'), '')
      assertStatus(checkDataFolder(join(folder, 'file'))[0], 'fail', /cannot be written/)
      assertStatus(checkDataFolder(join(folder, 'file', 'below'))[0], 'fail', /cannot be written/)
      assert.match(checkDataFolder(folder)[1]?.message ?? '', /free at/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('port: free, and held by somebody', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      const held = await checkPort(port, 'page')
      assertStatus(held, 'warn', /the next free port serves instead/)
      if (process.platform === 'linux') assert.match(held.message, new RegExp(`taken by .*\\(pid ${process.pid}\\)`))
    } finally {
      server.close()
      await once(server, 'close')
    }
    assertStatus(await checkPort(port, 'page'), 'ok', /free \(page\)/)
  })

  it('postgresql: a server that is given', () => {
    assertStatus(checkGiven({ text: '12.22', major: 12 }, true), 'fail', /^12\.22, given; needed: 13 or later$/)
    assertStatus(checkGiven({ text: '13.0', major: 13 }, true), 'ok', /^13\.0, given$/)
    assertStatus(checkGiven({ text: '18.4', major: 18 }, false), 'fail', /may not create tables in public/)
  })

  it('postgresql: a server that is not there', async () => {
    const check = await checkPostgres('postgresql://someone:secret@127.0.0.1:1/none')
    assertStatus(check, 'fail', /connect/i)
    assert.doesNotMatch(JSON.stringify(check), /secret/)
  })

  it('page: neither built nor to be built', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-doctor-'))
    assertStatus(checkPage(folder), 'fail', /missing from/)
    rmSync(folder, { recursive: true })
  })

  it('writes sizes', () => {
    assert.deepEqual([0, 999, 1_000, 999_499, 999_500, 1.44e9, 81e9].map(formatBytes), [
      '0 B',
      '999 B',
      '1.0 kB',
      '999 kB',
      '1.0 MB',
      '1.4 GB',
      '81 GB',
    ])
  })
})
