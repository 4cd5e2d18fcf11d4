/**
 * Worked cases: which impression a click belongs to, and which click of an impression counts.
 */
import {
  click,
  clickMinuteRow,
  ctrRow,
  impression,
  performanceRow,
  workedCase,
  type WorkedCase,
} from '../worked-case.ts'

/** Clicks on one impression at 10:00:00.000, each its own case. */
function clickAt(
  name: string,
  clock: string,
  minute: string,
  eventClass: 'counted' | 'out_of_window' | 'orphan',
): WorkedCase {
  const clicks = eventClass === 'counted' ? 1 : 0
  return workedCase(name, {
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', clock)]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', minute, eventClass, 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, clicks, String(clicks))],
      clicks_by_minute: clicks === 1 ? [clickMinuteRow('c1', 'mobile', minute, 1)] : [],
    },
  })
}

export const ATTRIBUTION_CASES: readonly WorkedCase[] = [
  workedCase('impression 10:00:59.900, click 10:01:00.100', {
    impressions: [[impression('i1', '10:00:59.900', { cost: 0.25 })]],
    clicks: [[click('k1', 'i1', '10:01:00.100')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:01', 'counted', 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1', '0.250000')],
      engagement_by_device: [ctrRow('mobile', '10:00', 1, 1, '1', '0.250000')],
      performance: [performanceRow(['c1', 'mobile', 'chrome'], '10:00', 1, 1, '0.250000')],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:01', 1)],
    },
  }),

  workedCase('clicks at 10:05:10 and then, arriving later, at 10:04:50 on one impression', {
    impressions: [[impression('i1', '10:04:30')]],
    clicks: [[click('k1', 'i1', '10:05:10'), click('k2', 'i1', '10:04:50')]],
    ledger: [
      ['impressions', '10:04', 'counted', 1],
      ['clicks', '10:04', 'counted', 1],
      ['clicks', '10:05', 'repeat', 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:04', 1, 1, '1')],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:04', 1)],
    },
  }),

  workedCase('three clicks, each read later and stamped earlier than the last', {
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:03:00'), click('k2', 'i1', '10:02:00'), click('k3', 'i1', '10:01:00')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:01', 'counted', 1],
      ['clicks', '10:02', 'repeat', 1],
      ['clicks', '10:03', 'repeat', 1],
    ],
    tables: { clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:01', 1)] },
  }),

  workedCase('two clicks at one millisecond', {
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:00:07'), click('k2', 'i1', '10:00:07')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
      ['clicks', '10:00', 'repeat', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1')] },
  }),

  workedCase('an earlier click that is out of the window takes nobody’s place', {
    impressions: [[impression('i1', '10:01:00')]],
    clicks: [[click('k1', 'i1', '10:01:10'), click('k2', 'i1', '10:00:58.999')]],
    ledger: [
      ['impressions', '10:01', 'counted', 1],
      ['clicks', '10:01', 'counted', 1],
      ['clicks', '10:00', 'out_of_window', 1],
    ],
    tables: { clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:01', 1)] },
  }),

  clickAt('click at t − 1.000 s', '09:59:59.000', '09:59', 'counted'),
  clickAt('click at t − 1.001 s', '09:59:58.999', '09:59', 'out_of_window'),
  clickAt('click at t − 5:01.000', '09:54:59.000', '09:54', 'out_of_window'),
  clickAt('click at t − 5:01.001', '09:54:58.999', '09:54', 'orphan'),
  clickAt('click at t + 30:00.000', '10:30:00.000', '10:30', 'counted'),
  clickAt('click at t + 30:00.001', '10:30:00.001', '10:30', 'out_of_window'),
  clickAt('click at t + 35:00.000', '10:35:00.000', '10:35', 'out_of_window'),
  clickAt('click at t + 35:00.001', '10:35:00.001', '10:35', 'orphan'),

  workedCase('click read long before its impression (within order)', {
    parameters: { outOfOrderness: '10m' },
    impressions: [[impression('i0', '10:09:00'), impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '10:00:01')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:09', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1'), ctrRow('c1', '10:09', 1, 0, '0')] },
  }),

  workedCase('click whose impression never comes', {
    impressions: [[impression('i1', '10:00:00'), impression('i2', '12:00:00')]],
    clicks: [[click('k1', 'nobody', '10:00:05'), click('k2', 'nobody', '12:00:05')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '12:00', 'counted', 1],
      ['clicks', '10:00', 'orphan', 1],
      ['clicks', '12:00', 'orphan', 1],
    ],
    tables: { clicks_by_minute: [] },
  }),

  workedCase('clicks and no impressions at all', {
    clicks: [[click('k1', 'i1', '10:00:05')]],
    ledger: [['clicks', '10:00', 'orphan', 1]],
    tables: { ctr_by_campaign: [], engagement_by_device: [], performance: [], clicks_by_minute: [] },
  }),

  workedCase('two impressions with one id: a click goes to the later one that is not after it', {
    impressions: [
      [impression('i1', '10:00:00', { campaign_id: 'c1' }), impression('i1', '10:36:00', { campaign_id: 'c2' })],
    ],
    clicks: [
      [
        click('k1', 'i1', '10:20:00'),
        click('k2', 'i1', '10:35:58.999'),
        click('k3', 'i1', '10:35:59.000'),
        click('k4', 'i1', '10:36:10'),
      ],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:36', 'counted', 1],
      ['clicks', '10:20', 'counted', 1],
      ['clicks', '10:35', 'out_of_window', 1],
      ['clicks', '10:35', 'counted', 1],
      ['clicks', '10:36', 'repeat', 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1'), ctrRow('c2', '10:36', 1, 1, '1')],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:20', 1), clickMinuteRow('c2', 'mobile', '10:35', 1)],
    },
  }),

  workedCase('no lateness allowed: an impression takes a click that was in the window of the one before', {
    parameters: { allowedLateness: '0s' },
    impressions: [
      [
        impression('i1', '10:00:00.000', { campaign_id: 'c1' }),
        impression('i1', '10:30:00.500', { campaign_id: 'c2' }),
      ],
    ],
    clicks: [[click('k1', 'i1', '10:29:59.500')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:30', 'counted', 1],
      ['clicks', '10:29', 'counted', 1],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, 0, '0'), ctrRow('c2', '10:30', 1, 1, '1')],
      clicks_by_minute: [clickMinuteRow('c2', 'mobile', '10:29', 1)],
    },
  }),

  workedCase('no lateness allowed: of two clicks on the impression before, only the nearer one is taken', {
    parameters: { allowedLateness: '0s', outOfOrderness: '10s' },
    impressions: [
      [
        impression('i1', '10:00:00.000', { campaign_id: 'c1' }),
        impression('i0', '10:30:09.000', { campaign_id: 'c3' }),
        impression('i1', '10:30:00.500', { campaign_id: 'c2' }),
      ],
    ],
    clicks: [[click('k1', 'i1', '10:29:59.500'), click('k2', 'i1', '10:29:59.499')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:30', 'counted', 2],
      ['clicks', '10:29', 'counted', 2],
    ],
    tables: {
      ctr_by_campaign: [
        ctrRow('c1', '10:00', 1, 1, '1'),
        ctrRow('c2', '10:30', 1, 1, '1'),
        ctrRow('c3', '10:30', 1, 0, '0'),
      ],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:29', 1), clickMinuteRow('c2', 'mobile', '10:29', 1)],
    },
  }),

  workedCase('no clock skew tolerated: a click 1 ms before its impression is out of the window', {
    parameters: { clockSkewTolerance: '0s' },
    impressions: [[impression('i1', '10:00:00')]],
    clicks: [[click('k1', 'i1', '09:59:59.999'), click('k2', 'i1', '10:00:00.000')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '09:59', 'out_of_window', 1],
      ['clicks', '10:00', 'counted', 1],
    ],
  }),

  workedCase('a minute with 7 impressions and no click', {
    impressions: [Array.from({ length: 7 }, (_, i) => impression(`i${i}`, '10:00:00'))],
    ledger: [['impressions', '10:00', 'counted', 7]],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 7, 0, '0')] },
  }),

  workedCase('3 impressions and 1 click', {
    impressions: [[impression('i1', '10:00:00'), impression('i2', '10:00:01'), impression('i3', '10:00:02')]],
    clicks: [[click('k1', 'i2', '10:00:30')]],
    ledger: [
      ['impressions', '10:00', 'counted', 3],
      ['clicks', '10:00', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 3, 1, '0.3333333333333333')] },
  }),

  workedCase('a minute with no impression of a campaign', {
    impressions: [
      [
        impression('i1', '10:00:00', { campaign_id: 'c1' }),
        impression('i2', '10:01:00', { campaign_id: 'c2' }),
        impression('i3', '10:02:00', { campaign_id: 'c1' }),
      ],
    ],
    clicks: [[click('k1', 'i1', '10:01:30')]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:01', 'counted', 1],
      ['impressions', '10:02', 'counted', 1],
      ['clicks', '10:01', 'counted', 1],
    ],
    tables: {
      ctr_by_campaign: [
        ctrRow('c1', '10:00', 1, 1, '1'),
        ctrRow('c2', '10:01', 1, 0, '0'),
        ctrRow('c1', '10:02', 1, 0, '0'),
      ],
      clicks_by_minute: [clickMinuteRow('c1', 'mobile', '10:01', 1)],
    },
  }),

  workedCase('windows are half-open', {
    impressions: [
      [impression('i1', '10:00:00.000'), impression('i2', '10:00:59.999'), impression('i3', '10:01:00.000')],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['impressions', '10:01', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 2, 0, '0'), ctrRow('c1', '10:01', 1, 0, '0')] },
  }),
]
