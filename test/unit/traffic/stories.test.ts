/**
 * Stories by the worked cases of SEMANTICS: A = 30 min, e = 1 s, L = 5 min.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { Story } from '../../../src/traffic/stories.ts'

const { parameters } = freezePlan(adPipeline)
const REACH_MS = parameters.attributionWindowMs + parameters.allowedLatenessMs
const T = 1_767_261_600_000
const MINUTE = 60_000

/** The classes of the clicks of one impression at T, as `class @ offset from T`, and the minutes attributed. */
function outcome(clicksMs: readonly number[], impressionsMs: readonly number[] = [0]): string[] {
  const story = new Story()
  for (const offset of impressionsMs) story.acceptImpression(T + offset, 1, REACH_MS)
  for (const [number, offset] of clicksMs.entries()) story.acceptClick(number, T + offset, REACH_MS)
  const found: string[] = []
  story.settle(parameters, {
    click: (eventClass, timeMs) => found.push(`${eventClass} @ ${timeMs - T}`),
    attribute: (clickMs, impressionMs) => found.push(`${clickMs - T} to ${impressionMs - T}`),
  })
  return found.toSorted()
}

const only = (offset: number): string =>
  outcome([offset])
    .find((line) => line.includes('@'))
    ?.split(' ')[0] ?? ''

for (const [offset, eventClass] of [
  [-1_000, 'counted'],
  [-1_001, 'out_of_window'],
  [-301_000, 'out_of_window'],
  [-301_001, 'orphan'],
  [30 * MINUTE, 'counted'],
  [30 * MINUTE + 1, 'out_of_window'],
  [35 * MINUTE, 'out_of_window'],
  [35 * MINUTE + 1, 'orphan'],
] as const)
  test(`a click ${offset} ms after its impression is ${eventClass}`, () => assert.equal(only(offset), eventClass))

test('an earlier click that arrives later takes its place', () => {
  assert.deepEqual(outcome([310_000, 290_000]), ['290000 to 0', 'counted @ 290000', 'repeat @ 310000'])
  assert.deepEqual(outcome([290_000, 310_000]), ['290000 to 0', 'counted @ 290000', 'repeat @ 310000'])
})

test('the same id 35 minutes later is a duplicate, a millisecond more is a new impression', () => {
  const story = new Story()
  assert.equal(story.acceptImpression(T, 1, REACH_MS), true)
  assert.equal(story.acceptImpression(T + 3 * MINUTE, 2, REACH_MS), false)
  assert.equal(story.acceptImpression(T + REACH_MS, 1, REACH_MS), false)
  assert.equal(story.acceptImpression(T - REACH_MS - 1, 1, REACH_MS), true)
  assert.equal(story.acceptImpression(T + REACH_MS + 1, 1, REACH_MS), true)
})

test('the same holds for a click, and clicks of other numbers are other clicks', () => {
  const story = new Story()
  assert.equal(story.acceptClick(1, T, REACH_MS), true)
  assert.equal(story.acceptClick(2, T, REACH_MS), true)
  assert.equal(story.acceptClick(1, T + REACH_MS, REACH_MS), false)
  assert.equal(story.acceptClick(1, T + REACH_MS + 1, REACH_MS), true)
})

test('of two impressions with one id the click counts for the latest that it may follow', () => {
  const later = 36 * MINUTE
  assert.deepEqual(outcome([later - 1_000], [0, later]), [`${later - 1_000} to ${later}`, `counted @ ${later - 1_000}`])
  assert.deepEqual(
    outcome([5_000, later + 5_000], [0, later]),
    ['5000 to 0', 'counted @ 2165000', 'counted @ 5000', `${later + 5_000} to ${later}`].toSorted(),
  )
})

test('a story without impression has orphans only', () => {
  assert.deepEqual(outcome([0, 5], []), ['orphan @ 0', 'orphan @ 5'])
})
