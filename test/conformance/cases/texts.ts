/**
 * Worked cases: ids and dimensions are text, compared byte by byte.
 */
import {
  click,
  clickMinuteRow,
  clickRecord,
  ctrRow,
  EPOCH,
  impression,
  impressionRecord,
  performanceRow,
  workedCase,
  type WorkedCase,
} from '../worked-case.ts'

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e'

/** Two spellings, as JSON source, of one impression id. */
function oneId(name: string, first: string, second: string): WorkedCase {
  return workedCase(name, {
    impressions: [[impressionRecord({ impression_id: first }), impressionRecord({ impression_id: second })]],
    clicks: [[clickRecord({ impression_id: second })]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:00', 'duplicate', 1],
      ['clicks', '10:00', 'counted', 1],
    ],
  })
}

/** Two ids, as JSON source, that are not the same: a click on the second counts for no impression of the first. */
function twoIds(name: string, first: string, second: string): WorkedCase {
  return workedCase(name, {
    impressions: [[impressionRecord({ impression_id: first }), impressionRecord({ impression_id: second })]],
    clicks: [
      [clickRecord({ impression_id: first }), clickRecord({ click_id: '"k2"', impression_id: second })],
      [clickRecord({ click_id: first, impression_id: '"x"' }), clickRecord({ click_id: second, impression_id: '"x"' })],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['clicks', '10:00', 'counted', 2],
      ['clicks', '10:00', 'orphan', 2],
    ],
  })
}

/** Impressions of these campaigns, given as JSON source, with one counted row each, in order. */
function campaigns(name: string, sources: readonly string[], rows: readonly string[]): WorkedCase {
  return workedCase(name, {
    impressions: [sources.map((campaign, i) => impressionRecord({ impression_id: `"i${i}"`, campaign_id: campaign }))],
    clicks: [sources.map((_, i) => clickRecord({ click_id: `"k${i}"`, impression_id: `"i${i}"` }))],
    ledger: [
      ['impressions', '10:00', 'counted', sources.length],
      ['clicks', '10:00', 'counted', sources.length],
    ],
    tables: {
      ctr_by_campaign: rows.map((campaign) => ctrRow(campaign, '10:00', 1, 1, '1')),
      clicks_by_minute: rows.map((campaign) => clickMinuteRow(campaign, 'mobile', '10:00', 1)),
    },
  })
}

