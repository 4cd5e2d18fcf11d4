/**
 * A run whose memory is full, by the clock of its tests (M1 to M4 of `memory-room.ts`): it opens again by itself, loses
 * nothing, and makes nothing late.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TrafficSource } from '../../../src/sources/traffic-source.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { CrowdedRun } from '../../support/crowded-run.ts'
import { adPlan } from '../../support/engine-rig.ts'

const MB = 1_000_000

describe('a run that is full', { timeout: 120_000 }, () => {
  const plan = adPlan({ attributionWindow: '30s', allowedLateness: '5s' })
  // A + 2L, and the longest granule, the idle timeout and the out-of-orderness with it.
  const FORGOTTEN_MS = 40_000 + 65_536 + 10_000 + 5_000

  /** After a minute of more than it may remember. */
  async function fullRun(): Promise<CrowdedRun> {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB })
    await run.sendFor(MINUTE_MS, 1_000)
    assert.ok(run.refused > run.acknowledged)
    return run
  }

  it('M3: opens again by itself while senders go on, and again and again', async () => {
    const run = await fullRun()
    assert.equal(run.run.status().intake.state, 'memory_full')
    assert.match(run.run.status().intake.message ?? '', /memory.*--memory/)
    const { acknowledged } = run
    await run.sendFor(FORGOTTEN_MS, 1_000)
    assert.ok(run.acknowledged > acknowledged, `${acknowledged}, then ${run.acknowledged} events`)
    await run.sendFor(2 * FORGOTTEN_MS, 1_000)
    assert.ok(run.acknowledged > 2 * acknowledged, `${acknowledged}, then ${run.acknowledged} events`)
    assert.ok(run.peakBytes <= run.maxBytes, `${run.peakBytes} of ${run.maxBytes} bytes`)
    assert.equal(run.pipeline.engine.classesOf('impressions').late, 0)
    await run.end()
  })

  it('M1: control: without a limit the same events take more', async () => {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB, isBounded: false })
    await run.sendFor(MINUTE_MS, 1_000)
    assert.equal(run.refused, 0)
    assert.ok(run.peakBytes > run.maxBytes, `${run.peakBytes} of ${run.maxBytes} bytes`)
    await run.end()
  })

  it('M3: control: a partition that never becomes idle keeps it full', async (context) => {
    const run = await fullRun()
    const { acknowledged } = run
    context.mock.method(run.source, 'isOnItsWay', () => true)
    await run.sendFor(2 * FORGOTTEN_MS, 1_000)
    assert.ok(run.acknowledged < 1.1 * acknowledged, `${acknowledged}, then ${run.acknowledged} events`)
    context.mock.restoreAll()
    await run.end()
  })

  it('M2: what was acknowledged is counted while it is full', async () => {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB })
    while (await run.send(1_000));
    assert.ok(run.source.uncountedBytes > 0, 'nothing was read yet')
    await run.time.pass(5_000)
    assert.equal(run.source.uncountedBytes, 0)
    assert.equal(run.pipeline.eventsRead, run.acknowledged)
    await run.end()
  })

  it('takes history of simulated traffic all the same: a start waits for it before anything is counted', async () => {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB })
    while (await run.send(1_000));
    const traffic = new TrafficSource({
      plan,
      rate: 10,
      seed: 1,
      partitions: 1,
      historyFromMs: run.time.nowMs() - MINUTE_MS,
      nowMs: run.time.nowMs(),
      append: () => assert.fail('nothing happens now'),
      appendHistory: (partition, lines, count) => run.source.appendUnasked(partition, lines, count),
      clock: run.time,
      pause: () => assert.fail('it waits'),
    })
    assert.ok((await traffic.fillHistory(new AbortController().signal)) > 100)
    assert.ok(!(await run.send(1)), 'control: it is full')
  })

  it('M4: a file that is followed is never late for it: where its windows fit, it gets in beside senders', async () => {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB })
    const beganMs = run.time.nowMs() - 20 * MINUTE_MS
    assert.ok(await run.readOn(1_000, beganMs, 100, 0))
    await run.time.pass(250)
    while (await run.click(1_000));
    assert.ok(run.run.status().memory?.isFull, 'control: senders fill it')
    for (let second = 10; second < 20 * 60; second += 10) {
      assert.ok(await run.readOn(1_000, beganMs + second * 1_000, 100, MINUTE_MS), `not at ${second} s`)
      await run.click(100)
      await run.time.pass(50)
    }
    assert.equal(run.pipeline.engine.classesOf('impressions').late, 0)
    assert.ok(run.peakBytes <= run.limitBytes, `${run.peakBytes} of ${run.limitBytes} bytes`)
    await run.end()
  })

  it('M4: a file whose windows do not fit waits, and is not late either', async () => {
    const run = await CrowdedRun.start({ plan, roomBytes: 3 * MB })
    const beganMs = run.time.nowMs() - 120 * MINUTE_MS
    let seconds = 0
    while (await run.readOn(4_000, beganMs + seconds * 1_000, 4_000, MINUTE_MS)) seconds++
    assert.ok(seconds > 10 && seconds < 105, `${seconds} s of it fit`)
    await run.time.pass(2 * FORGOTTEN_MS)
    const watermarkMs = run.pipeline.engine.watermarks.pipelineMs
    assert.ok(watermarkMs < beganMs + seconds * 1_000, 'W waits for it')
    assert.equal(run.pipeline.engine.classesOf('impressions').late, 0)
    assert.ok(run.peakBytes <= run.limitBytes, `${run.peakBytes} of ${run.limitBytes} bytes`)
    await run.end()
  })
})
