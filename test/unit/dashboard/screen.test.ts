import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { interruptionMarks, lateBursts, outageMarks, runStarts } from '../../../dashboard/src/model/annotations.ts'
import { planWithin, whyNot } from '../../../dashboard/src/model/answerable.ts'
import { screenOfAnswer, splitOf, viewQueryOf } from '../../../dashboard/src/model/answer-screen.ts'
import { toCsv, toJson } from '../../../dashboard/src/model/export.ts'
import {
  defaultState,
  filterModeOf,
  orderInWords,
  ordersOf,
  stepRange,
  toggleMember,
  zoomOut,
} from '../../../dashboard/src/model/page-state.ts'
import { assignSlots, keepMembers, newMemory } from '../../../dashboard/src/model/slots.ts'
import { fromLocalMs, toLocal } from '../../../dashboard/src/format/zones.ts'
import { timeTicks } from '../../../dashboard/src/charts/time-axis.ts'
import { planPage } from '../../../src/pipeline/page.ts'
import { checkView } from '../../../src/query/check-view.ts'
import type { Amounts, ViewAnswer } from '../../../src/query/view-answer.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'

const page = planPage(adPlan)
const start = defaultState(page, 'UTC')

describe('steps of the page', () => {
  it('go one period back and forth, and end at the present', () => {
    const shown = { startMs: NOON_MS, endMs: NOON_MS + HOUR_MS }
    const before = stepRange(start, -1, shown, shown.endMs)
    assert.deepEqual(before.range, { kind: 'fixed', startMs: NOON_MS - HOUR_MS, endMs: NOON_MS })
    assert.deepEqual(stepRange(before, 1, shown, shown.endMs + 60_000).range, start.range, 'and back to what is live')
    const later = shown.endMs + (shown.endMs - shown.startMs)
    assert.deepEqual(stepRange(before, 1, shown, later).range, { kind: 'fixed', ...shown }, 'unless much came after it')
    assert.equal(stepRange(start, 1, shown, later), start)
  })

  it('zoom out around the middle, and to the next preset at the present', () => {
    const fixed = { ...start, range: { kind: 'fixed', startMs: NOON_MS, endMs: NOON_MS + HOUR_MS } as const }
    assert.deepEqual(zoomOut(fixed, Infinity).range, {
      kind: 'fixed',
      startMs: NOON_MS - HOUR_MS / 2,
      endMs: NOON_MS + 1.5 * HOUR_MS,
    })
    assert.deepEqual(zoomOut(fixed, NOON_MS + HOUR_MS).range, { kind: 'last', lengthMs: 6 * HOUR_MS })
  })

  it('let a member in, out, and go', () => {
    const kept = toggleMember(start, 'browser', 'chrome', 'include')
    assert.equal(filterModeOf(kept, 'browser', 'chrome'), 'include')
    const left = toggleMember(kept, 'browser', 'chrome', 'exclude')
    assert.deepEqual(left.filters, [{ dimension: 'browser', mode: 'exclude', members: ['chrome'] }])
    assert.deepEqual(toggleMember(left, 'browser', 'chrome', 'exclude').filters, [])
  })

  it('know what no table holds beside the filters, and what a limited viewer can ask', () => {
    const tables = [
      { axis: 'impression' as const, dimensions: ['campaign_id', 'device_type'] },
      { axis: 'impression' as const, dimensions: ['browser'] },
    ]
    const plan = { ...page, tables }
    const filters = [{ dimension: 'campaign_id', mode: 'include' as const, members: ['c1'] }]
    const state = { ...defaultState(plan, 'UTC'), filters, split: 'browser' }
    assert.equal(whyNot(plan, state, 'device_type'), undefined)
    assert.match(whyNot(plan, state, 'browser') ?? '', /No table has browser together with campaign/)
    assert.equal(splitOf(plan, state), null)
    assert.equal(splitOf(plan, { ...state, filters: [] }), 'browser')
    const own = planWithin(plan, [{ dimension: 'campaign_id' }])
    assert.deepEqual(own.tables, tables.slice(0, 1))
    assert.match(whyNot(own, { filters: [] }, 'browser') ?? '', /No table that you may see/)
    assert.equal(planWithin(plan, []), plan)
  })

  it('ask questions that the server takes as they are', () => {
    for (const measure of page.measures) {
      for (const order of ordersOf(measure)) {
        const query = viewQueryOf(page, { ...start, measure: measure.name, order }, 'a')
        assert.deepEqual(checkView(adPlan, query), query)
      }
    }
  })
})

