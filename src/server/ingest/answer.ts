/**
 * Answers of the ingest. They carry the headers of every answer of the server, and say all in JSON.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { API_HEADERS } from '../protection.ts'
import type { Rejected } from './judge.ts'
import type { Refusal } from './refusal.ts'

/** How long the rest of a refused body is read and dropped, so that its sender gets to read the answer, ms. */
const LINGER_MS = 2_000

const JSON_HEADERS = [
  ...Object.entries(API_HEADERS).flat(),
  'content-type',
  'application/json; charset=utf-8',
  'content-length',
]

/** 200 with the counts: everything accepted is on disk. */
export function answerCounts(response: ServerResponse, accepted: number, rejected: readonly Rejected[]): void {
  const list = rejected.length === 0 ? '[]' : JSON.stringify(rejected)
  answerJson(response, 200, `{"accepted":${accepted},"rejected":${list}}`)
}

/** An answer without a body of its own kind: an image, a redirect, nothing. */
export function answerWith(
  response: ServerResponse,
  status: number,
  headers: readonly string[],
  body: Uint8Array | undefined,
): void {
  const length = status === 204 ? [] : ['content-length', String(body?.length ?? 0)]
  response.writeHead(status, [...common(headers), ...headers, ...length])
  response.end(body)
}

/** Says why nothing was taken. */
export function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return
  const { status, code, message, retryAfterS } = refusal
  const more: string[] = []
  if (retryAfterS !== undefined) more.push('retry-after', String(retryAfterS))
  if (status === 401) more.push('www-authenticate', 'Bearer realm="tidemark"')
  if (status === 405) more.push('allow', message.slice(message.lastIndexOf(' ') + 1, -1))
  answerJson(response, status, JSON.stringify({ code, message }), more)
  if (!request.complete) dropRest(request)
}

/** The headers of every answer, but for those that an answer gives itself. */
function common(own: readonly string[]): string[] {
  return Object.entries(API_HEADERS).flatMap((header) => (own.includes(header[0]) ? [] : header))
}

function answerJson(response: ServerResponse, status: number, text: string, more: readonly string[] = []): void {
  const length = String(Buffer.byteLength(text))
  response.writeHead(status, more.length === 0 ? [...JSON_HEADERS, length] : [...JSON_HEADERS, length, ...more])
  // As text it goes out in one piece with the headers.
  response.end(text, 'utf8')
}

/** Reads on for a while without keeping anything; a sender that goes on longer is cut off. */
function dropRest(request: IncomingMessage): void {
  request.resume()
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.destroy()
  }, LINGER_MS)
  request.once('close', () => clearTimeout(timer))
}
