/** Definitions refused for a value: of a wrong type, out of its range, unfit as a name. */
import { ads, NAME_FORM, TEXT_FORM, type RefusedCase } from './refused-case.ts'

export const VALUES: readonly RefusedCase[] = [
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
]
