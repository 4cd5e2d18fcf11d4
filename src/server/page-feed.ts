/**
 * What the page is told of the live view: its state when it opens, then a patch for each change, to as many pages as
 * allowed.
 *
 * F1  Whoever is limited to some members is told nothing of others, in the live feed neither (V1 of
 *     `access/viewer.ts`).
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PageStatus } from '../runtime/status.ts'
import { limitedPatch, limitedSnapshot } from './access/limited-feed.ts'
import { isLimited } from './access/viewer.ts'
import { beginStream, EventStreams, type Telling } from './event-stream.ts'
import { LiveFeed, type FeedEvent } from './live-feed.ts'
import type { LiveView } from './live-view.ts'
import { ROUTE_SCHEMAS } from './openapi.ts'
import { API_HEADERS } from './protection.ts'
import { Ticker } from './ticker.ts'

export interface PageFeedOptions {
  readonly liveView: LiveView
  /** What the pipeline says of itself; null before it runs. */
  readonly status: () => PageStatus | null
  /** Longest time between two patches, ms. */
  readonly patchIntervalMs?: number
  readonly maxConnections?: number
  readonly maxBufferedBytes?: number
  /** Told with each patch, before it is sent. */
  readonly onTick: () => void
}

export class PageFeed {
  readonly #feed: LiveFeed
  readonly #streams: EventStreams
  /** Those of viewers who are limited (F1). */
  readonly #limitedStreams: EventStreams
  readonly #options: PageFeedOptions
  readonly #instance = randomBytes(6).toString('hex')
  #ticker: Ticker | undefined

  constructor(options: PageFeedOptions) {
    const { liveView, status, maxConnections = 64, maxBufferedBytes = 512 * 1_024 } = options
    this.#options = options
    this.#feed = new LiveFeed({
      view: liveView,
      status,
      nowMs: () => Date.now(),
      instance: this.#instance,
    })
    this.#streams = new EventStreams({ maxConnections, maxBufferedBytes })
    this.#limitedStreams = new EventStreams({ maxConnections, maxBufferedBytes })
  }

  /** Adds its routes. */
  addTo(app: FastifyInstance): void {
    app.get('/api/page', { schema: ROUTE_SCHEMAS.page }, ({ viewer }) =>
      isLimited(viewer) ? limitedSnapshot(this.#feed.message()) : this.#feed.message(),
    )
    app.get<{ Querystring: { after?: string } }>('/api/live', { schema: ROUTE_SCHEMAS.live }, (request, reply) => {
      const header = request.headers['last-event-id']
      const lastId = typeof header === 'string' ? header : request.query.after
      this.open(request, reply, lastId === undefined ? [] : [lastId])
      return reply
    })
  }

  /**
   * Begins a stream, or refuses it where too many are open.
   *
   * @param lastIds ids of the last events that the reader has, of whatever it reads
   * @returns whether it was begun
   */
  open(request: FastifyRequest, reply: FastifyReply, lastIds: readonly string[], telling: Telling = {}): boolean {
    const limited = isLimited(request.viewer)
    const readers = limited ? this.#limitedStreams : this.#streams
    if (readers.isFull) {
      void reply
        .code(503)
        .header('retry-after', '10')
        .send({ code: 'too_many_pages', message: 'Too many pages are open. Close one.' })
      return false
    }
    const lastId = lastIds.find((id) => id.startsWith(`${this.#instance}.`))
    const missed = limited ? [this.#limitedEvent()] : this.#feed.eventsSince(lastId)
    // From here on nobody but the stream answers: whatever can fail comes before.
    reply.hijack()
    beginStream(request.raw, reply.raw, API_HEADERS)
    readers.join(reply.raw, missed, telling)
    return true
  }

  /** Begins to send patches. */
  start(): void {
    this.#ticker = new Ticker(() => {
      const event = this.#feed.tick()
      this.#options.onTick()
      this.#streams.broadcast(event)
      if (this.#limitedStreams.count > 0)
        this.#limitedStreams.broadcast({ ...event, text: JSON.stringify(limitedPatch(this.#feed.message())) })
    }, this.#options.patchIntervalMs ?? 1_000)
  }

  /** Sends the next patch now instead of at the next second. */
  flush(): void {
    this.#ticker?.now()
  }

  /** Says that there is news: it is sent at once, or half a second after the patch before. */
  hasNews(): void {
    this.#ticker?.soon()
  }

  /** Sends no more patches. */
  stop(): void {
    this.#ticker?.end()
  }

  /** Ends all streams. */
  close(): void {
    this.#streams.close()
    this.#limitedStreams.close()
  }

  /** Whoever is limited gets everything anew: there is little of it. */
  #limitedEvent(): FeedEvent {
    return { ...this.#feed.snapshot(), text: JSON.stringify(limitedSnapshot(this.#feed.message())) }
  }
}
