/**
 * `/openapi.json`: what this server takes and answers, from the schemas of its routes.
 */
import fastifySwagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { KEY_SCHEMES } from './ingest/openapi-paths.ts'

const text = { type: 'string' } as const
const anything = { type: 'object', additionalProperties: true } as const
const failed = { description: 'Why not.', type: 'object', properties: { code: text, message: text } } as const
const ready = {
  type: 'object',
  required: ['ready', 'waitingFor'],
  properties: { ready: { type: 'boolean' }, waitingFor: { type: 'array', items: text } },
} as const
const tags = ['page']

type Paths = NonNullable<NonNullable<FastifyDynamicSwaggerOptions['openapi']>['paths']>

/** Schemas of the routes for the page. A parameter given twice arrives as a list, which none of them takes. */
export const ROUTE_SCHEMAS: Readonly<Record<'health' | 'ready' | 'page' | 'live' | 'document', FastifySchema>> = {
  health: { tags, summary: 'Whether the process turns.', response: { 200: { ...anything, description: 'It does.' } } },
  ready: {
    tags,
    summary: 'Whether everything is ready, and what is waited for.',
    response: { 200: { ...ready, description: 'Ready.' }, 503: { ...ready, description: 'Not yet.' } },
  },
  page: {
    tags,
    summary: 'All that the page shows.',
    response: { 200: { ...anything, description: 'The page and its data.' } },
  },
  live: {
    tags,
    summary: 'The same as a stream of events: a snapshot, then what changed, once a second.',
    querystring: { type: 'object', properties: { after: { ...text, maxLength: 64 } } },
    produces: ['text/event-stream'],
    response: { 200: { ...text, description: 'Server-sent events, without end.' }, 400: failed, 503: failed },
  },
  document: {
    tags,
    summary: 'This document.',
    response: { 200: { ...anything, description: 'An OpenAPI document.' } },
  },
}

/**
 * Collects the routes that are added from now on, and serves the document.
 *
 * @param otherPaths paths whose routes are not fastify's
 */
export async function addOpenApi(app: FastifyInstance, otherPaths: Readonly<Record<string, unknown>>): Promise<void> {
  // Schemas of answers describe; they must not decide what is sent.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  await app.register(fastifySwagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tidemark', version: '1', description: 'Sending events, and what the page shows.' },
      servers: [{ url: '/' }],
      components: { securitySchemes: { ...KEY_SCHEMES } },
      paths: { ...otherPaths } as Paths,
    },
  })
  app.get('/openapi.json', { schema: ROUTE_SCHEMAS.document }, () => app.swagger())
}
