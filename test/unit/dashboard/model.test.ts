import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  comparedColumn,
  firstProvisional,
  labelValues,
  lineColumns,
  lonePoint,
  stackColumns,
} from '../../../dashboard/src/charts/plot-data.ts'
import { chartModel, type ChartModel } from '../../../dashboard/src/model/chart-model.ts'
import { axisText, intervalText, measureChange, measureText } from '../../../dashboard/src/model/measures.ts'
import { notCounted } from '../../../dashboard/src/model/not-counted.ts'
import { readUpToMs, whoHoldsBack } from '../../../dashboard/src/model/progress.ts'
import { planPage, type ChartPlan, type PageMeasure } from '../../../src/pipeline/page.ts'
import type { ChartData } from '../../../src/server/page-data.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { adPlan, NOON_MS } from '../../support/page-changes.ts'
import type { PartitionStatus } from '../../../src/runtime/status.ts'
import { healthyStatus, partition, streamLedger } from '../../support/pipeline-status.ts'

const page = planPage(adPlan)

function tile(name: string): PageMeasure {
  const measure = page.tiles.find((candidate) => candidate.name === name)
  assert.ok(measure !== undefined)
  return measure
}

function modelOf(id: string, data: Partial<ChartData>, minutes: number, finalMinutes: number): ChartModel {
  const chart = page.charts.find((candidate) => candidate.id === id) as ChartPlan
  const range = {
    startMs: NOON_MS,
    endMs: NOON_MS + minutes * MINUTE_MS,
    finalUpToMs: NOON_MS + finalMinutes * MINUTE_MS,
  }
  return chartModel(page, chart, { members: [], hasOthers: false, rows: {}, ...data }, range)
}

const rowsOf = (rows: readonly ChartData['rows'][string][]): ChartData['rows'] =>
  Object.fromEntries(rows.map((row, minute) => [NOON_MS + minute * MINUTE_MS, row]))

describe('measures as text', () => {
  const ctr = tile('ctr')

  it('write counts, money and shares; "few" below 30 events, a dash for 0 / 0', () => {
    assert.equal(measureText(tile('impressions'), [1234, 5, 0]), '1,234')
    assert.equal(measureText(tile('spend'), [0, 0, '9007199254740993000000']), '9,007,199,254,740,993.00')
    assert.equal(measureText(ctr, [1000, 77, 0]), '7.70\u2009%')
    assert.equal(measureText(ctr, [29, 3, 0]), 'few')
    assert.equal(measureText(ctr, [0, 0, 0]), '—')
    assert.equal(axisText(ctr, 0.075), '7.5\u2009%')
  })

  it('give the interval of shares of enough events only', () => {
    assert.equal(intervalText(ctr, [263, 81, 0]), '25.53–36.62')
    assert.equal(intervalText(ctr, [20, 1, 0]), undefined)
    assert.equal(intervalText(tile('clicks'), [263, 81, 0]), undefined)
  })

  it('give changes: shares in points, the rest in percent; spending more is neither good nor bad', () => {
    assert.deepEqual(measureChange(tile('clicks'), [0, 70, 0], [0, 100, 0]), { text: '−30.0\u2009%', tone: 'down' })
    // Within chance: 1.96 × √(98 + 100) is 27.6.
    assert.deepEqual(measureChange(tile('clicks'), [0, 98, 0], [0, 100, 0]), { text: '−2.0\u2009%', tone: 'flat' })
    assert.equal(measureChange(tile('impressions'), [9_800, 0, 0], [10_000, 0, 0])?.tone, 'flat')
    assert.equal(measureChange(tile('impressions'), [98_000, 0, 0], [100_000, 0, 0])?.tone, 'down', 'control')
    assert.deepEqual(measureChange(tile('spend'), [0, 0, 110], [0, 0, 100]), { text: '+10.0\u2009%', tone: 'flat' })
    assert.deepEqual(measureChange(ctr, [10_000, 800, 0], [10_000, 700, 0]), { text: '+1.00\u2009pt', tone: 'up' })
    assert.equal(measureChange(ctr, [1000, 80, 0], [1000, 70, 0])?.tone, 'flat')
    assert.equal(measureChange(tile('clicks'), [0, 5, 0], [0, 0, 0]), undefined)
    assert.equal(measureChange(tile('clicks'), [0, 5, 0], undefined), undefined)
    assert.equal(measureChange(ctr, [20, 1, 0], [1000, 70, 0]), undefined)
  })
})

