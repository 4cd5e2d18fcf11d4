import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { PROBLEM_CODES, type Problem } from '../../../src/pipeline/check/problem.ts'
import { checkDefinition, planOf } from '../../../src/pipeline/validate.ts'

const NAME_FORM = 'a lower-case letter, then lower-case letters, digits or underscores, 63 characters at most'
const TEXT_FORM = '1 to 512 bytes of UTF-8 without U+0000'

interface Case {
  readonly name: string
  readonly definition: unknown
  /** Every problem expected, in any order. */
  readonly problems: readonly Problem[]
}

/** A definition that extends the ad pipeline. */
const ads = (changes: object): unknown => ({ extends: 'ads', ...changes })

const table = (changes: object): unknown =>
  ads({ tables: { mine: { dimensions: [], measures: ['clicks'], ...changes } } })

const DIMENSIONS = ['campaign_id', 'device_type', 'browser']
const MEASURES = ['impressions', 'clicks', 'ctr', 'spend']

class Money {
  readonly amount = 1
}

const CASES: readonly Case[] = [
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
  {
    name: 'a ratio of three',
    definition: ads({ measures: { ctr: { ratio: ['clicks', 'impressions', 'spend'] } } }),
    problems: [
      {
        path: 'measures.ctr.ratio',
        code: 'WRONG_TYPE',
        message: 'A ratio names two measures: the numerator, then the denominator.',
        given: '["clicks","impressions","spend"]',
        allowed: ['a list of two names'],
      },
    ],
  },
  {
    name: 'a type of field that does not exist',
    definition: ads({ streams: { clicks: { fields: { user_id: 'txt' } } } }),
    problems: [
      {
        path: 'streams.clicks.fields.user_id',
        code: 'NOT_ALLOWED',
        message: 'This must be one of id, text, time, money.',
        given: '"txt"',
        allowed: ['id', 'text', 'time', 'money'],
        suggestion: 'text',
      },
    ],
  },
  {
    name: 'a name unfit for a table',
    definition: ads({ tables: { 'CTR-by-hour': { dimensions: [], measures: ['ctr'] } } }),
    problems: [
      {
        path: 'tables["CTR-by-hour"]',
        code: 'BAD_NAME',
        message: `A name is ${NAME_FORM}.`,
        given: '"CTR-by-hour"',
        allowed: [NAME_FORM],
      },
    ],
  },
  {
    name: 'an empty label',
    definition: ads({ dimensions: { browser: { label: ' ' } } }),
    problems: [
      {
        path: 'dimensions.browser.label',
        code: 'BAD_TEXT',
        message: 'A label is 1 to 100 characters without control characters.',
        given: '" "',
        allowed: ['1 to 100 characters without control characters'],
      },
    ],
  },
  {
    name: 'a missing row that no database can hold',
    definition: ads({ dimensions: { browser: { missing: 'a\u0000' } } }),
    problems: [
      {
        path: 'dimensions.browser.missing',
        code: 'BAD_TEXT',
        message: `This text is ${TEXT_FORM}.`,
        given: String.raw`"a\u0000"`,
        allowed: [TEXT_FORM],
      },
    ],
  },
  {
    name: 'a field without a name',
    definition: ads({ streams: { clicks: { fields: { '': 'text' } } } }),
    problems: [
      {
        path: 'streams.clicks.fields[""]',
        code: 'BAD_TEXT',
        message: `The name of a field is ${TEXT_FORM}.`,
        given: '""',
        allowed: [TEXT_FORM],
      },
    ],
  },
  {
    name: 'a topic that Kafka refuses',
    definition: ads({ streams: { clicks: { topic: 'ad clicks' } } }),
    problems: [
      {
        path: 'streams.clicks.topic',
        code: 'BAD_TEXT',
        message: "A topic's name is letters, digits, dots, underscores and hyphens, 249 at most.",
        given: '"ad clicks"',
        allowed: ['letters, digits, dots, underscores and hyphens, 249 at most'],
      },
    ],
  },
  {
    name: 'a duration without a unit',
    definition: ads({ parameters: { outOfOrderness: '5' } }),
    problems: [
      {
        path: 'parameters.outOfOrderness',
        code: 'BAD_DURATION',
        message: 'A duration is a whole number and a unit of ms, s, m, h or d, such as 30m or 250ms, up to 366d.',
        given: '"5"',
        allowed: ['a whole number and a unit of ms, s, m, h or d, such as 30m or 250ms, up to 366d'],
      },
    ],
  },
  {
    name: 'a window that does not divide a day',
    definition: ads({ parameters: { windowSize: '7m' } }),
    problems: [
      {
        path: 'parameters.windowSize',
        code: 'OUT_OF_RANGE',
        message: 'Windows must be 1s or longer and divide a day, so that every day begins with a window.',
        given: '"7m"',
        allowed: ['1s', '10s', '1m', '5m', '15m', '1h', '1d', 'any other divisor of a day from 1s on'],
      },
    ],
  },
  {
    name: 'no attribution at all',
    definition: ads({ parameters: { attributionWindow: '0s', clockSkewTolerance: '0s' } }),
    problems: [
      {
        path: 'parameters.attributionWindow',
        code: 'OUT_OF_RANGE',
        message: 'attributionWindow must be from 1ms to 366d.',
        given: '"0s"',
        allowed: ['1ms to 366d'],
      },
    ],
  },
  {
    name: 'a clock skew beyond the attribution window, by default',
    definition: ads({ parameters: { attributionWindow: '500ms', clockSkewTolerance: null } }),
    problems: [
      {
        path: 'parameters.clockSkewTolerance',
        code: 'OUT_OF_RANGE',
        message: 'clockSkewTolerance must be from 0s to 500ms, the attributionWindow.',
        given: '"1s"',
        allowed: ['0s to 500ms'],
      },
    ],
  },
  {
    name: 'a scale of nothing',
    definition: ads({ measures: { ctr: { scale: 0 } } }),
    problems: [
      {
        path: 'measures.ctr.scale',
        code: 'OUT_OF_RANGE',
        message: 'A scale is a number above 0, up to 1000000000.',
        given: '0',
        allowed: ['above 0, up to 1000000000'],
      },
    ],
  },
  {
    name: 'a role played by a field that is not there',
    definition: ads({ streams: { impressions: { idField: 'impresion_id' } } }),
    problems: [
      {
        path: 'streams.impressions.idField',
        code: 'UNKNOWN_FIELD',
        message: 'There is no impressions field "impresion_id" to use here.',
        given: '"impresion_id"',
        allowed: ['impression_id'],
        suggestion: 'impression_id',
      },
    ],
  },
  {
    name: 'a role played by a field of another type',
    definition: ads({ streams: { clicks: { eventTimeField: 'user_id' } } }),
    problems: [
      {
        path: 'streams.clicks.eventTimeField',
        code: 'WRONG_FIELD_TYPE',
        message: 'This takes a field of the clicks of type time, but "user_id" is of type text.',
        given: '"user_id"',
        allowed: ['event_timestamp'],
      },
    ],
  },
  {
    name: 'a dimension over money',
    definition: ads({ dimensions: { price: { field: 'cost' } } }),
    problems: [
      {
        path: 'dimensions.price.field',
        code: 'WRONG_FIELD_TYPE',
        message: 'This takes a field of the impressions of type text, but "cost" is of type money.',
        given: '"cost"',
        allowed: ['user_id', 'campaign_id', 'ad_id', 'device_type', 'browser'],
      },
    ],
  },
  {
    name: 'a dimension that does not exist',
    definition: table({ dimensions: ['campaign'] }),
    problems: [
      {
        path: 'tables.mine.dimensions[0]',
        code: 'UNKNOWN_DIMENSION',
        message: 'There is no dimension "campaign" to use here.',
        given: '"campaign"',
        allowed: DIMENSIONS,
        suggestion: 'campaign_id',
      },
    ],
  },
  {
    name: 'a measure that does not exist',
    definition: table({ measures: ['clics'] }),
    problems: [
      {
        path: 'tables.mine.measures[0]',
        code: 'UNKNOWN_MEASURE',
        message: 'There is no measure "clics" to use here.',
        given: '"clics"',
        allowed: MEASURES,
        suggestion: 'clicks',
      },
    ],
  },
  {
    name: 'a ratio of a ratio',
    definition: ads({ measures: { rate: { ratio: ['ctr', 'impressions'] } } }),
    problems: [
      {
        path: 'measures.rate.ratio[0]',
        code: 'WRONG_MEASURE',
        message: 'A ratio is taken of counts and sums, and "ctr" is a ratio itself.',
        given: '"ctr"',
        allowed: ['impressions', 'clicks', 'spend'],
      },
    ],
  },
  {
    name: 'a ratio of what does not exist',
    definition: ads({ measures: { cpc: { ratio: ['spent', 'clicks'] } } }),
    problems: [
      {
        path: 'measures.cpc.ratio[0]',
        code: 'UNKNOWN_MEASURE',
        message: 'There is no measure "spent" to use here.',
        given: '"spent"',
        allowed: ['impressions', 'clicks', 'spend'],
        suggestion: 'spend',
      },
    ],
  },
  {
    name: 'a measure of two kinds',
    definition: ads({ measures: { both: { count: 'clicks', sum: 'cost' } } }),
    problems: [
      {
        path: 'measures.both',
        code: 'WRONG_MEASURE',
        message: 'A measure has one of the keys count, sum and ratio, and "both" has count and sum.',
        given: '{"count":"clicks","sum":"cost"}',
        allowed: ['count', 'sum', 'ratio'],
      },
    ],
  },
  {
    name: 'a scaled sum',
    definition: ads({ measures: { spend: { scale: 2 } } }),
    problems: [
      {
        path: 'measures.spend.scale',
        code: 'WRONG_MEASURE',
        message: 'Only a ratio has a scale.',
        given: '2',
      },
    ],
  },
  {
    name: 'impressions at the minute of the click',
    definition: table({ measures: ['impressions', 'clicks'], minuteOf: 'click' }),
    problems: [
      {
        path: 'tables.mine.measures[0]',
        code: 'WRONG_MEASURE',
        message: 'A table by the minute of the click holds counts of clicks only, and "impressions" is none.',
        given: '"impressions"',
        allowed: ['clicks'],
      },
    ],
  },
  {
    name: 'a dimension twice in a table',
    definition: table({ dimensions: ['browser', 'browser'] }),
    problems: [
      {
        path: 'tables.mine.dimensions[1]',
        code: 'REPEATED',
        message: 'The dimension "browser" is in this table already.',
        given: '"browser"',
      },
    ],
  },
  {
    name: 'one field under two dimensions',
    definition: ads({ dimensions: { device: { field: 'device_type' } } }),
    problems: [
      {
        path: 'dimensions.device.field',
        code: 'REPEATED',
        message: 'The dimension "device_type" reads the field "device_type" already.',
        given: '"device_type"',
      },
    ],
  },
  {
    name: 'one topic for both streams',
    definition: ads({ streams: { clicks: { topic: 'ad-impressions' } } }),
    problems: [
      {
        path: 'streams.clicks.topic',
        code: 'REPEATED',
        message: 'Both streams have this topic: each must have its own.',
        given: '"ad-impressions"',
      },
    ],
  },
  {
    name: "the click's own id as the impression's",
    definition: ads({ streams: { clicks: { impressionIdField: 'click_id' } } }),
    problems: [
      {
        path: 'streams.clicks.impressionIdField',
        code: 'REPEATED',
        message: 'This is the field of the click itself: the impression clicked on must be named by another.',
        given: '"click_id"',
      },
    ],
  },
  {
    name: 'a measure named like a dimension',
    definition: ads({ measures: { browser: { count: 'clicks' } } }),
    problems: [
      {
        path: 'measures.browser',
        code: 'NAME_TAKEN',
        message: 'The name "browser" belongs to a dimension: a table would have two columns of that name.',
        given: '"browser"',
      },
    ],
  },
  {
    name: "a dimension named like a table's own column",
    definition: ads({ dimensions: { is_final: {} } }),
    problems: [
      {
        path: 'dimensions.is_final',
        code: 'NAME_TAKEN',
        message: 'Every table has a column "is_final" of its own.',
        given: '"is_final"',
      },
    ],
  },
  {
    name: "a measure named like one of PostgreSQL's columns",
    definition: ads({ measures: { ctid: { count: 'clicks' } } }),
    problems: [
      {
        path: 'measures.ctid',
        code: 'NAME_TAKEN',
        message: 'PostgreSQL has a column "ctid" of its own in every table.',
        given: '"ctid"',
      },
    ],
  },
  {
    name: 'a table of a reserved name',
    definition: ads({ tables: { tidemark_epoch: { dimensions: [], measures: ['clicks'] } } }),
    problems: [
      {
        path: 'tables.tidemark_epoch',
        code: 'NAME_TAKEN',
        message: 'Names that begin with "tidemark_" are kept for tables that are not the pipeline\'s.',
        given: '"tidemark_epoch"',
      },
    ],
  },
  {
    name: 'a ledger named like a table',
    definition: ads({ ledger: 'performance' }),
    problems: [
      {
        path: 'tables.performance',
        code: 'NAME_TAKEN',
        message: 'The table of the ledger is called "performance" already: rename this one, or the ledger.',
        given: '"performance"',
      },
    ],
  },
  {
    name: "a table named like another's primary key",
    definition: ads({ tables: { performance_pkey: { dimensions: [], measures: ['clicks'] } } }),
    problems: [
      {
        path: 'tables.performance_pkey',
        code: 'NAME_TAKEN',
        message: 'PostgreSQL gives the name "performance_pkey" to the primary key of the table "performance".',
        given: '"performance_pkey"',
      },
    ],
  },
  {
    name: "a table named like the ledger's primary key, the ledger being the default one",
    definition: ads({ ledger: null, tables: { ledger_pkey: { dimensions: [], measures: ['clicks'] } } }),
    problems: [
      {
        path: 'tables.ledger_pkey',
        code: 'NAME_TAKEN',
        message: 'PostgreSQL gives the name "ledger_pkey" to the primary key of the table "ledger".',
        given: '"ledger_pkey"',
      },
    ],
  },
  {
    name: 'more dimensions than fit',
    definition: ads({ dimensions: Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`d${i}`, {}])) }),
    problems: [
      {
        path: 'dimensions',
        code: 'TOO_MANY',
        message: 'A pipeline has 16 dimensions at most.',
        given: '17',
        allowed: ['up to 16'],
      },
    ],
  },
  {
    name: 'more dimensions in a table than its primary key always has room for',
    definition: ads({
      dimensions: { a: {}, b: {}, c: {} },
      tables: { mine: { dimensions: ['campaign_id', 'device_type', 'browser', 'a', 'b', 'c'], measures: ['clicks'] } },
    }),
    problems: [
      {
        path: 'tables.mine.dimensions',
        code: 'TOO_MANY',
        message: 'A table is split by 5 dimensions at most: more would not always fit its primary key.',
        given: '6',
        allowed: ['up to 5'],
      },
    ],
  },
  {
    name: 'a table without measures',
    definition: table({ measures: [] }),
    problems: [
      {
        path: 'tables.mine.measures',
        code: 'EMPTY',
        message: 'A table has at least one measure.',
        given: '[]',
        allowed: MEASURES,
      },
    ],
  },
  {
    name: 'a source of HTTP with a path',
    definition: ads({ sources: { http: { kind: 'http', path: 'x' } } }),
    problems: [
      {
        path: 'sources.http.path',
        code: 'WRONG_SOURCE',
        message: `A source of kind http takes both streams at the server's own address: it has no "path".`,
        given: '"x"',
        allowed: ['kind'],
      },
    ],
  },
  {
    name: 'a pipeline without tables',
    definition: { ...adPipeline, tables: {} },
    problems: [
      {
        path: 'tables',
        code: 'EMPTY',
        message: 'A pipeline keeps at least one table.',
        given: '{}',
      },
    ],
  },
]

