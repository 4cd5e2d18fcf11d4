/**
 * Ending a server from outside: that very process, or none (M1).
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { endProcess } from '../../../src/database/postmaster.ts'
import { identify, isRunning } from '../../../src/database/process-identity.ts'
import { afterwards } from '../../support/afterwards.ts'

describe('endProcess', () => {
  it('M1: leaves a process alone that only got the number of the one to end', async (context) => {
    const child = spawn('sleep', ['60'])
    afterwards(context, () => child.kill('SIGKILL'))
    await once(child, 'spawn')
    const sleeper = identify(child.pid ?? NaN)
    assert.ok(sleeper)
    await endProcess({ pid: sleeper.pid, start: 'long ago' })
    assert.ok(isRunning(sleeper))
    // The control: with its own start it is ended.
    await endProcess(sleeper)
    assert.ok(!isRunning(sleeper))
    await endProcess(sleeper)
    await endProcess(undefined)
  })
})
