/**
 * The routes of views for `/openapi.json`. What they take is checked by `check-view.ts` and `view-url.ts`, which know
 * the plan: these schemas describe and let everything pass.
 */
import type { FastifySchema } from 'fastify'
import { STREAM_NAMES } from '../../pipeline/plan.ts'
import { SAMPLED_CLASSES } from '../../query/sample-answer.ts'
import { GRAINS } from '../../query/view-query.ts'

const text = { type: 'string' } as const
const whole = { type: 'integer' } as const
const anything = { type: 'object', additionalProperties: true } as const
const tags = ['views']

const error = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: text,
    message: text,
    where: text,
    given: {},
    allowed: { type: 'array', items: text },
    fix: text,
  },
} as const

const refusals = {
  400: { ...error, description: 'What cannot be asked, or what no table has: where, what was given, what is allowed.' },
  403: { ...error, description: 'What this asker may not see.' },
  503: { ...error, description: 'PostgreSQL does not answer; what is waited for.' },
  504: { ...error, description: 'The answer takes too long.' },
}

const amounts = {
  type: 'object',
  required: ['impressions', 'clicks', 'sums'],
  properties: {
    impressions: whole,
    clicks: whole,
    sums: { type: 'object', additionalProperties: { ...text, description: 'An exact decimal.' } },
  },
} as const
const maybeAmounts = { anyOf: [amounts, { type: 'null' }] } as const
const span = { type: 'object', properties: { startMs: whole, endMs: whole } } as const
const list = (items: object): object => ({ type: 'array', items })

const viewAnswer = {
  type: 'object',
  description: 'All of it of one snapshot of the tables.',
  required: ['asOf', 'range', 'comparison', 'grain', 'buckets', 'totals', 'series', 'ranks'],
  properties: {
    asOf: {
      type: 'object',
      properties: {
        epoch: { type: ['integer', 'null'] },
        watermarkMs: { type: ['integer', 'null'] },
        finalUpToMs: { type: ['integer', 'null'], description: 'Windows that end here or earlier never change again.' },
        provisionalShare: { type: 'number' },
        answeredAtMs: whole,
      },
    },
    range: span,
    comparison: { anyOf: [span, { type: 'null' }] },
    grain: { ...text, enum: [...GRAINS] },
    buckets: list(whole),
    totals: {
      anyOf: [
        {
          type: 'object',
          properties: {
            value: amounts,
            compared: maybeAmounts,
            sparkline: list(maybeAmounts),
            comparedSparkline: { anyOf: [list(maybeAmounts), { type: 'null' }] },
          },
        },
        { type: 'null' },
      ],
    },
    series: list({
      type: 'object',
      properties: {
        members: list({ type: ['string', 'null'] }),
        rows: list(list(maybeAmounts)),
        comparedRows: { anyOf: [list(list(maybeAmounts)), { type: 'null' }] },
        isFinal: list({ type: 'boolean' }),
      },
    }),
    ranks: list({
      type: 'object',
      properties: {
        members: list({
          type: 'object',
          properties: {
            name: text,
            value: amounts,
            compared: maybeAmounts,
            complete: amounts,
            isFinal: { type: 'boolean' },
          },
        }),
        memberCount: whole,
        rest: maybeAmounts,
        whole: amounts,
      },
    }),
    sql: list({ type: 'object', properties: { part: text, text } }),
  },
} as const

const key = (description: string): object => ({ ...text, description })

const scopeKeys = {
  range: key('A duration up to the newest window: 15m, 24h, 7d.'),
  from: key('With `to`: a fixed time, ISO 8601 or milliseconds.'),
  to: key('The end, not included.'),
  tz: key('An IANA time zone; UTC unless given. Days and weeks begin by its clock.'),
  grain: key(`${GRAINS.join(', ')} or auto.`),
}

const viewKeys = {
  type: 'object',
  // Filters are `f.DIMENSION` and `f.DIMENSION!`: members with commas between them, those that count or do not.
  additionalProperties: true,
  properties: {
    ...scopeKeys,
    axis: key('impression or click: the minute a counted click is put under.'),
    vs: key('previous, day, week, none, or the time at which the compared time begins.'),
    measure: key('What chart and leaderboards are in order of, where no part is asked for.'),
    split: key('The dimension that the chart is split by, where no part is asked for.'),
    totals: key('1 for totals.'),
    series: key(
      'DIMENSION;top=5;by=MEASURE;of=value|change|share;dir=desc|asc;members=a,b;axis=click. May be repeated.',
    ),
    rank: key('DIMENSION;by=MEASURE;of=…;dir=…;limit=10;offset=0;search=…;own=0. May be repeated.'),
    sql: key('1 for what psql would run.'),
  },
} as const

type Name =
  | 'view'
  | 'postedView'
  | 'plan'
  | 'ledger'
  | 'deadLetters'
  | 'freshness'
  | 'interruptions'
  | 'clickLag'
  | 'drill'
  | 'samples'
  | 'live'
  | 'livePage'

