/** Definitions refused for what their tables and sources would be: names that clash, keys that do not fit. */
import { adPipeline } from '../../../../src/pipeline/ad-pipeline.ts'
import { ads, MEASURES, table, type RefusedCase } from './refused-case.ts'

export const TABLES: readonly RefusedCase[] = [
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
        allowed: ['kind', 'into'],
      },
    ],
  },
  {
    name: 'a source of HTTP into topics that nothing reads',
    definition: ads({
      sources: { http: { kind: 'http', into: 'kafke' }, kafka: { kind: 'kafka', brokers: 'a:9092' } },
    }),
    problems: [
      {
        path: 'sources.http.into',
        code: 'UNKNOWN_SOURCE',
        message: 'Events over HTTP go into the topics of a source of kind kafka, by its name.',
        given: '"kafke"',
        allowed: ['kafka'],
        suggestion: 'kafka',
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