describe('the change of a range', () => {
  const amounts = (impressions: number): Amounts => ({ impressions, clicks: 0, sums: { spend: '0.000000' } })
  /** Three minutes of 100 impressions each, the newest not over yet, after three whole ones. */
  const filling = (finalUpToMs: number): ViewAnswer => ({
    asOf: { epoch: 1, watermarkMs: NOON_MS + 121_000, finalUpToMs, provisionalShare: 1, answeredAtMs: NOON_MS },
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

  it('leaves out what still fills, on both sides, and shows the whole', () => {
    const { totals } = screenOfAnswer(page, start, filling(0), newMemory())
    assert.deepEqual(totals.last, [205, 0, 0])
    assert.deepEqual(
      [totals.complete, totals.before],
      [
        [200, 0, 0],
        [100, 0, 0],
      ],
    )
    assert.equal(totals.spark.length, 2)
  })

  it('leaves out two minutes where one begins and the one before is not all read', () => {
    const begun = filling(0)
    const early = { ...begun, asOf: { ...begun.asOf, watermarkMs: NOON_MS + 119_000 } }
    assert.equal(screenOfAnswer(page, start, early, newMemory()).totals.spark.length, 1)
    const stuck = { ...begun, asOf: { ...begun.asOf, watermarkMs: NOON_MS - 600_000 } }
    assert.equal(screenOfAnswer(page, start, stuck, newMemory()).totals.spark.length, 1, 'a source that is stuck')
  })

  it('orders by a ratio in words that fit one', () => {
    assert.equal(orderInWords(page, { by: 'ctr', of: 'value', direction: 'desc' }), 'highest CTR')
    assert.equal(orderInWords(page, { by: 'ctr', of: 'change', direction: 'asc' }), 'CTR fell')
    assert.equal(orderInWords(page, { by: 'impressions', of: 'value', direction: 'desc' }), 'most Impressions')
  })

  it('leaves nothing out once the watermark has passed the end', () => {
    const answer = filling(0)
    const passed = { ...answer, asOf: { ...answer.asOf, watermarkMs: NOON_MS + 180_000 } }
    assert.equal(screenOfAnswer(page, start, passed, newMemory()).totals.spark.length, 3)
  })

  it('control: is of the whole range once that is final', () => {
    const { totals } = screenOfAnswer(page, start, filling(NOON_MS + 180_000), newMemory())
    assert.deepEqual(
      [totals.complete, totals.before],
      [
        [205, 0, 0],
        [300, 0, 0],
      ],
    )
    assert.equal(totals.spark.length, 3)
  })
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
    const answer: ViewAnswer = {
      asOf: { epoch: 1, watermarkMs: NOON_MS, finalUpToMs: NOON_MS, provisionalShare: 0, answeredAtMs: NOON_MS },
      range: { startMs: NOON_MS - 60_000, endMs: NOON_MS },
      comparison: null,
      grain: '1m',
      buckets: [NOON_MS - 60_000],
      totals: null,
      series,
      ranks: page.boards.map(() => ({ ...rank, members })),
    }
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

  it('are added to the others while they are not shown, exactly', () => {
    const cell = (impressions: number): Amounts => ({ impressions, clicks: 0, sums: { spend: '0.100000' } })
    const answerOf = (members: readonly (string | null)[], counts: readonly (number | null)[]): ViewAnswer => ({
      asOf: { epoch: 1, watermarkMs: NOON_MS, finalUpToMs: NOON_MS, provisionalShare: 0, answeredAtMs: NOON_MS },
      range: { startMs: NOON_MS - 60_000, endMs: NOON_MS },
      comparison: null,
      grain: '1m',
      buckets: [NOON_MS - 60_000],
      totals: null,
      series: Array.from({ length: 3 }, () => ({
        members,
        rows: counts.map((count) => [count === null ? null : cell(count)]),
        comparedRows: null,
        isFinal: [true],
      })),
      ranks: [],
    })
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
    assert.equal(first.length, 6, 'control: lines have no others')
    const lines = screenOfAnswer(page, start, answerOf(names, [9, 8, 7, 6, 5, 4, 3, 2]), memory).charts[0]
    assert.deepEqual(
      lines?.series.map(({ name }) => name),
      ['a', 'b', 'c', 'd', 'e'],
    )
  })
})

describe('what is taken away', () => {
  it('E1: guards texts against spreadsheets, and leaves numbers alone', () => {
    const table = {
      columns: ['name', 'spend'],
      rows: [
        ['=1+1', '-0.500000'],
        ['@x', 2],
        ['a,"b"\n', null],
        ['  +x', true],
      ],
    }
    assert.equal(toCsv(table), '\uFEFFname,spend\r\n\'=1+1,-0.500000\r\n\'@x,2\r\n"a,""b""\n",\r\n\'  +x,true\r\n')
    assert.deepEqual((JSON.parse(toJson(table)) as unknown[])[0], { name: '=1+1', spend: '-0.500000' })
  })
})

describe('marks on charts', () => {
  it('tell the first start, a restart, and outages with their length', () => {
    const at = (startedAtMs: number, beganAtMs: number): number[] =>
      runStarts({ startedAtMs, beganAtMs }).map(({ atMs }) => atMs)
    assert.deepEqual([at(0, 0), at(5, 5), at(5, 9)], [[], [5], [5, 9]])
    const outages = [
      { fromMs: NOON_MS, toMs: NOON_MS + 90_000 },
      { fromMs: NOON_MS + HOUR_MS, toMs: null },
    ]
    assert.deepEqual(
      outageMarks(outages).map(({ atMs }) => atMs),
      [NOON_MS, NOON_MS + 90_000, NOON_MS + HOUR_MS],
    )
    assert.match(outageMarks(outages)[1]?.text ?? '', /came back after 1.min 30.s/)
  })

  it('tell what is kept of earlier runs, and each restart and outage once', () => {
    const marks = interruptionMarks(
      [
        { kind: 'restart', fromMs: NOON_MS - 60_000, toMs: NOON_MS },
        { kind: 'database', fromMs: NOON_MS - HOUR_MS, toMs: NOON_MS - HOUR_MS + 5_000 },
      ],
      {
        startedAtMs: 5,
        beganAtMs: NOON_MS + 2_000,
        outages: [
          { fromMs: NOON_MS - HOUR_MS, toMs: NOON_MS - HOUR_MS + 5_000 },
          { fromMs: NOON_MS + 9_000, toMs: null },
        ],
      },
    )
    assert.deepEqual(
      marks.map(({ atMs }) => atMs),
      [NOON_MS, NOON_MS - HOUR_MS, NOON_MS - HOUR_MS + 5_000, NOON_MS + 9_000, 5],
    )
    assert.match(marks[0]?.text ?? '', /^restart after 1.min without results/)
  })

  it('put neighbouring bursts of late events into one', () => {
    const bucket = (minute: number, late: number): { startMs: number; read: number; late: number } => {
      return { startMs: NOON_MS + minute * 60_000, read: 1_000, late }
    }
    assert.deepEqual(lateBursts([bucket(0, 3), bucket(1, 30), bucket(2, 40), bucket(3, 0), bucket(4, 25)]), [
      { atMs: NOON_MS + 60_000, text: '70 late events' },
      { atMs: NOON_MS + 240_000, text: '25 late events' },
    ])
  })
})

describe('time zones', () => {
  it('go there and back over changes of daylight-saving time', () => {
    // 2026-03-29 02:00 does not exist in Berlin, 2026-10-25 02:30 does twice.
    assert.equal(toLocal(Date.UTC(2026, 2, 29, 1), 'Europe/Berlin').toISOString(), '2026-03-29T03:00:00.000Z')
    assert.equal(fromLocalMs(Date.UTC(2026, 9, 25, 2, 30), 'Europe/Berlin'), Date.UTC(2026, 9, 25, 0, 30))
    assert.equal(fromLocalMs(Date.UTC(2026, 6, 1, 12), 'Asia/Kathmandu'), Date.UTC(2026, 6, 1, 6, 15))
  })

  it('have ticks at their own midnights, also where a day has 25 hours', () => {
    const startMs = Date.UTC(2026, 9, 24, 12)
    const ticks = timeTicks(startMs, startMs + 3 * 86_400_000, 4, 'Europe/Berlin')
    assert.deepEqual(
      ticks.map((tick) => toLocal(tick, 'Europe/Berlin').toISOString().slice(5, 16)),
      ['10-25T00:00', '10-26T00:00', '10-27T00:00'],
    )
  })
})
