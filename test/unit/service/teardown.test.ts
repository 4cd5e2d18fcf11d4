/**
 * Teardown T1–T3: in the opposite order, whatever fails, and once.
 */
import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { Teardown } from '../../../src/service/teardown.ts'

function unexpected(error: unknown): void {
  assert.fail(String(error))
}

describe('taking down', () => {
  it('T1: the last started goes first, and each waits for the one before it', async () => {
    const heard: string[] = []
    const teardown = new Teardown(unexpected)
    for (const name of ['database', 'sink', 'page']) {
      teardown.add(async () => {
        heard.push(`${name} begins`)
        await nextTurn()
        heard.push(`${name} ends`)
      })
    }
    await teardown.run()
    assert.deepEqual(
      heard,
      ['page', 'sink', 'database'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    )
  })

  it('T2: a step that fails is told, and the others run', async () => {
    const failures: unknown[] = []
    let isDown = false
    const teardown = new Teardown((error) => failures.push(error))
    teardown.add(async () => (isDown = true))
    teardown.add(() => Promise.reject(new Error('later')))
    teardown.add(() => {
      throw new Error('at once')
    })
    await teardown.run()
    assert.deepEqual(failures.map(String), ['Error: at once', 'Error: later'])
    assert.ok(isDown)
  })

  it('T3: twice is once, and both wait', async () => {
    let steps = 0
    const teardown = new Teardown(unexpected)
    teardown.add(async () => {
      await nextTurn()
      steps++
    })
    const first = teardown.run()
    await teardown.run()
    assert.equal(steps, 1)
    await first
    await teardown.run()
    assert.equal(steps, 1)
  })
})
