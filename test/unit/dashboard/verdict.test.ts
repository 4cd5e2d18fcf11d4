/**
 * The one sentence on a pipeline, where intake waits.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verdictOf as verdictWithin, type Verdict } from '../../../dashboard/src/model/verdict.ts'
import type { PageStatus, PipelineStatus } from '../../../src/runtime/status.ts'
import { healthyStatus, partition, tablesStatus } from '../../support/pipeline-status.ts'

const NOTHING_WAITS = { epoch: 0, sinceMs: null }
const { intake, nowMs } = healthyStatus()
const verdictOf = (status: PageStatus, waiting: Parameters<typeof verdictWithin>[2] = NOTHING_WAITS): Verdict =>
  verdictWithin(status, { outOfOrdernessMs: 5_000, idleTimeoutMs: 10_000 }, waiting)

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

describe('the verdict where nothing comes', () => {
  const idle = (eventsRead: number, silentForMs: number): PipelineStatus =>
    healthyStatus({
      partitions: [
        partition({ state: 'idle', eventsRead, silentForMs }),
        partition({ stream: 'clicks', state: 'idle', eventsRead: 0, silentForMs: 900_000 }),
      ],
      heldBackBy: null,
    })

  it('says since when, once all sources are idle', () => {
    const { tone, text } = verdictOf(idle(3, 180_400))
    assert.deepEqual([tone, text.replaceAll('\u2009', ' ')], ['warn', 'No events for 3 min'])
  })

  it('says that of the time since it was started, where nothing came in it', () => {
    const { text } = verdictOf({ ...idle(3, 180_400), beganAtMs: nowMs - 181_000 })
    assert.equal(text.replaceAll('\u2009', ' '), 'No events since the start 3 min ago')
  })

  it('says that nothing has come yet', () => {
    assert.deepEqual(verdictOf(idle(0, 180_400)), { tone: 'warn', text: 'Nothing has come yet' })
  })

  it('control: one source that speaks is enough', () => {
    const status = idle(3, 180_400)
    const speaking = { ...status, partitions: [partition(), ...status.partitions.slice(1)] }
    assert.equal(verdictOf(speaking).tone, 'good')
  })

  it('says that PostgreSQL is silent while results wait for it', () => {
    const since = { epoch: 8_412, sinceMs: nowMs - 8_000 }
    assert.equal(verdictOf(healthyStatus(), since).tone, 'warn')
    assert.match(verdictOf(healthyStatus(), since).text, /silent for 8/)
    assert.equal(verdictOf(healthyStatus(), { ...since, sinceMs: nowMs - 900 }).tone, 'good', 'control')
  })
})

describe('the verdict on tables that somebody else fills', () => {
  it('claims nothing of who fills them', () => {
    const { database } = tablesStatus()
    assert.deepEqual(verdictOf(tablesStatus({ database: { ...database, state: 'down' } })), {
      tone: 'bad',
      text: 'PostgreSQL cannot be read',
    })
    const { text } = verdictOf(tablesStatus({ committedAtMs: nowMs - 180_400 }))
    assert.equal(text.replaceAll('\u2009', ' '), 'Nothing new in the tables for 3 min')
    assert.equal(verdictOf(tablesStatus({ committedAtMs: null })).text, 'Nothing has been counted yet')
    assert.equal(verdictOf(tablesStatus({ watermarkMs: null })).tone, 'good', 'before any window is closed')
    assert.equal(verdictOf(healthyStatus({ watermarkMs: null, heldBackBy: null })).tone, 'warn', 'control')
  })
})
