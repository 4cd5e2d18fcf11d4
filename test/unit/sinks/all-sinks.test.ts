/**
 * Several sinks as one: A1 and A2.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Sink } from '../../../src/runtime/ports.ts'
import { AllSinks } from '../../../src/sinks/all-sinks.ts'

/** A sink that writes its calls down, and fails at one of them. */
function namedSink(name: string, calls: string[], failsAt?: keyof Sink): Sink {
  const call = async (what: keyof Sink): Promise<void> => {
    calls.push(`${name}.${what}`)
    if (what === failsAt) throw new Error('the disk is full')
  }
  return {
    open: () => call('open'),
    write: () => call('write'),
    prepare: () => call('prepare'),
    commit: () => call('commit'),
    close: () => call('close'),
  }
}

describe('AllSinks', () => {
  it('A1, A2: prepares all of them, then commits in the order given', async () => {
    const calls: string[] = []
    await new AllSinks([namedSink('database', calls), namedSink('files', calls)]).commit()
    assert.deepEqual(calls, ['database.prepare', 'files.prepare', 'database.commit', 'files.commit'])
  })

  it('A1: commits none where one cannot be prepared', async () => {
    const calls: string[] = []
    const sinks = new AllSinks([namedSink('database', calls), namedSink('files', calls, 'prepare')])
    await assert.rejects(sinks.commit(), /the disk is full/)
    assert.ok(!calls.some((call) => call.endsWith('.commit')), calls.join())
  })

  it('A2: commits none of those after one that refuses', async () => {
    const calls: string[] = []
    const sinks = new AllSinks([namedSink('database', calls, 'commit'), namedSink('files', calls)])
    await assert.rejects(sinks.commit(), /the disk is full/)
    assert.ok(!calls.includes('files.commit'))
  })

  it('closes all of them, and says what one complained of', async () => {
    const calls: string[] = []
    const sinks = new AllSinks([namedSink('database', calls, 'close'), namedSink('files', calls)])
    await assert.rejects(sinks.close(), /the disk is full/)
    assert.ok(calls.includes('files.close'))
  })
})