/** Schemas by route. */
export const VIEW_SCHEMAS: Readonly<Record<Name, FastifySchema>> = {
  view: {
    tags,
    summary: 'One screen of numbers, from one snapshot. Filters: f.DIMENSION=a,b and f.DIMENSION!=c.',
    querystring: viewKeys,
    response: { 200: viewAnswer, ...refusals },
  },
  postedView: {
    tags,
    summary: 'The same, the question as JSON.',
    body: {
      ...anything,
      description: 'range, axis, zone, grain, filters, comparison, totals, series, ranks; all of them may be left out.',
    },
    response: { 200: viewAnswer, ...refusals },
  },
  plan: {
    tags,
    summary: 'Dimensions, measures, grains, and which dimensions can be asked for together.',
    response: { 200: { ...anything, description: 'What views there are.' }, 503: refusals[503] },
  },
  ledger: {
    tags,
    summary: 'How many events of each stream ended in which class, over time.',
    querystring: { type: 'object', properties: scopeKeys },
    response: { 200: { ...anything, description: 'By stream, class and bucket.' }, ...refusals },
  },
  deadLetters: {
    tags,
    summary: 'Records that are no events, the newest first.',
    querystring: {
      type: 'object',
      properties: { stream: text, reason: text, limit: text, before: text },
    },
    response: { 200: { ...anything, description: 'With place, reason and the beginning of each.' }, ...refusals },
  },
  freshness: {
    tags,
    summary: 'How far every source partition is, and which one holds the results back.',
    response: { 200: { ...anything, description: 'How fresh the numbers are.' }, 503: refusals[503] },
  },
  interruptions: {
    tags,
    summary: 'When no results came: restarts, and outages of PostgreSQL, those of earlier runs too.',
    response: {
      200: { ...anything, description: 'The newest thousand, the oldest of them first.' },
      503: refusals[503],
    },
  },
  clickLag: {
    tags,
    summary: 'How long clicks take, and what the attribution window loses. Filters as in a view.',
    querystring: {
      type: 'object',
      additionalProperties: true,
      properties: { range: key('A duration up to the last minute whose clicks can all have come; up to 24h.') },
    },
    response: { 200: { ...anything, description: 'A histogram of click time − impression time.' }, ...refusals },
  },
  drill: {
    tags,
    summary: 'The raw events behind a cell: counted impressions with their clicks. Filters as in a view.',
    querystring: {
      type: 'object',
      additionalProperties: true,
      properties: {
        window: key('The start of a window; or `from` and `to`.'),
        from: text,
        to: text,
        limit: key('Up to 100000; 50 unless given.'),
        offset: text,
        format: { ...text, enum: ['json', 'ndjson', 'csv'] },
      },
    },
    produces: ['application/json', 'application/x-ndjson', 'text/csv'],
    response: { 200: { ...anything, description: 'Impressions and their clicks, by time.' }, ...refusals },
  },
  samples: {
    tags,
    summary:
      'Sample events of a class that is not counted, each with its reason, from the newest part of the journal and from topics.',
    querystring: {
      type: 'object',
      required: ['class'],
      properties: {
        class: { ...text, enum: [...SAMPLED_CLASSES] },
        stream: { ...text, enum: STREAM_NAMES },
        limit: key('Of each stream, up to 100; 10 unless given.'),
        format: { ...text, enum: ['json', 'ndjson', 'csv'] },
      },
    },
    produces: ['application/json', 'application/x-ndjson', 'text/csv'],
    response: {
      200: { ...anything, description: 'The newest first, what part of the journal was looked at, and from when on.' },
      ...refusals,
    },
  },
  live: {
    tags,
    summary: 'A view that stays open: an event `answer`, then `patch` with each epoch that changes it.',
    querystring: {
      ...viewKeys,
      properties: { ...viewKeys.properties, after: key('Id of the last event.') },
    },
    produces: ['text/event-stream'],
    response: { 200: { ...text, description: 'Server-sent events, without end.' }, ...refusals },
  },
  livePage: {
    tags,
    summary: 'One stream for an open page: its view as `/api/v1/live` has it, and what `/api/live` tells.',
    description:
      'Events of the view are called `answer`, `patch` and `failed`, those of the pipeline `pipeline-snapshot` and ' +
      '`pipeline-patch`. `Last-Event-ID` takes the last id of each, with a comma between them. The stream begins at once: ' +
      'what stands in the way of the view comes as `failed`.',
    querystring: {
      ...viewKeys,
      properties: { ...viewKeys.properties, after: key('Ids of the last events, with a comma between them.') },
    },
    produces: ['text/event-stream'],
    response: { 200: { ...text, description: 'Server-sent events, without end.' }, 503: refusals[503] },
  },
}
