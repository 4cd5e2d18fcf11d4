/**
 * Worked cases: duplicates, lateness, and the order of the classes.
 */
import {
  at,
  click,
  clickMinuteRow,
  ctrRow,
  EPOCH,
  impression,
  impressionRecord,
  workedCase,
  type WorkedCase,
} from '../worked-case.ts'

export const ARRIVAL_CASES: readonly WorkedCase[] = [
  workedCase('the same impression twice, one click', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:00:05')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:00', 'duplicate', 1],
      ['clicks', '10:00', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1')] },
  }),

  workedCase('an impression again with its id, another campaign and a time 3 min later', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:03:00', { campaign_id: 'c2', cost: 1 })]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:03', 'duplicate', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 0, '0')] },
  }),

  workedCase('an impression again with its id and a time 3 min earlier: the first to arrive wins', {
    impressions: [[impression('i1', '10:03:00'), impression('i1', '10:00:00', { campaign_id: 'c2' })]],
    ledger: [
      ['impressions', '10:03', 'counted', 1],
      ['impressions', '10:00', 'duplicate', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:03', 1, 0, '0')] },
  }),

  workedCase('the same id 36 min later', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:36:00')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:36', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 0, '0'), ctrRow('c1', '10:36', 1, 0, '0')] },
  }),

  workedCase('the same id exactly A + L later', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:35:00.000')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:35', 'duplicate', 1],
    ],
  }),

  workedCase('the same id A + L and 1 ms later', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:35:00.001')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:35', 'counted', 1],
    ],
  }),

  workedCase('the same id exactly A + L earlier, and 1 ms more', {
    parameters: { outOfOrderness: '1h' },
    impressions: [
      [impression('i1', '10:35:00.000'), impression('i1', '10:00:00.000')],
      [impression('i2', '10:35:00.001'), impression('i2', '10:00:00.000')],
    ],
    ledger: [
      ['impressions', '10:35', 'counted', 2],
      ['impressions', '10:00', 'duplicate', 1],
      ['impressions', '10:00', 'counted', 1],
    ],
  }),

  workedCase('copies are measured from what was accepted, not from other copies', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:30:00'), impression('i1', '10:40:00')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:30', 'duplicate', 1],
      ['impressions', '10:40', 'counted', 1],
    ],
  }),

  workedCase('an attribution window of 1 ms and no lateness: an id is new again 2 ms later', {
    parameters: { attributionWindow: '1ms', allowedLateness: '0s', clockSkewTolerance: '0s' },
    impressions: [
      [
        impression('i1', '10:00:00.000'),
        impression('i1', '10:00:00.001'),
        impression('i1', '10:00:00.002'),
        impression('i1', '10:00:00.003'),
      ],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['impressions', '10:00', 'duplicate', 2],
    ],
  }),

  workedCase('one impression, clicks k1, k2, k1', {
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:00:10'), click('k2', 'i1', '10:00:20'), click('k1', 'i1', '10:00:10')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '10:00', 'repeat', 1],
      ['clicks', '10:00', 'duplicate', 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1')],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:00', 1)],
    },
  }),

  workedCase('a click again with its id on another impression', {
    impressions: [[impression('i1', '10:00:00'), impression('i2', '10:00:00', { campaign_id: 'c2' })]],
    clicks: [[click('k1', 'i1', '10:00:10'), click('k1', 'i2', '10:00:11')]],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '10:00', 'duplicate', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1'), ctrRow('c2', '10:00', 1, 0, '0')] },
  }),

  workedCase('an orphan again is a duplicate, and a click may have the id of an impression', {
    impressions: [[impression('same', '10:00:00')]],
    clicks: [[click('same', 'nobody', '10:00:10'), click('same', 'nobody', '10:00:10')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:00', 'orphan', 1],
      ['clicks', '10:00', 'duplicate', 1],
    ],
  }),

  workedCase('a click again with its id 36 min later is a new click, here of no impression', {
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:00:10'), click('k1', 'i1', '10:36:10')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '10:36', 'orphan', 1],
    ],
  }),

  workedCase('an event exactly L behind w_p', {
    impressions: [[impression('i1', '10:10:05.000'), impression('i2', '10:05:00.000')]],
    ledger: [
      ['impressions', '10:10', 'counted', 1],
      ['impressions', '10:05', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:05', 1, 0, '0'), ctrRow('c1', '10:10', 1, 0, '0')] },
  }),

  workedCase('an event L and 1 ms behind w_p', {
    impressions: [[impression('i1', '10:10:05.000'), impression('i2', '10:04:59.999')]],
    ledger: [
      ['impressions', '10:10', 'counted', 1],
      ['impressions', '10:04', 'late', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:10', 1, 0, '0')] },
  }),

  workedCase('a click L and 1 ms behind w_p counts nowhere, and takes nobody’s place', {
    impressions: [[impression('i1', '10:04:00')]],
    clicks: [[click('k1', 'i1', '10:10:05.000'), click('k2', 'i1', '10:04:59.999')]],
    ledger: [
      ['impressions', '10:04', 'counted', 1],
      ['clicks', '10:10', 'counted', 1],
      ['clicks', '10:04', 'late', 1],
    ],
    tables: { clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:10', 1)] },
  }),

  workedCase('nothing allowed: an event behind the highest time is late', {
    parameters: { allowedLateness: '0s', outOfOrderness: '0s' },
    impressions: [
      [impression('i1', '10:00:00.001'), impression('i2', '10:00:00.001'), impression('i3', '10:00:00.000')],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['impressions', '10:00', 'late', 1],
    ],
  }),

  workedCase('each partition has a watermark of its own', {
    impressions: [[impression('i1', '11:00:00')], [impression('i2', '10:00:00')]],
    clicks: [[click('k1', 'i2', '10:00:05')], [click('k2', 'i1', '11:00:05')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '11:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '11:00', 'counted', 1],
    ],
  }),

  workedCase('a duplicate moves the watermark', {
    impressions: [[impression('i1', '10:00:00'), impression('i1', '10:10:05'), impression('i2', '10:04:59.999')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:10', 'duplicate', 1],
      ['impressions', '10:04', 'late', 1],
    ],
  }),

  workedCase('a malformed record moves no watermark and stands at the highest time before it', {
    impressions: [
      [
        impression('i0', '10:59:00', { cost: 'free' }),
        impression('i1', '10:00:00'),
        impression('i2', '11:59:00', { cost: 'free' }),
        impression('i3', '10:00:01'),
      ],
    ],
    ledger: [
      ['impressions', EPOCH, 'malformed', 1],
      ['impressions', '10:00', 'counted', 2],
      ['impressions', '10:00', 'malformed', 1],
    ],
  }),

  workedCase('late comes before duplicate', {
    impressions: [[impression('i1', '10:00:00'), impression('i2', '10:10:00'), impression('i1', '10:00:00')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:10', 'counted', 1],
      ['impressions', '10:00', 'late', 1],
    ],
  }),

  workedCase('malformed comes before duplicate and late', {
    impressions: [
      [
        impression('i1', '10:00:00'),
        impressionRecord({ impression_id: '"i1"', cost: '-1' }),
        impressionRecord({ impression_id: '"i2"', event_timestamp: String(at('08:00:00')), cost: 'true' }),
      ],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:00', 'malformed', 2],
    ],
  }),

  workedCase('a late impression is no impression: its click is an orphan, and its id is free', {
    impressions: [
      [
        impression('i1', '10:10:05'),
        impression('i2', '10:04:59.999'),
        impression('i2', '10:06:00', { campaign_id: 'c2' }),
      ],
    ],
    clicks: [[click('k1', 'i2', '10:00:30'), click('k2', 'i2', '10:06:30')]],
    ledger: [
      ['impressions', '10:10', 'counted', 1],
      ['impressions', '10:04', 'late', 1],
      ['impressions', '10:06', 'counted', 1],
      ['clicks', '10:00', 'orphan', 1],
      ['clicks', '10:06', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c2', '10:06', 1, 1, '1'), ctrRow('c1', '10:10', 1, 0, '0')] },
  }),

  workedCase('files that differ by hours are read in step', {
    impressions: [
      [impression('i1', '08:00:00'), impression('i2', '12:00:00')],
      [impression('i3', '10:00:00'), impression('i4', '14:00:00')],
    ],
    clicks: [[click('k1', 'i1', '08:00:05'), click('k4', 'i4', '14:00:05')], [click('k2', 'i3', '10:00:05')]],
    ledger: [
      ['impressions', '08:00', 'counted', 1],
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '12:00', 'counted', 1],
      ['impressions', '14:00', 'counted', 1],
      ['clicks', '08:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '14:00', 'counted', 1],
    ],
  }),
]
