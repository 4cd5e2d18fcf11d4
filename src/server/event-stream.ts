/**
 * The open connections of `/api/live`: server-sent events with bounded buffers.
 *
 * X1  A reader that does not read is dropped once `maxBufferedBytes` wait for it; nobody else notices.
 * X2  At most `maxConnections` are open. One more is refused, not queued.
 * X3  Every tick writes to every connection, so that silence on the wire always means trouble.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** One event with the id a reader resumes after. */
export interface StreamEvent {
  readonly id: string
  readonly name: string
  /** JSON in one line. */
  readonly text: string
}

export interface EventStreamsOptions {
  readonly maxConnections: number
  readonly maxBufferedBytes: number
}

/** All readers of the live stream. */
export class EventStreams {
  readonly #options: EventStreamsOptions
  readonly #open = new Set<ServerResponse>()

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.#open.size >= this.#options.maxConnections
  }

  /** Starts a stream with what its reader has missed. */
  add(
    request: IncomingMessage,
    response: ServerResponse,
    headers: OutgoingHttpHeaders,
    missed: readonly StreamEvent[],
  ): void {
    this.#open.add(response)
    request.socket.setNoDelay(true)
    response.on('close', () => this.#open.delete(response))
    // A reset connection reports itself here; the close that follows is all that matters.
    response.on('error', () => this.#open.delete(response))
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    response.write(`retry: 1000\n\n${missed.map(toWire).join('')}`)
  }

  /** Writes one event to everybody. */
  broadcast(event: StreamEvent): void {
    const text = toWire(event)
    for (const response of this.#open) {
      if (response.writableLength > this.#options.maxBufferedBytes) response.destroy()
      else response.write(text)
    }
  }

  /** Writes a comment to everybody (X3), for streams that have nothing to say. */
  beat(): void {
    for (const response of this.#open) response.write(':\n\n')
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#open) {
      response.end()
      // A reader that never takes the end must not keep the process alive.
      response.socket?.unref()
      response.socket?.destroySoon()
    }
    this.#open.clear()
  }
}

function toWire({ id, name, text }: StreamEvent): string {
  return `id: ${id}\nevent: ${name}\ndata: ${text}\n\n`
}