for (const { name, definition, problems } of CASES) {
  test(`refuses ${name}`, () => {
    const checked = checkDefinition(definition)
    assert.deepEqual(checked, { ok: false, problems })
  })
}

test('every code has a case', () => {
  const seen = new Set(CASES.flatMap((one) => one.problems.map((problem) => problem.code)))
  assert.deepEqual(
    PROBLEM_CODES.filter((code) => !seen.has(code)),
    [],
  )
})

test('reports everything at once, whatever else is broken', () => {
  const checked = checkDefinition({
    extends: 'adz',
    nmae: 'x',
    streams: { clicks: { topic: 5, idField: 'clik_id' } },
    parameters: { windowSize: '7m', idleTimeout: 'soon' },
    dimensions: { browser: null, contry: 'x' },
    measures: { ctr: { ratio: ['clicks', 'views'] } },
    tables: { mine: { dimensions: ['country', 7], measures: 'clicks' } },
  })
  assert.equal(checked.ok, false)
  const found = checked.ok ? [] : checked.problems.map(({ path, code }) => `${path} ${code}`).toSorted()
  assert.deepEqual(found, [
    'dimensions.contry WRONG_TYPE',
    'extends UNKNOWN_BASE',
    'measures.ctr.ratio[1] UNKNOWN_MEASURE',
    'nmae UNKNOWN_KEY',
    'parameters.idleTimeout BAD_DURATION',
    'parameters.windowSize OUT_OF_RANGE',
    'streams.clicks.idField UNKNOWN_FIELD',
    'streams.clicks.topic WRONG_TYPE',
    'tables.mine.dimensions[0] UNKNOWN_DIMENSION',
    'tables.mine.dimensions[1] WRONG_TYPE',
    'tables.mine.measures WRONG_TYPE',
    'tables.performance.dimensions[2] REMOVED_BUT_USED',
  ])
})

