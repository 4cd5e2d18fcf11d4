import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { screenOfAnswer } from '../../../dashboard/src/model/answer-screen.ts'
import { defaultState } from '../../../dashboard/src/model/page-state.ts'
import { assignSlots, keepMembers, newMemory } from '../../../dashboard/src/model/slots.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import type { Amounts, ViewAnswer } from '../../../src/query/view-answer.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const page = planPage(adPlan)
const start = defaultState(page, 'UTC')

/** An answer of the last minute before noon, all of it final, with these parts. */
function answerWith(parts: Pick<ViewAnswer, 'series' | 'ranks'>): ViewAnswer {
  return {
    asOf: { epoch: 1, watermarkMs: NOON_MS, finalUpToMs: NOON_MS, provisionalShare: 0, answeredAtMs: NOON_MS },
    range: { startMs: NOON_MS - 60_000, endMs: NOON_MS },
    comparison: null,
    grain: '1m',
    buckets: [NOON_MS - 60_000],
    totals: null,
    ...parts,
  }
}

describe('the change of a range', () => {
  const amounts = (impressions: number): Amounts => ({ impressions, clicks: 0, sums: { spend: '0.000000' } })
  /** Three minutes of 100 impressions each, the newest not over yet, after three whole ones. */
  const filling = (finalUpToMs: number, watermarkMs: number): ViewAnswer => ({
    asOf: { epoch: 1, watermarkMs, finalUpToMs, provisionalShare: 1, answeredAtMs: NOON_MS },
    range: { startMs: NOON_MS, endMs: NOON_MS + 180_000 },
    comparison: { startMs: NOON_MS - 180_000, endMs: NOON_MS },
    grain: '1m',
    buckets: [0, 60_000, 120_000].map((afterMs) => NOON_MS + afterMs),
    totals: {
      value: amounts(205),
      compared: amounts(300),
      sparkline: [amounts(100), amounts(100), amounts(5)],
      comparedSparkline: [amounts(100), null, amounts(200)],
    },
    series: [{ members: [null], rows: [[]], comparedRows: null, isFinal: [false, false, false] }],
    ranks: [],
  })

  const sumsOf = (impressions: number): readonly number[] => [impressions, 0, 0]

  for (const [what, finalUpToMs, watermarkMs, drawn, complete, before] of [
    ['leaves out what still fills, on both sides', 0, 121_000, 2, 200, 100],
    ['leaves out two minutes where one begins and the one before is not all read', 0, 119_000, 1, 100, 100],
    ['leaves out no more than two for a source that is stuck', 0, -600_000, 1, 100, 100],
    ['leaves nothing out once the watermark has passed the end', 0, 180_000, 3, 205, 300],
    ['control: is of the whole range once that is final', NOON_MS + 180_000, 121_000, 3, 205, 300],
  ] as const) {
    it(what, () => {
      const answer = filling(finalUpToMs, NOON_MS + watermarkMs)
      const { totals } = screenOfAnswer(page, start, answer, newMemory())
      assert.deepEqual(totals.last, [205, 0, 0], 'the whole is shown')
      assert.deepEqual([totals.complete, totals.before], [sumsOf(complete), sumsOf(before)])
      assert.equal(totals.spark.length, drawn)
    })
  }
})

describe('colours of members', () => {
  it('stay while a member is shown, and are no two alike in one chart', () => {
    const slots = newMemory()
    const first = assignSlots(slots, 'main', ['a', 'b', 'c', 'd', 'e'])
    const second = assignSlots(slots, 'main', ['f', 'e', 'a', 'c', 'b'])
    for (const name of ['a', 'b', 'c', 'e']) assert.equal(second.get(name), first.get(name))
    assert.equal(second.get('f'), first.get('d'))
    const other = assignSlots(slots, 'small', ['x', 'a'], second)
    assert.equal(other.get('a'), second.get('a'))
    assert.notEqual(other.get('x'), other.get('a'))
  })

  it('A1: come back with a member that was not shown for a while', () => {
    const memory = newMemory()
    const first = assignSlots(memory, 'main', ['a', 'b', 'c', 'd', 'e'])
    assert.equal(assignSlots(memory, 'main', ['a', 'b', 'c', 'd', 'f']).get('f'), first.get('e'))
    // Of a and b, which are gone now, b was the last to be seen: the new one takes the colour of the other.
    assignSlots(memory, 'main', ['b', 'c', 'd', 'f'])
    assert.equal(assignSlots(memory, 'main', ['c', 'd', 'f', 'g']).get('g'), first.get('a'))
    const back = assignSlots(memory, 'main', ['b', 'c', 'd', 'f'])
    assert.deepEqual(
      ['b', 'c', 'd'].map((name) => back.get(name)),
      ['b', 'c', 'd'].map((name) => first.get(name)),
    )
  })
})

