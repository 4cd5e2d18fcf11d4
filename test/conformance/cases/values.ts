/**
 * Worked cases: times and money, read exactly from their decimal text.
 */
import { ctrRow, EPOCH, impressionRecord, workedCase, type WorkedCase } from '../worked-case.ts'
import { allCounted, allMalformed } from './impression-lists.ts'

export const VALUE_CASES: readonly WorkedCase[] = [
  allMalformed('event_timestamp = 1e400, -1, "yesterday", null, 9007199254740993, 1700000000000.5', [
    impressionRecord({ event_timestamp: '1e400' }),
    impressionRecord({ event_timestamp: '-1' }),
    impressionRecord({ event_timestamp: '"yesterday"' }),
    impressionRecord({ event_timestamp: 'null' }),
    impressionRecord({ event_timestamp: '9007199254740993' }),
    impressionRecord({ event_timestamp: '1700000000000.5' }),
  ]),

  allMalformed(
    'other times that are none',
    [
      '0',
      '1700000000000.0000000000000000000001',
      '17000000000005e-1',
      '1e-400',
      '1e999999999999999999',
      '-1767261600000',
      '"1767261600000.0"',
      '"1.7672616e12"',
      '" 1767261600000"',
      '"-1767261600000"',
      '"+1767261600000"',
      '"2026-01-01T10:00:00"',
      '"2026-01-01"',
      '"2026-01-01T10Z"',
      '"2026-02-29T10:00:00Z"',
      '"2026-13-01T10:00:00Z"',
      '"2026-00-01T10:00:00Z"',
      '"2026-04-31T10:00:00Z"',
      '"2026-01-01T24:00:00Z"',
      '"2026-01-01T10:60:00Z"',
      '"2026-01-01T10:00:60Z"',
      '"2026-01-01T10:00:00.0005Z"',
      '"2026-01-01T10:00:00.Z"',
      '"2026-01-01T10:00:00,5Z"',
      '"2026-01-01T10:00:00+24:00"',
      '"2026-01-01T10:00:00+01:60"',
      '"2026-01-01T10:00:00+1"',
      '"2026-01-01T10:00:00 Z"',
      '"2026-01-01  10:00:00Z"',
      '"2026-1-1T10:00:00Z"',
      '"20260101T100000Z"',
      '"26-01-01T10:00:00Z"',
      '"Thu, 01 Jan 2026 10:00:00 GMT"',
      '"٢٠٢٦-01-01T10:00:00Z"',
    ].map((source) => impressionRecord({ event_timestamp: source })),
  ),

  allCounted(
    'one time in many spellings',
    [
      '1767261600000',
      '1767261600000.000',
      '1.7672616e12',
      '17672616E+5',
      '1767261600000000e-3',
      '"1767261600000"',
      '"0001767261600000"',
      '"2026-01-01T10:00:00Z"',
      '"2026-01-01t10:00z"',
      '"2026-01-01 10:00:00.000000000Z"',
      '"2026-01-01T12:00:00+02:00"',
      '"2026-01-01T15:30+0530"',
      '"2025-12-31T23:00:00.0-11"',
      '"2026-01-01T10:00:00-00:00"',
      '"\\u0032026-01-01T10:00:00Z"',
    ].map((source) => ({ event_timestamp: source })),
  ),

  workedCase('the first and the last millisecond that a time may have, and the ones beyond', {
    impressions: ['946684800000', '946684799999', '4133980799999', '4133980800000', '"1999-12-31T23:00:00-01:00"'].map(
      (time, i) => [impressionRecord({ impression_id: `"i${i}"`, event_timestamp: time })],
    ),
    ledger: [
      ['impressions', EPOCH, 'malformed', 2],
      ['impressions', '2000-01-01T00:00:00.000Z', 'counted', 2],
      ['impressions', '2100-12-31T23:59:00.000Z', 'counted', 1],
    ],
    tables: {
      ctr_by_campaign: [
        ctrRow('c1', '2000-01-01T00:00:00.000Z', 2, 0, '0'),
        ctrRow('c1', '2100-12-31T23:59:00.000Z', 1, 0, '0'),
      ],
    },
  }),

  allCounted(
    'cost = 0.1 ten times',
    Array.from({ length: 10 }, () => ({ cost: '0.1' })),
    '1.000000',
  ),
  allCounted('cost = 0.0000005', [{ cost: '0.0000005' }], '0.000001'),
  allMalformed('cost = "free" / -1', [impressionRecord({ cost: '"free"' }), impressionRecord({ cost: '-1' })]),

  allCounted(
    'costs that round',
    [
      '0.00000049999999999999999999',
      '0.0000014999',
      '0.0000015',
      '2.5e-6',
      '25e-7',
      '-0.0000004',
      '-0',
      '0e999999999',
      '1e-400',
      '1e-999999999999999999999',
      'null',
      '1.0000005',
    ].map((cost) => ({ cost })),
    // 0 + 1 + 2 + 3 + 3 + 0 + 0 + 0 + 0 + 0 + 0 + 1000001 millionths
    '1.000010',
  ),

  allCounted(
    'the highest cost there is, three times',
    Array.from({ length: 3 }, () => ({ cost: '1000000.0000004' })),
    '3000000.000000',
  ),

  allMalformed(
    'costs out of range',
    ['1000000.0000005', '1000000.000001', '1e400', '1e999999999', '-0.0000005', '-1e-6', '-1e400', '1e7'].map((cost) =>
      impressionRecord({ cost }),
    ),
  ),
]
