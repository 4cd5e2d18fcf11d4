/**
 * The operator's port: health, readiness and metrics, apart from the page so that it can stay on loopback when the page
 * does not.
 *
 * A1  It only reads, and holds nothing an event said.
 * A2  `/healthz` answers while the process turns; `/readyz` says what is waited for.
 */
import { fastify } from 'fastify'
import type { PipelineStatus } from '../runtime/status.ts'
import { listenOnFreePort } from './listen.ts'
import { createMetrics } from './metrics.ts'
import { API_HEADERS, isAllowedHost } from './protection.ts'
import { awaited } from './readiness.ts'

/** Where it is unless told otherwise. */
const DEFAULT_ADMIN_PORT = 4401

export interface AdminServer {
  /** Such as `http://localhost:4401`. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/**
 * Serves health, readiness and metrics on 127.0.0.1.
 *
 * @param status what the pipeline says of itself; null before it runs
 * @param port 0 picks a free one; left out it is 4401 or the next free one
 * @param starting what the start waits for until the pipeline runs
 * @throws TidemarkError `PORT_UNAVAILABLE`
 */
export async function startAdminServer(
  status: () => PipelineStatus | null,
  port: number | undefined,
  starting: () => string = () => 'the pipeline',
): Promise<AdminServer> {
  const host = '127.0.0.1'
  const metrics = createMetrics(status)
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1_024 })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(API_HEADERS)
    if (!isAllowedHost(request.headers.host, host))
      await reply.code(421).send({ code: 'misdirected', message: 'Ask as localhost.' })
  })
  app.get('/healthz', () => ({ ok: true }))
  app.get('/readyz', (_request, reply) => {
    const waitingFor = awaited(status(), starting())
    return reply.code(waitingFor.length === 0 ? 200 : 503).send({ ready: waitingFor.length === 0, waitingFor })
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: 'not_found', message: 'Here are /healthz, /readyz, /metrics.' }),
  )
  await listenOnFreePort((candidate) => app.listen({ host, port: candidate }), {
    host,
    port,
    firstPort: DEFAULT_ADMIN_PORT,
    option: '--admin-port',
    what: 'The metrics',
  })
  const address = app.server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://localhost:${bound}`, port: bound, close: () => app.close() }
}
