/**
 * The ingest's part of `/openapi.json`: its routes are not fastify's, so what they take and answer is written down
 * here, from the plan, the limits and the refusals themselves.
 */
import { MALFORMED_REASONS } from '../../engine/event-batch.ts'
import type { FieldPlan, Plan, StreamName } from '../../pipeline/plan.ts'
import type { IngestLimits } from './limits.ts'
import { REFUSAL_STATUS, type RefusalCode } from './refusal.ts'

type Json = Readonly<Record<string, unknown>>

const RETRY_AFTER = { 'retry-after': { schema: { type: 'integer' }, description: 'Seconds to wait.' } }
/** What only requests with a body meet. */
const BODY_ONLY: readonly RefusalCode[] = [
  'bad_encoding',
  'body_too_large',
  'inflated_too_large',
  'too_many_events',
  'event_too_large',
  'media_type',
  'content_encoding',
  'broken_array',
]

/** Paths of the ingest. */
export function ingestPaths(plan: Plan, limits: IngestLimits): Json {
  return {
    '/v1/impressions': { post: postOf(plan, 'impressions', limits) },
    '/v1/clicks': { post: postOf(plan, 'clicks', limits) },
    '/v1/pixel.gif': { get: pixelOf(plan) },
    '/v1/click': { get: clickOf(plan) },
  }
}

/** Ways to send a key. */
export const KEY_SCHEMES: Readonly<Record<string, { type: 'http'; scheme: 'bearer' } | ApiKeyScheme>> = {
  bearer: { type: 'http', scheme: 'bearer' },
  header: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  query: { type: 'apiKey', in: 'query', name: 'key' },
}

interface ApiKeyScheme {
  readonly type: 'apiKey'
  readonly in: 'header' | 'query'
  readonly name: string
}

function postOf(plan: Plan, stream: StreamName, limits: IngestLimits): Json {
  const event = eventSchema(plan, stream)
  const lines = { schema: { type: 'string', description: 'One event a line.' } }
  const limit = `At most ${limits.maxBodyBytes} bytes and ${limits.maxEventsPerRequest} events.`
  return {
    operationId: `send_${stream}`,
    tags: ['ingest'],
    summary: `Sends ${stream}; they are on disk once it is answered with 200.`,
    description: `${limit} Content-Encoding may be gzip or zstd. A request is taken whole or not at all.`,
    security: [{}, { bearer: [] }, { header: [] }],
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { oneOf: [event, { type: 'array', items: event }] } },
        'application/x-ndjson': lines,
        'text/plain': lines,
      },
    },
    responses: { '200': counts(plan, stream), ...refusals(() => true) },
  }
}

function pixelOf(plan: Plan): Json {
  return {
    operationId: 'pixel',
    tags: ['ingest'],
    summary: 'One impression, as an image of one pixel.',
    security: [{}, { query: [] }],
    parameters: parametersOf(plan, 'impressions'),
    responses: {
      '200': { description: 'The event is on disk.', content: { 'image/gif': { schema: { type: 'string' } } } },
      ...refusals((code) => !BODY_ONLY.includes(code) && code !== 'target_not_allowed'),
    },
  }
}

function clickOf(plan: Plan): Json {
  const text = { type: 'string' }
  const own = [
    { name: 'to', in: 'query', schema: text, description: 'Where to go on to; its host is listed, or it is signed.' },
    { name: 'sig', in: 'query', schema: text, description: 'HMAC-SHA256 of the target, hexadecimal.' },
  ]
  return {
    operationId: 'click',
    tags: ['ingest'],
    summary: 'One click, sent on to its target.',
    security: [{}, { query: [] }],
    parameters: [...own, ...parametersOf(plan, 'clicks')],
    responses: {
      '302': { description: 'The click is on disk; on to the target.', headers: { location: { schema: text } } },
      '204': { description: 'The click is on disk; no target was given.' },
      ...refusals((code) => !BODY_ONLY.includes(code)),
    },
  }
}

function eventSchema(plan: Plan, stream: StreamName): Json {
  const { fields } = plan.streams[stream]
  return {
    type: 'object',
    required: fields.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(fields.map((field) => [field.name, fieldSchema(field)])),
    additionalProperties: true,
  }
}

function fieldSchema({ type, required }: FieldPlan): Json {
  const text = { type: ['string', 'number'], maxLength: 512 }
  const known = {
    id: text,
    text,
    time: { type: ['integer', 'string'], description: 'ms since 1970, or ISO 8601 with a zone' },
    money: { type: 'number', minimum: 0 },
  }[type]
  return required ? known : { anyOf: [known, { type: 'null' }] }
}

function parametersOf(plan: Plan, stream: StreamName): readonly Json[] {
  const { fields, eventTimeField, idField } = plan.streams[stream]
  return fields.map(({ name, required }) => {
    const isMadeUp = name === eventTimeField || (name === idField && stream === 'clicks')
    return { name, in: 'query', required: required && !isMadeUp, schema: { type: 'string' } }
  })
}

function counts(plan: Plan, stream: StreamName): Json {
  const rejected = {
    type: 'object',
    required: ['index', 'reason'],
    properties: {
      index: { type: 'integer', minimum: 0 },
      reason: { enum: MALFORMED_REASONS.slice(1) },
      field: { enum: plan.streams[stream].fields.map(({ name }) => name) },
    },
  }
  const schema = {
    type: 'object',
    required: ['accepted', 'rejected'],
    properties: { accepted: { type: 'integer', minimum: 0 }, rejected: { type: 'array', items: rejected } },
  }
  return { description: 'Everything the request held is on disk.', content: { 'application/json': { schema } } }
}

/** One answer for each status, with the codes that have it. */
function refusals(isMet: (code: RefusalCode) => boolean): Json {
  const codes = (Object.keys(REFUSAL_STATUS) as RefusalCode[]).filter(isMet)
  const statuses = [...new Set(codes.map((code) => REFUSAL_STATUS[code]))]
  const answers = statuses.map((status): [string, Json] => {
    const own = codes.filter((code) => REFUSAL_STATUS[code] === status)
    const properties = { code: { enum: own }, message: { type: 'string' } }
    const schema = { type: 'object', required: ['code', 'message'], properties }
    const headers = status === 429 || status === 503 ? { headers: RETRY_AFTER } : {}
    const description = `Nothing was taken: ${own.join(', ')}.`
    return [String(status), { description, ...headers, content: { 'application/json': { schema } } }]
  })
  return Object.fromEntries(answers)
}
