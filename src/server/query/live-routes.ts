/**
 * Views that stay open as routes: `/api/v1/live` has one alone, `/api/v1/live/page` what the pipeline says of itself as
 * well.
 *
 * L1  A page needs one stream: browsers allow six to one server.
 * L2  What stands in the way of a view ends no stream of a page: it is told, and tried again where that may help.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { TidemarkError } from '../../errors.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { formatViewUrl, parseViewUrl } from '../../query/view-url.ts'
import { beginStream, toWire } from '../event-stream.ts'
import type { PageFeed } from '../page-feed.ts'
import { API_HEADERS } from '../protection.ts'
import { refuse, requireReader, routeOptions, searchOf, type ForcedFilters } from './answered-route.ts'
import { errorBody, errorStatus } from './error-answer.ts'
import type { LiveViews } from './live-views.ts'
import type { ViewReader } from './view-reader.ts'

/** How long after a failure a view is tried again, ms. */
const RETRY_MS = 2_000
/** An answer may wait for a slow reader, beside what the pipeline tells every second. */
const PAGE_TELLING = { prefix: 'pipeline-', maxBufferedBytes: 4 * 1_024 * 1_024 } as const

export interface LiveRoute {
  readonly plan: Plan
  readonly forcedFilters: ForcedFilters
  readonly reader: ViewReader | undefined
  readonly live: LiveViews
  readonly feed: PageFeed
}

/** Adds the routes. */
export function addLive(app: FastifyInstance, route: LiveRoute): void {
  app.get('/api/v1/live', routeOptions('live'), async (request, reply) => {
    const prepared = await prepare(route, request).catch((error: unknown) => ({ error }))
    if ('error' in prepared) return refuse(reply, prepared.error)
    // From here on nobody but the stream answers: whatever can fail came before.
    reply.hijack()
    beginStream(request.raw, reply.raw, API_HEADERS)
    const lastId = lastIdOf(request)
    route.live.attach(prepared.key, reply.raw, lastId === undefined ? [] : [lastId])
    return reply
  })
  app.get('/api/v1/live/page', routeOptions('livePage'), (request, reply) => {
    const lastIds = (lastIdOf(request) ?? '').split(',')
    if (route.feed.open(request, reply, lastIds, PAGE_TELLING)) void sendView(route, request, reply.raw, lastIds)
    return reply
  })
}

async function prepare(
  { plan, reader, forcedFilters, live }: LiveRoute,
  request: FastifyRequest,
): Promise<{ readonly key: string }> {
  if (live.isFull)
    throw new TidemarkError('DATABASE_BUSY', 'Too many pages are open.', { retryable: true, fix: 'close one' })
  const query = parseViewUrl(plan, searchOf(request.url), ['after'])
  const forced = forcedFilters(request)
  const key = JSON.stringify([formatViewUrl(plan, query), forced])
  await live.prepare(key, () => requireReader(reader).answer(query, { forced }))
  return { key }
}

/** Sends the view on a stream that has begun, once there is an answer (L2). */
async function sendView(
  route: LiveRoute,
  request: FastifyRequest,
  response: ServerResponse,
  lastIds: readonly string[],
): Promise<void> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve))
  while (!response.destroyed && !response.writableEnded) {
    try {
      const { key } = await prepare(route, request)
      if (!response.destroyed && !response.writableEnded) route.live.attach(key, response, lastIds)
      return
    } catch (error) {
      if (response.destroyed || response.writableEnded) return
      response.write(toWire({ id: '', name: 'failed', text: JSON.stringify(errorBody(error)) }))
      if (errorStatus(error) < 500) return
      await pause(RETRY_MS, closed)
    }
  }
}

async function pause(ms: number, sooner: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))), sooner])
  clearTimeout(timer)
}

function lastIdOf(request: FastifyRequest): string | undefined {
  const header = request.headers['last-event-id']
  if (typeof header === 'string') return header
  return new URLSearchParams(searchOf(request.url)).get('after') ?? undefined
}
