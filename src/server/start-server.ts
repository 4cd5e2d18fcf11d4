/**
 * The page's server: the built page, its data, and the live stream.
 *
 * H1  Bound to 127.0.0.1 unless told otherwise.
 * H2  Nothing a page of another origin sends changes anything: every route here only reads, and logging in and out and the
 *     ingest, which has paths of its own on the same port, ask where a browser's request comes from.
 * H3  Whoever is limited to some members is told nothing of others, in the live feed neither (V1 of `access/viewer.ts`).
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import { fastify, type FastifyInstance } from 'fastify'
import type { PipelineStatus } from '../runtime/status.ts'
import { answerClientError } from './client-error.ts'
import type { Access } from './access/access.ts'
import { limitedPatch, limitedSnapshot } from './access/limited-feed.ts'
import { addAccess } from './access/login-routes.ts'
import { StreamGuard } from './access/stream-guard.ts'
import { isLimited } from './access/viewer.ts'
import { EventStreams } from './event-stream.ts'
import { createHttpServer } from './http-server.ts'
import type { HttpIngest } from './ingest/http-ingest.ts'
import { DEFAULT_INGEST_LIMITS } from './ingest/limits.ts'
import { listenOnFreePort, pagePlace } from './listen.ts'
import { LiveFeed, type FeedEvent } from './live-feed.ts'
import type { LiveView } from './live-view.ts'
import { addOpenApi, ROUTE_SCHEMAS } from './openapi.ts'
import { API_HEADERS, contentSecurityPolicy, isAllowedHost, SECURITY_HEADERS } from './protection.ts'
import { addViewRoutes, type ViewsOptions } from './query/view-routes.ts'
import { awaited } from './readiness.ts'
import { Ticker } from './ticker.ts'

export interface ServerOptions {
  readonly liveView: LiveView
  /** What the pipeline says of itself; null before it runs. */
  readonly status: () => PipelineStatus | null
  /** Takes events sent to this server; left out where there is nothing to take them. */
  readonly ingest?: HttpIngest
  /** Answers questions from the tables; left out where there is no PostgreSQL. */
  readonly views?: ViewsOptions
  /** Who may look; left out, everybody may see everything. */
  readonly access?: Access
  /** What a proxy on this machine calls this server. */
  readonly publicUrl?: URL
  /** Origins whose pages may frame this one. */
  readonly frameAncestors?: readonly string[]
  /** Address to bind to; 127.0.0.1 by default. */
  readonly host?: string
  /** 0 picks a free one; left out, it is 4400 or the next free one. */
  readonly port?: number
  /** Folder of the built page. */
  readonly assetsDir?: string
  /** Longest time between two patches, ms. */
  readonly patchIntervalMs?: number
  readonly maxConnections?: number
  readonly maxBufferedBytes?: number
}

export interface RunningServer {
  /** Such as `http://localhost:4400`. */
  readonly url: string
  readonly port: number
  /** Sends the next patch now instead of at the next second. */
  flush(): void
  /** Says that there is news: it is sent at once, or half a second after the patch before. */
  hasNews(): void
  /** Ends all streams and stops listening. */
  close(): Promise<void>
}

interface Parts {
  readonly feed: LiveFeed
  readonly streams: EventStreams
  /** Those of viewers who are limited (H3). */
  readonly limitedStreams: EventStreams
  readonly status: () => PipelineStatus | null
}

/** How long requests that are being taken may go on once the server closes, ms. */
const INGEST_DRAIN_MS = 3_000

/** Where `vite build dashboard` puts the page. */
const BUILT_PAGE = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))

