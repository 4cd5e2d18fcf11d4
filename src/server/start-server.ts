/**
 * The page's server: the built page, its data, and the live stream.
 *
 * H1  Bound to 127.0.0.1 unless told otherwise.
 * H2  Nothing a page of another origin sends changes anything: every route here only reads, and logging in and out and
 *     the ingest, which has paths of its own on the same port, ask where a browser's request comes from.
 * H3  Whoever is limited to some members is told nothing of others (V1 of `access/viewer.ts`).
 */
import { fastify, type FastifyInstance } from 'fastify'
import type { PageStatus } from '../runtime/status.ts'
import { answerClientError } from './client-error.ts'
import type { Access } from './access/access.ts'
import { addAccess } from './access/login-routes.ts'
import { StreamGuard } from './access/stream-guard.ts'
import { createHttpServer } from './http-server.ts'
import type { HttpIngest } from './ingest/http-ingest.ts'
import { DEFAULT_INGEST_LIMITS, type IngestLimits } from './ingest/limits.ts'
import { listenOnFreePort, pagePlace } from './listen.ts'
import { addOpenApi, ROUTE_SCHEMAS } from './openapi.ts'
import { PageFeed, type PageFeedOptions } from './page-feed.ts'
import { addPageFiles, BUILT_PAGE } from './page-files.ts'
import { API_HEADERS, contentSecurityPolicy, isAllowedHost, SECURITY_HEADERS } from './protection.ts'
import { withoutDatabaseUrl } from './query/error-answer.ts'
import { addViewRoutes, type ViewsOptions } from './query/view-routes.ts'
import { awaited } from './readiness.ts'

export interface ServerOptions extends Omit<PageFeedOptions, 'onTick'> {
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

/** How long requests that are being taken may go on once the server closes, ms. */
const INGEST_DRAIN_MS = 3_000

/**
 * Serves the page.
 *
 * @throws TidemarkError `PORT_UNAVAILABLE`; `KEY_REQUIRED` where others than this machine could send events without a
 *   key
 */
export async function startServer(given: ServerOptions): Promise<RunningServer> {
  const options = { ...given, status: () => withoutPlaces(given.status()) }
  const { ingest, access, host = '127.0.0.1', publicUrl, frameAncestors = [] } = options
  ingest?.expose(publicUrl?.hostname ?? host)
  const app = createApp(options, host)
  protect(app, { host, publicHost: publicUrl?.host, frameAncestors })
  const guard = new StreamGuard(access)
  addAccess(app, access, guard)
  await addOpenApi(app, ingest?.describe() ?? {})
  addHealth(app, options.status)
  const feed = new PageFeed({ ...options, onTick: () => guard.check() })
  feed.addTo(app)
  const endViews = addViewRoutes(app, feed, viewRoutes(options))
  await addPageFiles(app, options.assetsDir ?? BUILT_PAGE)
  // Node's own 511 would reset connections when many clients come back at once.
  const backlog = limitsOf(options).maxConnections
  await listenOnFreePort((port) => app.listen({ host, port, backlog }), pagePlace(host, options.port))
  feed.start()
  const port = portOf(app)
  return {
    url: `http://${urlHost(host)}:${port}`,
    port,
    flush: () => feed.flush(),
    hasNews: () => feed.hasNews(),
    close: async () => {
      feed.stop()
      await ingest?.drain(INGEST_DRAIN_MS)
      feed.close()
      await endViews()
      await app.close()
    },
  }
}

function limitsOf({ ingest }: ServerOptions): IngestLimits {
  return ingest?.limits ?? DEFAULT_INGEST_LIMITS
}

function createApp(options: ServerOptions, host: string): FastifyInstance {
  const limits = limitsOf(options)
  return fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: 1_024,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, limits),
    serverFactory: (handler) => createHttpServer(handler, options.ingest, limits, host, options.publicUrl?.host),
  })
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
    await reply.code(421).send({
      code: 'misdirected',
      message: 'This server answers to names of this machine only, such as localhost.',
    })
  })
  app.setErrorHandler((error, _request, reply) => {
    const code = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
    return reply
      .code(code)
      .send(
        code < 500
          ? { code: 'bad_request', message: 'The request cannot be understood.' }
          : { code: 'internal', message: 'Something went wrong.' },
      )
  })
}

// Why PostgreSQL does not answer is for everybody who looks, where it is for who runs it.
function withoutPlaces(status: PageStatus | null): PageStatus | null {
  const message = status?.database.message
  if (status === null || typeof message !== 'string') return status
  return { ...status, database: { ...status.database, message: withoutDatabaseUrl(message) } }
}

function viewRoutes({ views, status }: ServerOptions): Parameters<typeof addViewRoutes>[2] {
  // What may be seen comes with the session (H3).
  return views === undefined ? undefined : { forcedFilters: ({ viewer }) => viewer.scope, ...views, status }
}

function addHealth(app: FastifyInstance, status: ServerOptions['status']): void {
  app.get('/healthz', { schema: ROUTE_SCHEMAS.health }, () => ({ ok: true }))
  app.get('/readyz', { schema: ROUTE_SCHEMAS.ready }, (_request, reply) => {
    const waitingFor = awaited(status())
    return reply.code(waitingFor.length === 0 ? 200 : 503).send({ ready: waitingFor.length === 0, waitingFor })
  })
}
