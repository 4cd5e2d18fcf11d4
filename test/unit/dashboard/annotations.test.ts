import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { interruptionMarks, lateBursts, outageMarks, runStarts } from '../../../dashboard/src/model/annotations.ts'
import { HOUR_MS } from '../../../src/time/units.ts'
import { NOON_MS } from '../../support/page-changes.ts'

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
    const kept = [{ kind: 'restart', fromMs: NOON_MS - 60_000, toMs: NOON_MS }] as const
    assert.deepEqual(
      interruptionMarks(kept, null).map(({ atMs }) => atMs),
      [NOON_MS],
      'of tables that somebody else fills: what is kept, and no start of this page',
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