describe('chart models', () => {
  const members = [
    { name: 'a', slot: 2 },
    { name: 'b', slot: 0 },
  ]

  it('leave gaps where a ratio would stand on few events, unless most of them would', () => {
    const enough = rowsOf([
      [
        [100, 10, 0],
        [100, 5, 0],
      ],
      [
        [100, 20, 0],
        [3, 1, 0],
      ],
    ])
    const model = modelOf('main', { members, rows: enough }, 3, 0)
    assert.deepEqual(
      model.series.map(({ values }) => values),
      [
        [0.1, 0.2, null],
        [0.05, null, null],
      ],
    )
    const few = modelOf(
      'main',
      {
        members,
        rows: rowsOf([
          [
            [4, 1, 0],
            [2, 1, 0],
          ],
        ]),
      },
      1,
      0,
    )
    assert.equal(few.isNoisy, true)
    assert.deepEqual(
      few.series.map(({ values }) => values),
      [[0.25], [0.5]],
    )
  })

  it('split lines where they stop being final, joined at the last final point', () => {
    const rows = rowsOf([[[100, 10, 0]], [[100, 20, 0]], [[100, 30, 0]], [[100, 40, 0]]])
    const model = modelOf('main', { members: [{ name: 'a', slot: 1 }], rows }, 4, 2)
    assert.equal(firstProvisional(model), 2)
    const columns = lineColumns(model)
    assert.deepEqual(columns[3], [0.1, 0.2, null, null])
    assert.deepEqual(columns[4], [null, 0.2, 0.3, null])
    assert.equal(columns.length, 18)
  })

  it('leave the newest window out while it fills, and draw it once everything is final', () => {
    const rows = rowsOf([[[100, 10, 0]], [[100, 20, 0]]])
    const drawn = (finalMinutes: number): unknown =>
      labelValues(modelOf('main', { members: [{ name: 'a', slot: 1 }], rows }, 2, finalMinutes)).map(
        ({ value }) => value,
      )
    assert.deepEqual([drawn(0), drawn(1), drawn(2)], [[0.1], [0.1], [0.2]])
  })

  it('draw the filling window where there is nothing else, and one value as a point', () => {
    const rows = rowsOf([[[0, 0, 0]], [[0, 0, 0]], [[100, 20, 0]]])
    const model = modelOf('main', { members: [{ name: 'a', slot: 0 }], rows }, 3, 0)
    const drawn = lineColumns(model)[1] ?? []
    assert.deepEqual(drawn, [null, null, 0.2])
    assert.deepEqual(lonePoint(drawn), [2])
    assert.equal(lonePoint([0.1, null, 0.2]), null, 'control: a line goes from one to the other')
    assert.equal(lonePoint([null, undefined]), null)
  })

  it('leave out a first window that the range cuts, in lines, areas and bars, unless little would be left', () => {
    const rows = rowsOf([[[30, 3, 0]], [[100, 10, 0]], [[100, 20, 0]]])
    for (const id of ['main', 'impressions', 'clicks']) {
      const whole = modelOf(id, { members: [{ name: 'a', slot: 0 }], rows }, 3, 3)
      const cut = { ...whole, startMs: NOON_MS + 20_000 }
      const firstOf = (model: ChartModel): unknown =>
        (model.plan.kind === 'lines' ? lineColumns(model)[0] : stackColumns(model)[0])?.[0]
      assert.notEqual(firstOf(whole), null)
      assert.equal(firstOf(cut), null)
      assert.equal(
        comparedColumn({ ...cut, series: cut.series.map((one) => ({ ...one, compared: [1, 2, 3] })) })[0],
        null,
      )
      const short = modelOf(id, { members: [{ name: 'a', slot: 0 }], rows }, 2, 2)
      assert.equal(firstOf({ ...short, startMs: NOON_MS + 20_000 }), firstOf(short))
    }
  })

  it('give no label to a layer that cannot be seen', () => {
    const thin = rowsOf([
      [
        [1_000, 0, 0],
        [1, 0, 0],
      ],
    ])
    const labels = labelValues(modelOf('impressions', { members, rows: thin }, 1, 1))
    assert.deepEqual(
      labels.map(({ series }) => series.name),
      ['a'],
    )
  })

  it('stack the highest first, and leave the filling minute out of areas', () => {
    const rows = rowsOf([
      [
        [5, 0, 0],
        [2, 0, 0],
        [1, 0, 0],
      ],
      [
        [3, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ])
    const bars = modelOf('impressions', { members, hasOthers: true, rows }, 2, 0)
    assert.deepEqual(stackColumns(bars).slice(0, 4), [
      [8, 3],
      [7, 3],
      [5, 3],
      [null, null],
    ])
    assert.deepEqual(
      labelValues(bars).map(({ series, value }) => [series.name, value]),
      [
        ['a', 2.5],
        ['b', 6],
        ['others', 7.5],
      ],
    )
    const clicks = rowsOf([
      [
        [0, 5, 0],
        [0, 2, 0],
      ],
      [
        [0, 1, 0],
        [0, 0, 0],
      ],
    ])
    assert.deepEqual(stackColumns(modelOf('clicks', { members, rows: clicks }, 2, 0))[0], [7, null])
  })
})

describe('who holds the result back', () => {
  const allowances = { outOfOrdernessMs: 5_000, idleTimeoutMs: 20_000 }
  const clicks = (silentForMs: number, changed: Partial<PartitionStatus> = {}): PartitionStatus =>
    partition({
      stream: 'clicks',
      partition: 1,
      name: 'ads/clicks-2',
      silentForMs,
      idleInMs: Math.max(0, 20_000 - silentForMs),
      ...changed,
    })
  const said = (holder: PartitionStatus): ReturnType<typeof whoHoldsBack> =>
    whoHoldsBack(healthyStatus({ partitions: [partition(), holder], heldBackBy: 1 }), allowances)
  const sentence = (holder: PartitionStatus): string | undefined => said(holder)?.text.replaceAll('\u2009', ' ')

  it('is nobody while all are on time, whoever is the last of them just now', () => {
    const calm = { text: 'All sources on time (within 15\u2009s)', isWarning: false }
    for (const heldBackBy of [0, 1]) {
      const status = healthyStatus({ partitions: [partition(), clicks(4_000, { behindMs: 9_000 })], heldBackBy })
      assert.deepEqual(whoHoldsBack(status, allowances), calm)
    }
    // Control: one that is late is named, though it is not silent.
    assert.deepEqual(said(clicks(200, { behindMs: 40_000 })), {
      text: 'partition 2 of clicks is 40\u2009s late',
      isWarning: true,
    })
  })

  it('is a warning once it is silent', () => {
    assert.equal(said(clicks(14_000))?.isWarning, true)
    assert.equal(
      sentence(clicks(14_000)),
      'partition 2 of clicks has been silent for 14 s; results wait for it 6.0 s more',
    )
    assert.equal(
      sentence(clicks(14_000, { idleInMs: null })),
      'partition 2 of clicks has been silent for 14 s and holds the result back',
    )
  })

  it('is not blamed on a source whose events are here and wait', () => {
    const text = 'partition 2 of clicks holds the result back: its events wait for PostgreSQL'
    assert.equal(sentence(clicks(14_000, { waitsFor: 'database', idleInMs: null })), text)
  })

  it('names what never spoke', () => {
    const waiting = [partition({ state: 'waiting' }), partition({ state: 'waiting', stream: 'clicks' })]
    const status = healthyStatus({ watermarkMs: null, heldBackBy: 0, partitions: waiting })
    assert.equal(whoHoldsBack(status, allowances)?.text, 'waiting for the first event of impressions and 1 more')
  })

  it('counts as read what the watermark has passed, with its allowance for disorder, and no future', () => {
    assert.equal(readUpToMs(page, healthyStatus()), NOON_MS - 1_000)
    assert.equal(readUpToMs(page, healthyStatus({ watermarkMs: NOON_MS + 60_000 })), NOON_MS)
    assert.equal(readUpToMs(page, healthyStatus({ watermarkMs: null })), null)
    const ended = [partition({ state: 'ended', highestEventTimeMs: NOON_MS - 7 })]
    assert.equal(readUpToMs(page, healthyStatus({ watermarkMs: null, partitions: ended })), NOON_MS - 7)
  })
})

describe('what is not counted', () => {
  it('is all that was read, without what is counted or may still be', () => {
    const { ledger } = healthyStatus({
      ledger: {
        impressions: streamLedger({ counted: 900, duplicate: 100 }),
        clicks: streamLedger({ counted: 70, repeat: 3, orphan: 4, pending: 23 }),
      },
    })
    assert.deepEqual(notCounted(ledger.impressions), { events: 100, share: 0.1 })
    assert.deepEqual(notCounted(ledger.clicks), { events: 7, share: 0.07 })
    assert.deepEqual(notCounted(streamLedger({})), { events: 0, share: 0 })
  })
})
