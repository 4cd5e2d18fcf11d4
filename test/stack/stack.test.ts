/**
 * The stack as a whole: it comes up, mends itself, survives its supervisor, and leaves nothing behind.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isRunning, type ProcessIdentity } from '../../src/database/process-identity.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import { readState, type PartState } from '../../src/stack/state-file.ts'
import { eventually } from '../support/eventually.ts'
import { stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

describe('the stack', { skip: stackMissing() }, () => {
  let stack: TestStack
  const seen: ProcessIdentity[] = []
  before(async () => {
    stack = await startTestStack()
    remember()
  })
  after(async () => stack.stop())

  const parts = (): readonly PartState[] => readState(stack.settings.home)?.parts ?? []
  const part = (name: string): PartState | undefined => parts().find((candidate) => candidate.name === name)
  const context = { log: () => undefined, signal: AbortSignal.timeout(600_000) }

  function remember(): void {
    const state = readState(stack.settings.home)
    if (state !== undefined) seen.push(state.supervisor, ...state.parts.flatMap((one) => one.process ?? []))
  }

  it('starts a part again that dies', async () => {
    const before = part('taskmanager')?.process
    assert.ok(before !== undefined)
    process.kill(before.pid, 'SIGKILL')
    await eventually(
      'the task manager is back',
      () => part('taskmanager')?.status === 'ready' && part('taskmanager')?.process?.pid !== before.pid,
      90_000,
    )
    assert.equal(part('taskmanager')?.restarts, 1)
    remember()
  })

  it('is taken over by the next start when its supervisor is killed', async () => {
    const state = readState(stack.settings.home)
    assert.ok(state !== undefined)
    process.kill(state.supervisor.pid, 'SIGKILL')
    await eventually('the supervisor is gone', () => !isRunning(state.supervisor))
    const orphan = part('kafka')?.process
    assert.ok(orphan !== undefined && isRunning(orphan), 'control: its parts go on without it')
    await stackUp(stack.settings, context)
    assert.ok(!isRunning(orphan))
    remember()
  })

  it('leaves no process behind', async () => {
    assert.ok(seen.some(isRunning))
    await stackDown(stack.settings.home)
    assert.deepEqual(seen.filter(isRunning), [])
  })
})
