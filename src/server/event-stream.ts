/**
 * Open connections that are told the same: server-sent events with bounded buffers.
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

/** How one connection is told, where it is not told this alone. */
export interface Telling {
  /** Before the name of each event. */
  readonly prefix?: string
  /** What may wait for the reader at most; less than others need would drop it because of them. */
  readonly maxBufferedBytes?: number
}

/** All readers of the live stream. */
export class EventStreams {
  readonly #options: EventStreamsOptions
  readonly #open = new Map<ServerResponse, Telling>()

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.#open.size >= this.#options.maxConnections
  }

  /**
   * Tells a stream that has begun what its reader has missed, and what is new from now on. Others may write to it as
   * well.
   */
  join(response: ServerResponse, missed: readonly StreamEvent[], telling: Telling = {}): void {
    this.#open.set(response, telling)
    response.on('close', () => this.#open.delete(response))
    // A reset connection reports itself here; the close that follows is all that matters.
    response.on('error', () => this.#open.delete(response))
    if (missed.length > 0) response.write(missed.map((event) => toWire(event, telling.prefix)).join(''))
  }

  /** Writes one event to everybody. */
  broadcast(event: StreamEvent): void {
    const texts = new Map<string | undefined, string>()
    for (const [response, { prefix, maxBufferedBytes = this.#options.maxBufferedBytes }] of this.#open) {
      const text = texts.get(prefix) ?? toWire(event, prefix)
      texts.set(prefix, text)
      if (response.writableLength > maxBufferedBytes) response.destroy()
      else response.write(text)
    }
  }

  /** Writes a comment to everybody (X3), for streams that have nothing to say. */
  beat(): void {
    for (const response of this.#open.keys()) response.write(':\n\n')
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#open.keys()) {
      response.end()
      // A reader that never takes the end must not keep the process alive.
      response.socket?.unref()
      response.socket?.destroySoon()
    }
    this.#open.clear()
  }
}

/** Begins a stream that has nothing to say yet. */
export function beginStream(request: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): void {
  request.socket.setNoDelay(true)
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  response.write('retry: 1000\n\n')
}

/** One event as it is sent. */
export function toWire({ id, name, text }: StreamEvent, prefix: string = ''): string {
  return `id: ${id}\nevent: ${prefix}${name}\ndata: ${text}\n\n`
}
