/** Definitions refused for a reference: to a field, a dimension or a measure that cannot be used there. */
import { ads, DIMENSIONS, MEASURES, table, type RefusedCase } from './refused-case.ts'

export const REFERENCES: readonly RefusedCase[] = [
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
]