/**
 * Serves the page.
 *
 * @throws TidemarkError `PORT_UNAVAILABLE`; `KEY_REQUIRED` where others than this machine could send events without a key
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const {
    liveView,
    status,
    ingest,
    host = '127.0.0.1',
    port,
    assetsDir = BUILT_PAGE,
    patchIntervalMs = 1_000,
  } = options
  const { maxConnections = 64, maxBufferedBytes = 512 * 1_024 } = options
  const feed = new LiveFeed({
    view: liveView,
    status,
    nowMs: () => Date.now(),
    instance: randomBytes(6).toString('hex'),
  })
  const { access, publicUrl, frameAncestors = [] } = options
  const streams = new EventStreams({ maxConnections, maxBufferedBytes })
  const limitedStreams = new EventStreams({ maxConnections, maxBufferedBytes })
  const guard = new StreamGuard(access)
  ingest?.expose(publicUrl?.hostname ?? host)
  const limits = ingest?.limits ?? DEFAULT_INGEST_LIMITS
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: 1_024,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, limits),
    serverFactory: (handler) => createHttpServer(handler, ingest, limits, host, publicUrl?.host),
  })
  protect(app, { host, publicHost: publicUrl?.host, frameAncestors })
  addAccess(app, access, guard)
  await addOpenApi(app, ingest?.describe() ?? {})
  addApi(app, { feed, streams, limitedStreams, status })
  const endViews = addViewRoutes(app, viewRoutes(options))
  await addPage(app, assetsDir)
  // Node's own 511 would reset connections when many clients come back at once.
  const backlog = limits.maxConnections
  await listenOnFreePort((candidate) => app.listen({ host, port: candidate, backlog }), pagePlace(host, port))

  const ticker = new Ticker(() => {
    const event = feed.tick()
    guard.check()
    streams.broadcast(event)
    if (limitedStreams.count > 0)
      limitedStreams.broadcast({ ...event, text: JSON.stringify(limitedPatch(feed.message())) })
  }, patchIntervalMs)
  const boundPort = portOf(app)
  return {
    url: `http://${urlHost(host)}:${boundPort}`,
    port: boundPort,
    flush: () => ticker.now(),
    hasNews: () => ticker.soon(),
    close: async () => {
      ticker.end()
      await ingest?.drain(INGEST_DRAIN_MS)
      streams.close()
      await endViews()
      limitedStreams.close()
      await app.close()
    },
  }
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function urlHost(host: string): string {
  if (host === '127.0.0.1' || host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

interface Protection {
  readonly host: string
  readonly publicHost: string | undefined
  readonly frameAncestors: readonly string[]
}

function protect(app: FastifyInstance, { host, publicHost, frameAncestors }: Protection): void {
  const policy = contentSecurityPolicy(frameAncestors)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(request.url.startsWith('/assets/') ? SECURITY_HEADERS : API_HEADERS)
    reply.header('content-security-policy', policy)
    if (isAllowedHost(request.headers.host, host, publicHost)) return
    await reply.code(421).send({ error: 'This server answers to names of this machine only, such as localhost.' })
  })
  app.setErrorHandler((error, _request, reply) => {
    const code = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    return reply.code(code).send({ error: code < 500 ? 'The request cannot be understood.' : 'Something went wrong.' })
  })
}

function viewRoutes({ views, status }: ServerOptions): Parameters<typeof addViewRoutes>[1] {
  // What may be seen comes with the session (H3).
  return views === undefined ? undefined : { forcedFilters: ({ viewer }) => viewer.scope, ...views, status }
}

function addApi(app: FastifyInstance, { feed, streams, limitedStreams, status }: Parts): void {
  app.get('/healthz', { schema: ROUTE_SCHEMAS.health }, () => ({ ok: true }))
  app.get('/readyz', { schema: ROUTE_SCHEMAS.ready }, (_request, reply) => {
    const waitingFor = awaited(status())
    return reply.code(waitingFor.length === 0 ? 200 : 503).send({ ready: waitingFor.length === 0, waitingFor })
  })
  app.get('/api/page', { schema: ROUTE_SCHEMAS.page }, ({ viewer }) =>
    isLimited(viewer) ? limitedSnapshot(feed.message()) : feed.message(),
  )
  app.get<{ Querystring: { after?: string } }>('/api/live', { schema: ROUTE_SCHEMAS.live }, (request, reply) => {
    const limited = isLimited(request.viewer)
    const readers = limited ? limitedStreams : streams
    if (readers.isFull) {
      return reply.code(503).header('retry-after', '10').send({ error: 'Too many pages are open. Close one.' })
    }
    const header = request.headers['last-event-id']
    const lastId = typeof header === 'string' ? header : request.query.after
    const missed = limited ? [limitedEvent(feed)] : feed.eventsSince(lastId)
    // From here on nobody but the stream answers: whatever can fail comes before.
    reply.hijack()
    readers.add(request.raw, reply.raw, API_HEADERS, missed)
    return reply
  })
}

/** Whoever is limited gets everything anew: there is little of it. */
function limitedEvent(feed: LiveFeed): FeedEvent {
  return { ...feed.snapshot(), text: JSON.stringify(limitedSnapshot(feed.message())) }
}

async function addPage(app: FastifyInstance, assetsDir: string): Promise<void> {
  const isBuilt = existsSync(`${assetsDir}/index.html`)
  if (isBuilt) {
    await app.register(fastifyStatic, {
      root: assetsDir,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // Names of built files hold a hash of their content; everything else may change with the next build.
        const isHashed = path.startsWith(join(assetsDir, 'assets', '/'))
        void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
    app.get('/status', (_request, reply) => reply.sendFile('status.html'))
  } else {
    app.get('/', (_request, reply) =>
      reply.code(503).type('text/plain; charset=utf-8').send('The page is not built. Run: npx vite build dashboard\n'),
    )
  }
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'There is nothing here.' }))
}
