/**
 * A run in too little memory, whatever is sent when: what is acknowledged is counted and what is refused leaves nothing,
 * memory stays within its bounds, and whoever waits long enough gets in again (M1 to M3 of `memory-room.ts`).
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
        assert.ok(run.peakBytes <= run.mostBytes, `${run.peakBytes} of ${run.mostBytes} bytes`)
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
