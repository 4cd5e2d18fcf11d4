/**
 * HTTP with everything in the test's own hands: headers a client library would not let through, readers that do not
 * read.
 */
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One GET with exactly these headers. */
export async function get(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await open(port, path, headers)
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** A GET whose answer is left to the caller to read, or not to read. */
export async function open(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject).end()
  })
}

export interface StreamEvent {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

/** The first `count` events of a stream, which is then left. */
export async function readEvents(response: IncomingMessage, count: number): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = []
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += String(chunk)
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    events.push(...blocks.filter((block) => block.includes('data: ')).map(toEvent))
    if (events.length >= count) break
  }
  response.destroy()
  return events.slice(0, count)
}

function toEvent(block: string): StreamEvent {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
  return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) }
}

/** The events of a stream as they come, in a list that grows. */
export function followEvents(response: IncomingMessage): readonly StreamEvent[] {
  const events: StreamEvent[] = []
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    events.push(...blocks.filter((block) => block.includes('data: ')).map(toEvent))
  })
  response.on('error', () => undefined)
  return events
}
