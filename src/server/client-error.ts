/**
 * The answer to what never became a request: headers over the limit, a client that takes too long, bytes that are no
 * HTTP.
 */
import type { Socket } from 'node:net'
import type { IngestLimits } from './ingest/limits.ts'

interface Answer {
  readonly status: string
  readonly code: string
  readonly message: string
}

/** Answers where there is still somebody to answer, and closes the connection. */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
  limits: IngestLimits,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, code, message } = answerOf(error.code, limits)
  const body = JSON.stringify({ code, message })
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${body.length}`
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`)
}

function answerOf(
  code: string | undefined,
  { maxHeaderBytes, headersTimeoutMs, requestTimeoutMs }: IngestLimits,
): Answer {
  if (code === 'HPE_HEADER_OVERFLOW')
    return {
      status: '431 Request Header Fields Too Large',
      code: 'headers_too_large',
      message: `The headers are over ${maxHeaderBytes} bytes. Send fewer or shorter ones.`,
    }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return {
      status: '408 Request Timeout',
      code: 'request_timeout',
      message: `Headers must be here within ${headersTimeoutMs / 1_000} s, the whole request within ${requestTimeoutMs / 1_000} s. Send it again.`,
    }
  return { status: '400 Bad Request', code: 'bad_request', message: 'This is no HTTP request.' }
}
