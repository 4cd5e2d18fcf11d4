import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { visibleName } from '../../../dashboard/src/format/names.ts'
import {
  formatCount,
  formatMoney,
  formatPlain,
  formatShare,
  formatShort,
  formatSigned,
} from '../../../dashboard/src/format/numbers.ts'
import {
  beforeInWords,
  formatClock,
  formatDate,
  formatLength,
  formatRough,
  formatWindow,
  rangeInWords,
  windowInWords,
} from '../../../dashboard/src/format/times.ts'
import { tickText, timeTicks } from '../../../dashboard/src/charts/time-axis.ts'
import { sharesDiffer, wilsonInterval } from '../../../src/query/shares.ts'

/** Each text of `pairs` is what `format` makes of its value. */
function same<T>(format: (value: T) => string, pairs: readonly (readonly [T, string])[]): void {
  assert.deepEqual(
    pairs.map(([value]) => format(value).replaceAll('\u2009', ' ')),
    pairs.map(([, text]) => text),
  )
}

describe('numbers', () => {
  it('are grouped, with a true minus sign', () => {
    same(formatCount, [
      [0, '0'],
      [167402, '167,402'],
      [-5, '−5'],
      [12345678901234567890n, '12,345,678,901,234,567,890'],
    ])
  })

  it('of money have two decimals, rounded half away from zero', () => {
    same(formatMoney, [
      [0n, '0.00'],
      [4_999n, '0.00'],
      [5_000n, '0.01'],
      [42_688_095_000n, '42,688.10'],
      [-5_000n, '−0.01'],
      [-4_999n, '0.00'],
    ])
  })

  it('are percents with a thin space, signed changes with their sign, zero with neither', () => {
    assert.equal(formatShare(0.0773), '7.73\u2009%')
    same(
      (value: number) => formatSigned(value, 1),
      [
        [4.12, '+4.1'],
        [-2.26, '−2.3'],
        [0.04, '±0.0'],
        [-0.04, '±0.0'],
        [12345.6, '+12,345.6'],
        [1e12, '+1,000,000,000,000.0'],
      ],
    )
  })

  it('are short on axes', () => {
    same(formatShort, [
      [0, '0'],
      [0.25, '0.25'],
      [7.5, '7.5'],
      [1500, '1.5k'],
      [20_000, '20k'],
      [3e6, '3M'],
      [-1000, '−1k'],
    ])
    same(formatPlain, [
      [12.345, '12.35'],
      [0.1234, '0.123'],
      [1234.5, '1,235'],
    ])
  })
})

describe('times', () => {
  it('are UTC', () => {
    const timeMs = Date.UTC(2026, 0, 1, 14, 32, 7)
    assert.equal(formatClock(timeMs), '14:32:07')
    assert.equal(formatDate(timeMs), '1 Jan 2026')
    assert.equal(formatWindow(timeMs - 7_000, 60_000), '14:32')
    assert.equal(formatWindow(timeMs, 10_000), '14:32:07')
  })

  it('have lengths in at most two units', () => {
    same(formatLength, [
      [-5, '0.0 s'],
      [800, '0.8 s'],
      [9_960, '10 s'],
      [14_000, '14 s'],
      [59_700, '1 min'],
      [200_000, '3 min 20 s'],
      [3_600_000, '1 h'],
      [7_860_000, '2 h 11 min'],
      [97_200_000, '1 d 3 h'],
    ])
    assert.deepEqual([rangeInWords(3_600_000), beforeInWords(3_600_000)], ['last hour', 'hour before'])
    assert.equal(rangeInWords(600_000), 'last 10\u2009min')
    assert.deepEqual([60_000, 3_600_000, 86_400_000, 10_000].map(windowInWords), ['minute', 'hour', 'day', 'window'])
  })

  it('have lengths in one unit, for columns', () => {
    same(formatRough, [
      [900, '0.9 s'],
      [59_000, '59 s'],
      [902_000, '15 min'],
      [7_500_000, '2 h'],
      [90_000_000, '1 d'],
    ])
  })

  it('put ticks at round times, as many as fit', () => {
    const startMs = Date.UTC(2026, 0, 1, 13, 33)
    const ticks = timeTicks(startMs, startMs + 3_600_000, 7)
    assert.deepEqual(
      ticks.map((tick) => tickText(tick, ticks)),
      ['13:40', '13:50', '14:00', '14:10', '14:20', '14:30'],
    )
    const midnight = Date.UTC(2026, 0, 2)
    assert.equal(tickText(midnight, [midnight]), '2 Jan')
    assert.deepEqual(timeTicks(startMs, startMs, 5), [startMs])
  })
})

describe('names', () => {
  it('show what would reorder or hide text, and leave scripts and emoji alone', () => {
    same(visibleName, [
      ['\u202Egnp.exe', '‹U+202E›gnp.exe'],
      ['a\u200Bb\tc', 'a‹U+200B›b‹U+0009›c'],
      ['  ', '␣␣'],
      ['<img onerror=alert(1)>', '<img onerror=alert(1)>'],
      ['你好 👩‍💻', '你好 👩‍💻'],
      ['עברית', 'עברית'],
    ])
  })
})

describe('shares', () => {
  it('have the interval of Wilson: published values', () => {
    // Newcombe 1998, Statistics in Medicine 17, table I: 81/263, 15/148, 0/20, 1/29.
    const near = (got: readonly [number, number], low: number, high: number): void => {
      assert.ok(Math.abs(got[0] - low) < 5e-5 && Math.abs(got[1] - high) < 5e-5, String(got))
    }
    near(wilsonInterval(81, 263), 0.2553, 0.3662)
    near(wilsonInterval(15, 148), 0.0624, 0.1605)
    near(wilsonInterval(0, 20), 0, 0.1611)
    near(wilsonInterval(1, 29), 0.0061, 0.1718)
    assert.deepEqual(wilsonInterval(0, 0), [0, 1])
  })

  it('differ only beyond chance', () => {
    assert.equal(sharesDiffer({ clicks: 70, of: 1000 }, { clicks: 80, of: 1000 }), false)
    assert.equal(sharesDiffer({ clicks: 700, of: 10_000 }, { clicks: 800, of: 10_000 }), true)
    assert.equal(sharesDiffer({ clicks: 0, of: 100 }, { clicks: 0, of: 100 }), false)
  })
})
