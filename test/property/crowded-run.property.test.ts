/**
 * A run in too little memory, whatever is sent when: what is acknowledged is counted and what is refused leaves
 * nothing, memory stays within its bounds, and whoever waits long enough gets in again (M1 to M3 of `memory-room.ts`);
 * what waits in a file is not late for it (M4).
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { checkAsyncProperty } from '../support/check-property.ts'
import { CrowdedRun } from '../support/crowded-run.ts'
import { adPlan } from '../support/engine-rig.ts'
import { AWAY } from '../support/fragile-sink.ts'

const FILE = 'test/property/crowded-run.property.test.ts'
const MB = 1_000_000
const plan = adPlan({ attributionWindow: '30s', allowedLateness: '5s' })
/** A + 2L, the longest granule, the idle timeout and the out-of-orderness, and a retry of a sink that was away. */
const FORGOTTEN_MS = 40_000 + 65_536 + 10_000 + 5_000 + 5_000

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ send: fc.integer({ min: 1, max: 4_000 }), beforeMs: fc.integer({ min: 0, max: 20_000 }) }),
    },
    { weight: 3, arbitrary: fc.record({ passMs: fc.integer({ min: 0, max: 30_000 }) }) },
    { weight: 1, arbitrary: fc.record({ isAway: fc.boolean() }) },
  ),
  { minLength: 10, maxLength: 60 },
)

it('a run in too little memory loses nothing, stays within it, and takes events again', async (context) => {
  let refused = 0
  let acknowledged = 0
  await checkAsyncProperty(
    fc.asyncProperty(fc.integer({ min: 2, max: 4 }), steps, async (room, taken) => {
      const run = await CrowdedRun.start({ plan, roomBytes: room * MB })
      for (const step of taken) {
        if ('send' in step) await run.send(step.send, step.beforeMs)
        else if ('passMs' in step) await run.time.pass(step.passMs)
        else run.sink.failure = step.isAway ? AWAY : undefined
        assert.ok(run.peakBytes <= run.maxBytes, `${run.peakBytes} of ${run.maxBytes} bytes`)
      }
      run.sink.failure = undefined
      await run.time.pass(FORGOTTEN_MS)
      assert.ok(await run.send(1), 'it never opens again')
      refused += run.refused
      acknowledged += run.acknowledged
      await run.end()
    }),
    20,
    FILE,
  )
  assert.ok(refused > 0, 'control: some were refused')
  context.diagnostic(`${acknowledged} events acknowledged, ${refused} refused`)
})

/** A file with more to read at any time: it is never silent for as long as `idleTimeout`. */
const fileSteps = fc.array(
  fc.record({
    read: fc.integer({ min: 1, max: 2_000 }),
    gapMs: fc.integer({ min: 0, max: 5_000 }),
    clicks: fc.integer({ min: 1, max: 2_000 }),
    passMs: fc.integer({ min: 0, max: 8_000 }),
  }),
  { minLength: 10, maxLength: 40 },
)

it('a file that is followed in too little memory is never late for it, however long it has to wait', async (context) => {
  let refused = 0
  let acknowledged = 0
  const perSecond = 2_000
  await checkAsyncProperty(
    fc.asyncProperty(fc.integer({ min: 0, max: 3_600_000 }), fileSteps, async (ageMs, taken) => {
      const run = await CrowdedRun.start({ plan, roomBytes: MB })
      let atMs = run.time.nowMs() - ageMs
      for (const step of taken) {
        // What is in a file has happened already.
        atMs = Math.min(atMs + step.gapMs, run.time.nowMs())
        if (!(await run.readOn(step.read, atMs, perSecond, 60_000))) break
        atMs += Math.ceil((1_000 * step.read) / perSecond)
        await run.click(step.clicks)
        await run.time.pass(step.passMs)
        assert.ok(run.peakBytes <= run.limitBytes, `${run.peakBytes} of ${run.limitBytes} bytes`)
      }
      await run.time.pass(2 * FORGOTTEN_MS)
      assert.equal(run.pipeline.engine.classesOf('impressions').late, 0)
      refused += run.refused
      acknowledged += run.acknowledged
      await run.end()
    }),
    20,
    FILE,
  )
  assert.ok(refused > 0, 'control: some had to wait')
  context.diagnostic(`${acknowledged} events acknowledged, ${refused} refused`)
})
