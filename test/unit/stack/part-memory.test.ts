/**
 * The memory of a process counts what it has started.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { residentBytes } from '../../../src/stack/part-memory.ts'
import { eventually } from '../../support/eventually.ts'

describe('the memory of a part', () => {
  it('counts the processes below it', async () => {
    const alone = residentBytes([process.pid]).get(process.pid) ?? 0
    assert.ok(alone > 10e6)
    const child = spawn(process.execPath, ['-e', 'globalThis.kept = Buffer.alloc(3e8, 1); setInterval(() => {}, 1e6)'])
    try {
      await eventually('it is counted', () => (residentBytes([process.pid]).get(process.pid) ?? 0) > alone + 2.5e8)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('control: a process that is not there has none', () => {
    assert.equal(residentBytes([2 ** 30]).size, 0)
  })
})
