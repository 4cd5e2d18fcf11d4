/**
 * The one server behind the page and the ingest: connections, their limits in number and in time, and who answers what.
 *
 * C1  A connection over a limit is told so and closed; those that are open never notice.
 * C2  A request that takes too long to come, headers or body, is ended: a slow client holds one connection for a
 *     bounded time.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpIngest } from './ingest/http-ingest.ts'
import type { IngestLimits } from './ingest/limits.ts'
import { addressGroup } from './ingest/rate-limiter.ts'
import { refuse } from './ingest/answer.ts'
import { Refusal } from './ingest/refusal.ts'
import { isAllowedHost, isLoopback } from './protection.ts'

// Imported as a module it would load the clients of WebSocket and fetch along, which makes every start 30 ms longer.
const { createServer } = process.getBuiltinModule('node:http')

/** How often requests that take too long are looked for, ms. */
const CHECK_INTERVAL_MS = 1_000

/**
 * A server that gives the ingest its paths before anything else sees them, and all others to `rest`.
 *
 * @param boundHost the address it will listen on
 * @param publicHost what a proxy calls it
 */
export function createHttpServer(
  rest: RequestListener,
  ingest: HttpIngest | undefined,
  limits: IngestLimits,
  boundHost: string,
  publicHost?: string,
): Server {
  // A client names the same host in every request.
  let knownHost: string | undefined
  const isForUs = (host: string | undefined): boolean => {
    if (host !== undefined && host === knownHost) return true
    const isAllowed = isAllowedHost(host, boundHost, publicHost)
    if (isAllowed) knownHost = host
    return isAllowed
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (ingest === undefined || !ingest.takes(request.url ?? '')) {
      if (request.headers.expect !== undefined) response.writeContinue()
      rest(request, response)
    } else if (isForUs(request.headers.host)) ingest.handle(request, response)
    else refuse(request, response, new Refusal('wrong_host', 'This server answers to names of this machine only.'))
  }
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      noDelay: true,
    },
    answer,
  )
  // The final answer may come instead of the permission to go on.
  server.on('checkContinue', answer)
  limitConnections(server, limits)
  return server
}

function limitConnections(server: Server, limits: IngestLimits): void {
  const { maxConnections, maxConnectionsPerAddress, maxConnectionsPerLoopbackAddress } = limits
  const openOf = new Map<string, number>()
  let open = 0
  server.on('connection', (socket: Socket) => {
    const address = addressGroup(socket.remoteAddress)
    const most = isLoopback(address) ? maxConnectionsPerLoopbackAddress : maxConnectionsPerAddress
    const ofAddress = openOf.get(address) ?? 0
    if (open >= maxConnections) return turnAway(socket, 503, 'Too many connections are open.')
    if (ofAddress >= most) return turnAway(socket, 429, 'Too many connections of this address are open.')
    open++
    openOf.set(address, ofAddress + 1)
    socket.once('close', () => {
      open--
      const left = (openOf.get(address) ?? 1) - 1
      if (left === 0) openOf.delete(address)
      else openOf.set(address, left)
    })
  })
}

const REASON_PHRASE = { 429: 'Too Many Requests', 503: 'Service Unavailable' } as const

function turnAway(socket: Socket, status: 429 | 503, message: string): void {
  const body = JSON.stringify({
    error: `${message} Use those you have, or come back later.`,
    code: 'too_many_connections',
  })
  const head = `HTTP/1.1 ${status} ${REASON_PHRASE[status]}\r\ncontent-type: application/json; charset=utf-8\r\n`
  socket.on('error', () => undefined)
  socket.write(`${head}content-length: ${body.length}\r\nretry-after: 1\r\nconnection: close\r\n\r\n${body}`)
  socket.destroySoon()
}
