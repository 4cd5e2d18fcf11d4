/**
 * What all routes of the query API have in common: how a question is taken from a request, and how it is refused.
 */
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { TidemarkError } from '../../errors.ts'
import type { ViewFilter } from '../../query/view-query.ts'
import { errorBody, errorStatus } from './error-answer.ts'
import type { ViewReader } from './view-reader.ts'
import { VIEW_SCHEMAS } from './view-schemas.ts'

/** Filters that hold for whoever sent a request, beside what is asked for: what they may see. */
export type ForcedFilters = (request: FastifyRequest) => readonly ViewFilter[]

/** Sends what `work` answers, or why there is no answer. */
export function answered(
  work: (request: FastifyRequest) => Promise<unknown>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    try {
      return await work(request)
    } catch (error) {
      return refuse(reply, error)
    }
  }
}

/** The options of a route. The schemas describe; what may be asked depends on the plan. */
export function routeOptions(name: keyof typeof VIEW_SCHEMAS): RouteShorthandOptions {
  return { schema: VIEW_SCHEMAS[name], validatorCompiler: () => () => true }
}

/** Says why there is no answer. */
export function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  const status = errorStatus(error)
  if (status === 503) void reply.header('retry-after', '2')
  return reply.code(status).send(errorBody(error))
}

/** What stands behind the question mark. Fastify's own parsing would take `+`, lists and encodings its own way. */
export function searchOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/**
 * The reader of the tables.
 *
 * @throws TidemarkError DATABASE_UNAVAILABLE where there is none
 */
export function requireReader(reader: ViewReader | undefined): ViewReader {
  if (reader !== undefined) return reader
  throw new TidemarkError(
    'DATABASE_UNAVAILABLE',
    'Views are answered by a PostgreSQL server, and there is none here.',
    {
      retryable: false,
      fix: 'start it with --database-url, or install PostgreSQL',
    },
  )
}

/**
 * Refuses what has no dimensions to filter by to whoever may see a part only.
 *
 * @throws TidemarkError VIEW_FORBIDDEN
 */
export function refuseRestricted(forced: readonly ViewFilter[], what: string): void {
  if (forced.length === 0) return
  throw new TidemarkError(
    'VIEW_FORBIDDEN',
    `You may see a part of the events only, and ${what} cannot be told apart.`,
    {
      fix: 'ask an administrator',
    },
  )
}
