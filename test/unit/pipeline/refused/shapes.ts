/** Definitions refused for their shape: what is no plain data, unknown or missing keys, what is removed but used. */
import { ads, type RefusedCase } from './refused-case.ts'

class Money {
  readonly amount = 1
}

export const SHAPES: readonly RefusedCase[] = [
  {
    name: 'not an object',
    definition: [],
    problems: [
      {
        path: '',
        code: 'WRONG_TYPE',
        message: 'A definition is an object.',
        given: '[]',
        allowed: ['an object'],
      },
    ],
  },
  {
    name: 'a section that is a list: no name that refers to it is blamed',
    definition: ads({ dimensions: [{ name: 'country' }] }),
    problems: [
      {
        path: 'dimensions',
        code: 'WRONG_TYPE',
        message: 'This must be an object with a key for each name.',
        given: '[{"name":"country"}]',
        allowed: ['an object with a key for each name'],
      },
    ],
  },
  {
    name: 'fields that are a list: no field that is used is blamed',
    definition: ads({ streams: { clicks: { fields: ['click_id'] } } }),
    problems: [
      {
        path: 'streams.clicks.fields',
        code: 'WRONG_TYPE',
        message: 'This must be an object with a key for each name.',
        given: '["click_id"]',
        allowed: ['an object with a key for each name'],
      },
    ],
  },
  {
    name: 'a function in place of data',
    definition: ads({ name: () => 'ads' }),
    problems: [
      {
        path: 'name',
        code: 'NOT_PLAIN_DATA',
        message: 'A definition is plain data, as in JSON, and cannot hold a function.',
        given: '"a function"',
      },
    ],
  },
  {
    name: 'an object of a class',
    definition: ads({ parameters: new Money() }),
    problems: [
      {
        path: 'parameters',
        code: 'NOT_PLAIN_DATA',
        message: 'A definition is plain data, as in JSON, and cannot hold an object of a class (Money).',
        given: '"an object of a class (Money)"',
      },
    ],
  },
  {
    name: 'a key that sets the prototype',
    definition: JSON.parse('{"extends": "ads", "dimensions": {"__proto__": {}}}'),
    problems: [
      {
        path: 'dimensions.__proto__',
        code: 'NOT_PLAIN_DATA',
        message: 'A definition is plain data, as in JSON, and cannot hold the key __proto__.',
        given: '"the key __proto__"',
      },
    ],
  },
  {
    name: 'a getter that throws',
    definition: {
      get extends(): string {
        throw new Error('not today')
      },
    },
    problems: [
      {
        path: '',
        code: 'NOT_PLAIN_DATA',
        message: 'A definition is plain data, as in JSON, and cannot hold a value that fails when read (not today).',
        given: '"a value that fails when read (not today)"',
      },
    ],
  },
  {
    name: 'nested without end',
    definition: JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`),
    problems: [
      {
        path: '[0]'.repeat(12),
        code: 'TOO_DEEP',
        message: 'No definition needs to be nested deeper than 12 levels.',
        given: 'nothing',
      },
    ],
  },
  {
    name: 'as large as a log',
    definition: Array.from({ length: 30_000 }, () => 0),
    problems: [
      {
        path: '',
        code: 'TOO_LARGE',
        message: 'No definition needs to be of more than 20000 values.',
        given: 'nothing',
      },
    ],
  },
  {
    name: 'an unknown base',
    definition: { extends: 'ad' },
    problems: [
      {
        path: 'extends',
        code: 'UNKNOWN_BASE',
        message: 'There is no pipeline of this name to extend.',
        given: '"ad"',
        allowed: ['ads'],
        suggestion: 'ads',
      },
    ],
  },
  {
    name: 'removing what is not there',
    definition: ads({ tables: { ctr_by_campain: null } }),
    problems: [
      {
        path: 'tables.ctr_by_campain',
        code: 'NOTHING_TO_REMOVE',
        message: 'null removes what the base has, and "ctr_by_campain" is not there.',
        given: 'null',
        allowed: ['ctr_by_campaign', 'engagement_by_device', 'performance', 'clicks_by_minute'],
        suggestion: 'ctr_by_campaign',
      },
    ],
  },
  {
    name: 'a dimension removed that a table still has',
    definition: ads({ dimensions: { browser: null } }),
    problems: [
      {
        path: 'tables.performance.dimensions[2]',
        code: 'REMOVED_BUT_USED',
        message:
          'The dimension "browser" is removed (dimensions.browser: null) but still used here: change or remove this too.',
        given: '"browser"',
        allowed: ['campaign_id', 'device_type'],
      },
    ],
  },
  {
    name: 'a field removed that a measure still sums',
    definition: ads({ streams: { impressions: { fields: { cost: null } } } }),
    problems: [
      {
        path: 'measures.spend.sum',
        code: 'REMOVED_BUT_USED',
        message:
          'The impressions field "cost" is removed (streams.impressions.fields.cost: null) but still used here: change or remove this too.',
        given: '"cost"',
        allowed: [],
      },
    ],
  },
  {
    name: 'a key missing',
    definition: ads({ name: null }),
    problems: [
      {
        path: 'name',
        code: 'MISSING_KEY',
        message: 'A definition must have the key "name", or "extends": "ads" to start from the ad pipeline.',
        given: 'nothing',
      },
    ],
  },
  {
    name: 'a key missing further in',
    definition: ads({ streams: { clicks: { impressionIdField: null } } }),
    problems: [
      {
        path: 'streams.clicks.impressionIdField',
        code: 'MISSING_KEY',
        message: 'streams.clicks must have the key "impressionIdField".',
        given: 'nothing',
      },
    ],
  },
  {
    name: 'an unknown key',
    definition: ads({ parameters: { attribution_windw: '30m' } }),
    problems: [
      {
        path: 'parameters.attribution_windw',
        code: 'UNKNOWN_KEY',
        message: 'There is no key "attribution_windw" here.',
        given: '"30m"',
        allowed: [
          'windowSize',
          'attributionWindow',
          'clockSkewTolerance',
          'outOfOrderness',
          'allowedLateness',
          'idleTimeout',
          'maxFutureSkew',
        ],
        suggestion: 'attributionWindow',
      },
    ],
  },
  {
    name: 'an unknown key at the top',
    definition: ads({ extend: 'ads' }),
    problems: [
      {
        path: 'extend',
        code: 'UNKNOWN_KEY',
        message: 'There is no key "extend" here.',
        given: '"ads"',
        allowed: ['extends', 'name', 'streams', 'parameters', 'dimensions', 'measures', 'tables', 'sources', 'ledger'],
        suggestion: 'extends',
      },
    ],
  },
  {
    name: 'a value of another type',
    definition: ads({ dimensions: { browser: { label: 7 } } }),
    problems: [
      {
        path: 'dimensions.browser.label',
        code: 'WRONG_TYPE',
        message: 'This must be a text.',
        given: '7',
        allowed: ['a text'],
      },
    ],
  },
]
