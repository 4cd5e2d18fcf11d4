/**
 * The one sentence on a pipeline, where intake waits.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verdictOf as verdictWithin, type Verdict } from '../../../dashboard/src/model/verdict.ts'
import type { PipelineStatus } from '../../../src/runtime/status.ts'
import { healthyStatus } from '../../support/pipeline-status.ts'

const { intake } = healthyStatus()
const verdictOf = (status: PipelineStatus): Verdict =>
  verdictWithin(status, { outOfOrdernessMs: 5_000, idleTimeoutMs: 10_000 })

describe('the verdict where intake waits', () => {
  it('says what fills the memory and what to do', () => {
    const message = 'What has to be remembered fills the memory there is (4.00 GB of 4.00 GB). Ways out: --memory.'
    const full = healthyStatus({ intake: { ...intake, state: 'memory_full', message } })
    assert.deepEqual(verdictOf(full), { tone: 'bad', text: message })
  })

  it('says it to a limited viewer without numbers', () => {
    const full = healthyStatus({ intake: { ...intake, state: 'memory_full', message: null }, memory: null })
    assert.equal(verdictOf(full).tone, 'bad')
    assert.match(verdictOf(full).text, /memory/)
  })

  it('says it where senders go on, as their events go into topics', () => {
    const memory = { limitBytes: 4e9, neededBytes: 4e9, stateBytes: 3e9, isFull: true }
    const full = healthyStatus({ intake: { ...intake, state: 'open', message: 'It fills the memory.' }, memory })
    assert.deepEqual(verdictOf(full), { tone: 'bad', text: 'It fills the memory.' })
  })

  it('control: all is well where it does not', () => {
    assert.equal(verdictOf(healthyStatus()).tone, 'good')
  })
})