describe('members near a tie', () => {
  it('A2: stay while they are among the next few, until something else is asked', () => {
    const memory = newMemory()
    const shown = (ranked: string, question: unknown = start): string =>
      [...keepMembers(memory, 'main', question, [...ranked], 3)].join('')
    assert.equal(shown('abcde'), 'abc')
    assert.equal(shown('abdce'), 'abc', 'd has passed c by a little')
    assert.equal(shown('dabec'), 'abc')
    assert.equal(shown('dabef'), 'dab', 'c is far behind now')
    assert.equal(shown('abced'), 'abd')
    assert.equal(shown('abced', { ...start }), 'abc', 'control: another question starts anew')
  })

  it('have no two the same colour in a leaderboard, whatever two charts of it show', () => {
    const cell: Amounts = { impressions: 9, clicks: 1, sums: { spend: '0.100000' } }
    const rank = { memberCount: 2, rest: null, whole: cell }
    const members = ['a', 'f'].map((name) => ({ name, value: cell, compared: null, isFinal: true }))
    const series = [['x'], ['a'], ['f']].map((names) => {
      return { members: names, rows: [[cell]], comparedRows: null, isFinal: [true] }
    })
    const answer = answerWith({ series, ranks: page.boards.map(() => ({ ...rank, members })) })
    const shown = screenOfAnswer(page, start, answer, newMemory())
    const dimension = shown.charts[1]?.plan.dimension?.name
    const slots = shown.charts.slice(1).map((chart) => chart.series[0]?.slot)
    assert.equal(slots[0], slots[1], 'control: both charts use one colour')
    const board = shown.boards.find(({ plan }) => plan.dimension.name === dimension)
    assert.deepEqual(
      board?.rows.map(({ name, slot }) => [name, slot]),
      [
        ['a', slots[0]],
        ['f', undefined],
      ],
    )
  })

  it('W2 of answer-screen: are added to the others while they are not shown, exactly', () => {
    const cell = (impressions: number, clicks: number): Amounts => ({
      impressions,
      clicks,
      sums: { spend: '0.100000' },
    })
    const answerOf = (
      members: readonly (string | null)[],
      counts: readonly (number | null)[],
      clicks = 0,
    ): ViewAnswer => {
      const rows = counts.map((count) => [count === null ? null : cell(count, clicks)])
      return answerWith({
        series: Array.from({ length: 3 }, () => ({ members, rows, comparedRows: null, isFinal: [true] })),
        ranks: [],
      })
    }
    const memory = newMemory()
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', null]
    const layers = (answer: ViewAnswer): unknown[] =>
      screenOfAnswer(page, start, answer, memory).charts[1]?.series.map(({ name, cells }) => [name, cells[0]]) ?? []
    const first = layers(answerOf(names, [90, 80, 70, 60, 50, 40, 30, 5]))
    assert.deepEqual(first.slice(4), [
      ['e', [50, 0, 100_000]],
      ['others', [75, 0, 300_000]],
    ])
    // f passes e: e stays, and with it the colours; what is left still adds up.
    const second = layers(answerOf(['a', 'b', 'c', 'd', 'f', 'e', 'g'], [90, 80, 70, 60, 51, 50, null]))
    assert.deepEqual(second.slice(4), [
      ['e', [50, 0, 100_000]],
      ['others', [51, 0, 100_000]],
    ])
    const ctr = screenOfAnswer(page, start, answerOf(names, [900, 450, 360, 300, 180, 150, 120, 30], 90), memory)
      .charts[0]
    assert.deepEqual(
      ctr?.series.map(({ name, values }) => [name, values[0]]),
      [
        ['a', 0.1],
        ['b', 0.2],
        ['c', 0.25],
        ['d', 0.3],
        ['e', 0.5],
        ['others', 0.9],
      ],
      'a ratio of the others is that of their sums',
    )
  })
})
