/**
 * Which partitions hold the watermark back, and for how long (R1 and R5 of `live-run.ts`).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { STREAM_NAMES } from '../../../src/pipeline/plan.ts'
import { DAY_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, TEN_MS } from '../../support/engine-rig.ts'
import { clickLine, impressionLine } from '../../support/event-lines.ts'
import { AWAY } from '../../support/fragile-sink.ts'
import { Live, live } from '../../support/live-run-rig.ts'

describe('live run: idleness and watermarks', () => {
  it('R1: a partition silent for idleTimeout stops holding the watermark back, not sooner', () =>
    live(async ({ time, source, run, ...all }) => {
      const { pipeline } = all
      source.put(1, clickLine('k1', 'i1', TEN_MS))
      for (let second = 1; second < 10; second++) {
        source.put(0, impressionLine(`i${second}`, TEN_MS + second * 1_000))
        await time.pass(1_000)
      }
      assert.equal(pipeline.engine.watermarks.pipelineMs, TEN_MS - 5_000, 'held back by the clicks')
      assert.equal(run.status().heldBackBy, 1)
      assert.deepEqual(
        run.status().partitions.map(({ state }) => state),
        ['active', 'active'],
      )
      source.put(0, impressionLine('i10', TEN_MS + 10_000))
      await time.pass(1_100)
      assert.deepEqual(
        run.status().partitions.map(({ state }) => state),
        ['active', 'idle'],
      )
      assert.equal(pipeline.engine.watermarks.pipelineMs, TEN_MS + 10_000 - 5_000)
      assert.equal(run.status().heldBackBy, 0)
    }))

  it('R1: with an idleTimeout of 0 s, what has just spoken is not idle, so old events in order are not late', async () => {
    const all = new Live(['impressions'], undefined, adPlan({ idleTimeout: '0s' }))
    for (let i = 0; i < 120; i++) all.source.put(0, impressionLine(`i${i}`, TEN_MS - 20 * MINUTE_MS + i * 100))
    all.source.linesPerPoll = 1
    all.start()
    await all.time.pass(200)
    await all.stop()
    const { late, counted } = all.pipeline.engine.classesOf('impressions')
    assert.deepEqual({ late, counted }, { late: 0, counted: 120 })
  })

  it('R1: when all are idle the watermark follows the clock − outOfOrderness, and the last minutes close', () =>
    live(async ({ time, source, run, pipeline, sink }) => {
      source.put(0, impressionLine('i1', TEN_MS))
      await time.pass(9_900)
      assert.equal(pipeline.engine.watermarks.pipelineMs, -Infinity, 'clicks were never heard of')
      await time.pass(200)
      assert.ok(run.status().partitions.every(({ state }) => state === 'idle'))
      assert.ok(Math.abs(pipeline.engine.watermarks.pipelineMs - (time.nowMs() - 5_000)) <= 100)
      time.jump(37 * MINUTE_MS)
      await time.pass(2_000)
      const rows = sink.epochs.flatMap(({ changes }) =>
        changes.cells.filter(({ rollUp }) => rollUp === 'ctr_by_campaign'),
      )
      assert.deepEqual(rows.at(-1)?.isFinal, [true])
      assert.equal(run.status().finalUpToMs, TEN_MS + 2 * MINUTE_MS)
    }))

  it('R1: one that speaks again is active at once, and its old events are late', () =>
    live(async ({ time, source, run, pipeline }) => {
      time.jump(20 * MINUTE_MS)
      await time.pass(2_000)
      const watermarkMs = pipeline.engine.watermarks.pipelineMs
      source.put(0, impressionLine('old', TEN_MS), impressionLine('new', time.nowMs()))
      await time.pass(100)
      assert.equal(run.status().partitions[0]?.state, 'active')
      assert.equal(pipeline.engine.classesOf('impressions').late, 1)
      assert.equal(pipeline.engine.classesOf('impressions').counted, 1)
      assert.ok(pipeline.engine.watermarks.pipelineMs >= watermarkMs)
    }))

  it('R1: while intake is paused nothing becomes idle, nor the moment it goes on', () =>
    live(
      async ({ time, source, sink, run, delivery, pipeline }) => {
        await time.pass(500)
        sink.failure = AWAY
        source.put(0, impressionLine('i1', TEN_MS), impressionLine('i2', TEN_MS + MINUTE_MS))
        source.put(1, clickLine('k1', 'i1', TEN_MS))
        await time.pass(2_000)
        assert.ok(delivery.isFull)
        const { polls } = source
        source.put(0, impressionLine('i3', TEN_MS + 1_000))
        await time.pass(MINUTE_MS)
        assert.equal(source.polls, polls, 'nobody was asked')
        assert.ok(run.status().database.intakePaused)
        assert.deepEqual(
          run.status().partitions.map(({ state }) => state),
          ['active', 'active'],
        )
        assert.equal(pipeline.engine.watermarks.pipelineMs, TEN_MS - 5_000)
        sink.failure = undefined
        await time.pass(6_000)
        assert.ok(source.polls > polls)
        assert.equal(pipeline.engine.classesOf('impressions').counted, 3)
        assert.ok(run.status().partitions.every(({ state }) => state === 'active'))
      },
      STREAM_NAMES,
      5,
    ))

  it('control: without the pause they would have become idle', () =>
    live(async ({ time, source, run }) => {
      source.put(0, impressionLine('i1', TEN_MS))
      await time.pass(MINUTE_MS)
      assert.ok(run.status().partitions.every(({ state }) => state === 'idle'))
    }))

  it('the watermark does not go back when the clock is set back', () =>
    live(async ({ time, pipeline }) => {
      await time.pass(MINUTE_MS)
      const watermarkMs = pipeline.engine.watermarks.pipelineMs
      time.set(-30_000)
      await time.pass(10_000)
      assert.equal(pipeline.engine.watermarks.pipelineMs, watermarkMs)
    }))

  for (const days of [1, -1])
    it(`R5: epochs go on and nothing becomes idle where the clock is set by ${days} day`, () =>
      live(async ({ time, source, run, pipeline, sink }) => {
        source.put(0, impressionLine('i1', TEN_MS))
        await time.pass(1_000)
        const epochs = sink.epochs.length
        time.set(days * DAY_MS)
        source.put(0, impressionLine('i2', TEN_MS + days * DAY_MS))
        await time.pass(5_000)
        assert.equal(run.status().partitions[0]?.state, 'active')
        assert.ok(sink.epochs.length > epochs)
        assert.equal(pipeline.eventsRead, 2)
      }))

  it('R5: where all is idle W follows the clock, but no leap of it: what comes after it is not late', () =>
    live(async ({ time, source, pipeline }) => {
      await time.pass(MINUTE_MS)
      const watermarkMs = pipeline.engine.watermarks.pipelineMs
      time.set(DAY_MS)
      await time.pass(MINUTE_MS)
      assert.equal(pipeline.engine.watermarks.pipelineMs, watermarkMs + MINUTE_MS)
      time.set(-DAY_MS)
      source.put(0, impressionLine('i1', time.nowMs()))
      await time.pass(1_000)
      assert.equal(pipeline.engine.classesOf('impressions').counted, 1)
    }))

  it('events more than maxFutureSkew ahead of the clock are set aside and move nothing', () =>
    live(async ({ time, source, pipeline, run }) => {
      const aheadMs = TEN_MS + 50 + 5 * MINUTE_MS
      source.put(0, impressionLine('i1', aheadMs), impressionLine('i2', aheadMs + 1))
      await time.pass(50)
      const classes = pipeline.engine.classesOf('impressions')
      assert.deepEqual([classes.counted, classes.future], [1, 1])
      assert.equal(run.status().partitions[0]?.highestEventTimeMs, aheadMs)
    }))
})