export const TEXT_CASES: readonly WorkedCase[] = [
  oneId('"A1" and "\\u00411" are one id', '"A1"', '"\\u00411"'),
  oneId('123 and "123" are one id', '123', '"123"'),
  oneId('a UUID and the same with an escape are one id', `"${UUID}"`, `"\\u0030${UUID.slice(1)}"`),
  oneId('"a/b" and "a\\/b" are one id', '"a/b"', '"a\\/b"'),
  oneId('"😀" and its escaped surrogates are one id', '"😀"', '"\\uD83D\\ude00"'),
  oneId('1e2 and "1e2" are one id', '1e2', '"1e2"'),

  twoIds('ids that differ in case are two', '"a1"', '"A1"'),
  twoIds('UUIDs that differ in case are two', `"${UUID}"`, `"${UUID.toUpperCase()}"`),
  twoIds('UUIDs that differ in the case of one letter are two', `"${UUID}"`, `"${UUID.replace('e', 'E')}"`),
  twoIds('a UUID with and without hyphens are two', `"${UUID}"`, `"${UUID.replaceAll('-', '')}"`),
  twoIds('a UUID and the same in braces are two', `"${UUID}"`, `"{${UUID}}"`),
  twoIds('a UUID with a hyphen elsewhere is another', `"${UUID}"`, '"0f8fad5bd-9cb-469f-a165-70867728950e"'),
  twoIds('numbers past 2^53 keep every digit', '9007199254740992', '9007199254740993'),
  twoIds('1 and 1.0 are two', '1', '1.0'),
  twoIds('100 and 1e2 are two', '100', '1e2'),
  twoIds('0 and -0 are two', '0', '-0'),
  twoIds('1 and "01" are two', '1', '"01"'),
  twoIds('white space inside an id counts', '"i1"', '" i1"'),
  twoIds('é in one code point and in two are two', '"\u00e9"', '"e\u0301"'),
  twoIds('ids that differ after 500 bytes are two', `"${'x'.repeat(500)}1"`, `"${'x'.repeat(500)}2"`),
  twoIds('an id is no prefix of another', '"i1"', '"i1\\u0001"'),
  twoIds('names that objects have are ids like any other', '"__proto__"', '"constructor"'),

  campaigns(
    'campaign_id = `"`, `\'; drop table x; --`, `=1+1`, `<img onerror=…>`, 你好',
    ['"\\""', '"\'; drop table x; --"', '"=1+1"', '"<img src=x onerror=alert(1)>"', '"你好"'],
    ['"', "'; drop table x; --", '<img src=x onerror=alert(1)>', '=1+1', '你好'],
  ),
  campaigns(
    'names with line ends, commas, tabs and backslashes, sorted by their bytes',
    ['"a\\nb"', '"a\\r\\nb"', '"a,b"', '"a\\tb"', '"a\\\\b"', '"a"', '" "', '"😀"', '"～"', '"__proto__"'],
    [' ', '__proto__', 'a', 'a\tb', 'a\nb', 'a\r\nb', 'a,b', 'a\\b', '～', '😀'],
  ),
  campaigns('a number is a name', ['17', '1.50', '9007199254740993'], ['1.50', '17', '9007199254740993']),
  campaigns('a name of 512 bytes', [`"${'你'.repeat(170)}ab"`], [`${'你'.repeat(170)}ab`]),
  campaigns('a name of 512 bytes after unescaping', [`"${'\\u4f60'.repeat(170)}\\u0061b"`], [`${'你'.repeat(170)}ab`]),

  workedCase('a missing, null or empty dimension is the row unknown', {
    impressions: [
      [
        impressionRecord({ impression_id: '"i1"', campaign_id: undefined }),
        impressionRecord({ impression_id: '"i2"', campaign_id: 'null' }),
        impressionRecord({ impression_id: '"i3"', campaign_id: '""' }),
        impressionRecord({ impression_id: '"i4"', campaign_id: '"unknown"' }),
        impressionRecord({ impression_id: '"i5"', device_type: undefined, browser: '""' }),
      ],
    ],
    clicks: [[click('k1', 'i1', '10:00:05'), click('k5', 'i5', '10:00:05')]],
    ledger: [
      ['impressions', '10:00', 'counted', 5],
      ['clicks', '10:00', 'counted', 2],
    ],
    tables: {
      ctr_by_campaign: [ctrRow('c1', '10:00', 1, 1, '1'), ctrRow('unknown', '10:00', 4, 1, '0.25')],
      engagement_by_device: [ctrRow('mobile', '10:00', 4, 1, '0.25'), ctrRow('unknown', '10:00', 1, 1, '1')],
      performance: [
        performanceRow(['c1', 'unknown', 'unknown'], '10:00', 1, 1),
        performanceRow(['unknown', 'mobile', 'chrome'], '10:00', 4, 1),
      ],
      clicks_by_minute: [clickMinuteRow('c1', 'unknown', '10:00', 1), clickMinuteRow('unknown', 'mobile', '10:00', 1)],
    },
  }),

  workedCase('everything but ids and time may be absent', {
    impressions: [[impressionRecord({ user_id: undefined, ad_id: 'null', cost: undefined, browser: undefined })]],
    clicks: [[clickRecord({ user_id: undefined })]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', '10:00', 'counted', 1],
    ],
  }),

  workedCase('text holding a lone \\ud800, or \\u0000', {
    impressions: [
      [
        impressionRecord({ campaign_id: '"\\ud800"' }),
        impressionRecord({ campaign_id: '"a\\u0000b"' }),
        impressionRecord({ impression_id: '"\\udc00"' }),
        impressionRecord({ user_id: '"\\ud800x"' }),
        impressionRecord({ browser: '"\\ude00\\ud83d"' }),
        impressionRecord({ event_timestamp: '"\\u0000"' }),
        impressionRecord({ campaign_id: '"\\ud83d\\ude00"' }),
      ],
    ],
    ledger: [
      ['impressions', EPOCH, 'malformed', 6],
      ['impressions', '10:00', 'counted', 1],
    ],
    tables: { ctr_by_campaign: [ctrRow('😀', '10:00', 1, 0, '0')] },
  }),

  workedCase('text over 512 bytes', {
    impressions: [
      [
        impressionRecord({ campaign_id: `"${'x'.repeat(513)}"` }),
        impressionRecord({ campaign_id: `"${'你'.repeat(171)}"` }),
        impressionRecord({ campaign_id: `"${'é'.repeat(257)}"` }),
        impressionRecord({ campaign_id: `"${'😀'.repeat(129)}"` }),
        impressionRecord({ impression_id: `"${'x'.repeat(513)}"` }),
        impressionRecord({ impression_id: '1'.repeat(513) }),
        impressionRecord({ user_id: `"${'x'.repeat(513)}"` }),
        impression('i2', '10:00:00', { user_id: '😀'.repeat(128) }),
      ],
    ],
    clicks: [[clickRecord({ user_id: `"${'x'.repeat(513)}"` })]],
    ledger: [
      ['impressions', EPOCH, 'malformed', 7],
      ['impressions', '10:00', 'counted', 1],
      ['clicks', EPOCH, 'malformed', 1],
    ],
  }),
]
