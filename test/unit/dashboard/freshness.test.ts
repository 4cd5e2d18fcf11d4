/**
 * What the page says of how fresh its numbers are, and of what they are while others are asked for.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  answerUpToMs,
  followWaiting,
  freshnessOf,
  stalledForMs,
  writtenUpToMs,
  type Shown,
} from '../../../dashboard/src/model/freshness.ts'
import { defaultState } from '../../../dashboard/src/model/page-state.ts'
import { stillInWords } from '../../../dashboard/src/model/still.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import type { PipelineStatus } from '../../../src/runtime/status.ts'
import { adPlan } from '../../support/engine-rig.ts'
import { healthyStatus, partition, tablesStatus } from '../../support/pipeline-status.ts'

const page = planPage(adPlan())
const { nowMs, database } = healthyStatus()
const shown: Shown = { upToMs: nowMs - 1_000, isPaused: false, isFixed: false, stalledForMs: null }
const said = (status: PipelineStatus, changed: Partial<Shown> = {}): string => {
  const { tone, before, timeMs, after } = freshnessOf(status, { ...shown, ...changed })
  return `${tone}: ${before}${timeMs === null ? '' : ' TIME'}${after}`.replaceAll('\u2009', ' ')
}

describe('how fresh the numbers are', () => {
  it('R1: is said as the worst that is known', () => {
    const down = healthyStatus({ database: { ...database, state: 'down' } })
    const idle = healthyStatus({ partitions: [partition({ state: 'idle', silentForMs: 61_300 })] })
    assert.equal(said(healthyStatus()), 'live: Live · as of TIME · 1.0 s behind')
    assert.equal(said(healthyStatus(), { isFixed: true }), 'calm: Fixed range · as of TIME')
    assert.equal(said(healthyStatus(), { isPaused: true, isFixed: true }), 'calm: Paused as of TIME')
    assert.equal(said(down, { isFixed: true }), 'bad: Numbers as of TIME, PostgreSQL is down')
    assert.equal(
      said(healthyStatus(), { stalledForMs: 8_000 }),
      'warn: Numbers as of TIME, PostgreSQL has been silent for 8.0 s',
    )
    assert.equal(said(idle), 'warn: No events for 1 min 1 s')
    assert.equal(said(healthyStatus({ partitions: [partition({ eventsRead: 0 })] })), 'warn: Nothing has come yet')
  })

  it('R1: results wait too long since they were first seen to, and not since an epoch long ago', () => {
    const waits = (atMs: number, waitingCells: number, epoch: number = 7): PipelineStatus =>
      healthyStatus({ nowMs: atMs, epoch, committedAtMs: 0, database: { ...database, waitingCells } })
    let waiting = followWaiting({ epoch: 0, sinceMs: null }, waits(100_000, 3))
    assert.equal(stalledForMs(waits(100_000, 3), waiting), null)
    waiting = followWaiting(waiting, waits(106_000, 9))
    assert.equal(stalledForMs(waits(106_000, 9), waiting), 6_000)
    waiting = followWaiting(waiting, waits(107_000, 2, 8))
    assert.equal(stalledForMs(waits(107_000, 2, 8), waiting), null, 'a new epoch came')
    assert.equal(followWaiting(waiting, waits(120_000, 0, 8)).sinceMs, null)
  })

  it('is that of the answer, and not of the engine, while results wait', () => {
    const asOf = { epoch: 7, watermarkMs: nowMs - 60_000, finalUpToMs: null, provisionalShare: 0, answeredAtMs: nowMs }
    const waits = healthyStatus({ epoch: 9, database: { ...database, waitingCells: 3 } })
    assert.equal(answerUpToMs(page, asOf, waits), nowMs - 60_000 + page.outOfOrdernessMs)
    const quiet = healthyStatus({ epoch: 7 })
    assert.equal(answerUpToMs(page, asOf, quiet), nowMs - 6_000 + page.outOfOrdernessMs, 'control: nothing waits')
  })

  it('is on the status page that of the tables while they stand still', () => {
    const status = healthyStatus({ committedAtMs: nowMs - 40_000 })
    const nothing = { epoch: 0, sinceMs: null }
    const stalled = { epoch: 8_412, sinceMs: nowMs - 39_000 }
    assert.equal(writtenUpToMs(page, status, stalled), nowMs - 40_000)
    assert.equal(writtenUpToMs(page, status, nothing), nowMs - 6_000 + page.outOfOrdernessMs, 'control')
  })
})

it('of the tables of a Flink job is when they were written, and of ours the watermark', () => {
  const asOf = { epoch: null, watermarkMs: null, finalUpToMs: null, provisionalShare: 1, answeredAtMs: nowMs }
  assert.equal(answerUpToMs(page, asOf, tablesStatus({ watermarkMs: null })), nowMs - 400)
  const ours = tablesStatus({ epoch: 8_412 })
  assert.equal(
    answerUpToMs(page, { ...asOf, epoch: 8_412, watermarkMs: nowMs - 6_000 }, ours),
    nowMs - 1_000,
    'control',
  )
})

it('what is still shown is named by what tells it from what is asked', () => {
  const hour = defaultState(page, 'UTC')
  const words = (changed: object): string => {
    const { shown: is, asked } = stillInWords(hour, { ...hour, ...changed })
    return `${is} / ${asked}`.replaceAll('\u2009', ' ')
  }
  assert.equal(words({ range: { kind: 'last', lengthMs: 900_000 } }), 'the last hour / the last 15 min')
  const fixed = { kind: 'fixed', startMs: Date.UTC(2026, 0, 1, 8), endMs: Date.UTC(2026, 0, 1, 9) }
  assert.equal(words({ range: fixed }), 'the last hour / 1 Jan, 08:00 to 1 Jan, 09:00')
  const filters = [{ dimension: 'device_type', mode: 'include', members: ['mobile'] }]
  assert.equal(words({ filters }), 'the numbers of other filters / those of these filters')
  assert.equal(words({ comparison: { kind: 'none' } }), 'the comparison of before / the new one')
})