test('accepts what is at the edge of a range', () => {
  const definition = ads({
    parameters: { windowSize: '1d', attributionWindow: '1ms', clockSkewTolerance: '1ms', outOfOrderness: '0s' },
    dimensions: { [`d${'x'.repeat(62)}`]: { label: '你'.repeat(100), missing: 'x'.repeat(512) } },
    tables: { total: { dimensions: [], measures: ['ctr'] } },
  })
  const checked = checkDefinition(definition)
  assert.deepEqual(checked.ok ? [] : checked.problems, [])
})

test('refuses the same just past the edge', () => {
  const definition = ads({
    parameters: { windowSize: '2d', clockSkewTolerance: '1800001ms', outOfOrderness: '367d' },
    dimensions: { [`d${'x'.repeat(63)}`]: { label: '你'.repeat(101), missing: 'x'.repeat(513) } },
  })
  const checked = checkDefinition(definition)
  assert.equal(checked.ok ? 0 : checked.problems.length, 6)
})

test('planOf throws one error that holds every problem, as text and as data', () => {
  assert.throws(
    () => planOf(table({ dimensions: ['contry'], measures: [] }), 'mine.json'),
    (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error && 'problems' in error)
      assert.equal(error.code, 'DEFINITION_INVALID')
      assert.ok(Array.isArray(error.problems) && error.problems.length === 2)
      assert.equal(
        error.message,
        [
          'mine.json has 2 problems.',
          '',
          'tables.mine.dimensions[0]  UNKNOWN_DIMENSION',
          '  There is no dimension "contry" to use here.',
          '  given:   "contry"',
          '  allowed: campaign_id, device_type, browser',
          '',
          'tables.mine.measures  EMPTY',
          '  A table has at least one measure.',
          '  given:   []',
          '  allowed: impressions, clicks, ctr, spend',
          '',
        ].join('\n'),
      )
      return true
    },
  )
})
