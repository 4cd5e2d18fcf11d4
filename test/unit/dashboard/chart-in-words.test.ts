/**
 * The line under the title of a chart, and the axis of click lag.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { chartInWords } from '../../../dashboard/src/model/chart-in-words.ts'
import type { ChartModel, SeriesModel } from '../../../dashboard/src/model/chart-model.ts'
import { classInWords } from '../../../dashboard/src/model/event-classes.ts'
import { lagTicks } from '../../../dashboard/src/model/lag-curve.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const [main, bars] = planPage(adPlan).charts

function modelOf(changed: Partial<ChartModel>, names: readonly string[] = ['a', 'b', 'c']): ChartModel {
  assert.ok(main !== undefined)
  return {
    plan: main,
    windowSizeMs: HOUR_MS,
    startMs: NOON_MS - HOUR_MS,
    endMs: NOON_MS,
    zone: 'UTC',
    windowsMs: [NOON_MS - HOUR_MS],
    isFinal: [true],
    fillingCount: 1,
    series: names.map((name, slot): SeriesModel => {
      return { name, slot, isOthers: false, values: [1], cells: [], compared: [1] }
    }),
    isNoisy: false,
    ...changed,
  }
}

it('a chart says what it leaves out: members, comparisons, and an hour that fills', () => {
  assert.equal(
    chartInWords(modelOf({}), 12),
    'by impression hour · 3 of 12 · compared at the cursor · whole hours only',
  )
  assert.equal(chartInWords(modelOf({ fillingCount: 0 }, ['a']), 1), 'by impression hour · dotted: compared', 'control')
  assert.equal(chartInWords(modelOf({ windowSizeMs: 60_000 }, ['a']), 1), 'by impression minute · dotted: compared')
  assert.ok(bars !== undefined)
  assert.equal(chartInWords(modelOf({ plan: bars }), 12), 'by impression hour · 3 of 12 · dotted: compared')
})

it('click lag has round times on its axis, where they are', () => {
  const answer = { buckets: [], seenUpToMs: 2_100_000 } as unknown as Parameters<typeof lagTicks>[0]
  const ticks = lagTicks(answer)
  assert.deepEqual(
    ticks.map(({ text }) => text.replaceAll('\u2009', ' ')),
    ['1 s', '10 s', '1 min', '10 min'],
  )
  const [first = 0, second = 0, third = 0, fourth = 0] = ticks.map(({ x }) => x)
  assert.ok(first > 0.1 && fourth < 0.9)
  // Ten times as long is as far wherever it is.
  assert.ok(Math.abs(second - first - (fourth - third)) < 1e-9)
})

it('lengths that somebody set are written as everywhere on the page', () => {
  assert.match(
    classInWords('late', { ...adPlan.parameters, allowedLatenessMs: 300_000 }),
    /more than 5\u2009min behind/,
  )
  assert.match(classInWords('out_of_window', { ...adPlan.parameters, clockSkewToleranceMs: 1_000 }), /1\u2009s before/)
})
