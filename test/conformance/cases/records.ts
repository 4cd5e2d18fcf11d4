/**
 * Worked cases: what is a record, which fields it must have, and of what type.
 */
import {
  at,
  bytes,
  click,
  clickRecord,
  ctrRow,
  EPOCH,
  impression,
  impressionRecord,
  workedCase,
  type LedgerRow,
  type WorkedCase,
} from '../worked-case.ts'
import { allCounted, allMalformed } from './impression-lists.ts'

const COUNTED_ONCE: readonly LedgerRow[] = [['impressions', '10:00', 'counted', 1]]
const RECORD_LIMIT_BYTES = 1_048_576
const BOM: readonly number[] = [0xef, 0xbb, 0xbf]

/** An impression padded by an ignored field to exactly so many bytes. */
function recordOfLength(id: string, byteLength: number): string {
  const padded = (padding: number): string =>
    impressionRecord({ impression_id: `"${id}"`, padding: `"${'x'.repeat(padding)}"` })
  return padded(byteLength - padded(0).length)
}

export const RECORD_CASES: readonly WorkedCase[] = [
  allMalformed('a line of 2 MB, [], {}', [recordOfLength('i9', 2_000_000), '[]', '{}']),

  workedCase('a record of 1 MiB, and of one byte more', {
    impressions: [[recordOfLength('i1', RECORD_LIMIT_BYTES), recordOfLength('i2', RECORD_LIMIT_BYTES + 1)]],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:00', 'malformed', 1],
    ],
  }),

  workedCase('2 MB of white space around a record, and 2 MB of nothing else', {
    impressions: [[`${' '.repeat(1_000_000)}${impressionRecord()}${'\t'.repeat(1_000_000)}`, ' '.repeat(2_000_000)]],
    ledger: COUNTED_ONCE,
  }),

  workedCase('an empty line is no event', {
    impressions: [['', impressionRecord(), '', '  \t ', '\r']],
    ledger: COUNTED_ONCE,
  }),

  workedCase('a byte-order mark at the start of a file is ignored', {
    impressions: [[bytes(BOM, impressionRecord())]],
    ledger: COUNTED_ONCE,
  }),

  workedCase('a byte-order mark and nothing else is no event', { impressions: [[bytes(BOM)]], ledger: [] }),

  workedCase('a byte-order mark anywhere else is malformed', {
    impressions: [
      [impressionRecord(), bytes(BOM, impression('i2', '10:00:00'))],
      [bytes(BOM, BOM, impression('i3', '10:00:00'))],
      [bytes(' ', BOM, impression('i4', '10:00:00'))],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['impressions', '10:00', 'malformed', 1],
      ['impressions', EPOCH, 'malformed', 2],
    ],
  }),

  workedCase('CRLF line ends', {
    impressions: [[`${impression('i1', '10:00:00')}\r`, `${impression('i2', '10:00:00')}\r`]],
    clicks: [[`${click('k1', 'i1', '10:00:05')}\r`]],
    ledger: [
      ['impressions', '10:00', 'counted', 2],
      ['clicks', '10:00', 'counted', 1],
    ],
  }),

  allMalformed('not one JSON object', [
    'hello',
    '"hello"',
    '17',
    'null',
    'true',
    `[${impressionRecord()}]`,
    `${impressionRecord()}${impressionRecord()}`,
    `${impressionRecord()},`,
    impressionRecord().slice(0, -1),
    impressionRecord().replace(/}$/, ',}'),
    impressionRecord().replaceAll('"', "'"),
    impressionRecord({ cost: 'NaN' }),
    impressionRecord({ cost: '01' }),
    impressionRecord({ cost: '.5' }),
    impressionRecord({ cost: '+1' }),
    impressionRecord({ cost: '1.' }),
    impressionRecord({ extra: '"\t"' }),
    impressionRecord({ extra: '"\\x"' }),
    impressionRecord({ extra: '[1,]' }),
    impressionRecord({ extra: 'undefined' }),
    `${impressionRecord()} // an impression`,
    `\u00a0${impressionRecord()}`,
    `\0${impressionRecord()}`,
  ]),

  allMalformed('invalid UTF-8, also in a field that is ignored', [
    bytes('{"impression_id": "', [0xff], '"}'),
    ...[[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe4, 0xbd], [0xf4, 0x90, 0x80, 0x80], [0x80]].map((invalid) => {
      const [before = '', after = ''] = impressionRecord({ extra: '"HERE"' }).split('HERE')
      return bytes(before, invalid, after)
    }),
  ]),

  allMalformed('a required field missing, null or empty', [
    impressionRecord({ impression_id: undefined }),
    impressionRecord({ impression_id: 'null' }),
    impressionRecord({ impression_id: '""' }),
    impressionRecord({ event_timestamp: undefined }),
    impressionRecord({ event_timestamp: 'null' }),
    impressionRecord({ event_timestamp: '""' }),
  ]),

  workedCase('a click without an id, or without its impression’s', {
    impressions: [[impressionRecord()]],
    clicks: [
      [
        clickRecord({ click_id: undefined }),
        clickRecord({ click_id: '""' }),
        clickRecord({ impression_id: undefined }),
        clickRecord({ impression_id: 'null' }),
        clickRecord({ impression_id: '""' }),
        clickRecord(),
      ],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 1],
      ['clicks', EPOCH, 'malformed', 5],
      ['clicks', '10:00', 'counted', 1],
    ],
  }),

  allMalformed('known fields of a wrong type', [
    impressionRecord({ impression_id: 'true' }),
    impressionRecord({ impression_id: '["i1"]' }),
    impressionRecord({ campaign_id: '{"id": "c1"}' }),
    impressionRecord({ campaign_id: '[]' }),
    impressionRecord({ device_type: 'false' }),
    impressionRecord({ user_id: '{}' }),
    impressionRecord({ ad_id: 'true' }),
    impressionRecord({ event_timestamp: 'true' }),
    impressionRecord({ event_timestamp: `[${at('10:00:00')}]` }),
    impressionRecord({ cost: '{}' }),
    impressionRecord({ cost: 'false' }),
    impressionRecord({ cost: '"0.1"' }),
    impressionRecord({ cost: '""' }),
  ]),

  allCounted('fields that are not known may hold anything', [
    { extra: 'null', country: '{"code": ["AT"]}' },
    { extra: '"\\ud800\\u0000"', click_id: 'true' },
    { extra: `"${'x'.repeat(100_000)}"`, '': '[]', ['__proto__']: '1e999' },
    { Campaign_Id: '17', 'impression_id ': 'true' },
    { extra: `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
    { extra: `${'{"a": '.repeat(50_000)}1${'}'.repeat(50_000)}` },
  ]),

  workedCase('of a key given twice the last counts', {
    impressions: [
      [
        impressionRecord({ cost: '0' }).replace('{', '{"campaign_id": "c2", "impression_id": true, "cost": "free", '),
        impressionRecord().replace('}', ', "impression_id": "i2", "cost": 1, "cost": 0.5}'),
        impressionRecord().replace('}', ', "impression_id": "i3", "campaign\\u005fid": "c3"}'),
        impressionRecord().replace('}', ', "impression_id": null}'),
        impressionRecord().replace('}', ', "\\u0069mpression_id": ""}'),
      ],
    ],
    ledger: [
      ['impressions', '10:00', 'counted', 3],
      ['impressions', '10:00', 'malformed', 2],
    ],
    tables: { ctr_by_campaign: [ctrRow('c1', '10:00', 2, 0, '0', '0.500000'), ctrRow('c3', '10:00', 1, 0, '0')] },
  }),

  allCounted('the same record in other layouts', [
    {},
    { zzz: '1' },
    { event_timestamp: ` \t\r ${at('10:00:00')} ` },
    { impression_id: '  "i9"' },
  ]),
]
