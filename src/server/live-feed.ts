/**
 * Turns what the view shows into a numbered sequence of messages that any reader can join or resume.
 *
 * F1  The snapshot of revision n with the patches n+1 … m applied is the snapshot of revision m.
 * F2  The last `historyLength` patches are kept; whoever missed more gets a snapshot.
 * F3  A revision's id names the feed as well: ids of an earlier process are never mistaken for ours.
 */
import type { PageStatus } from '../runtime/status.ts'
import type { LiveView } from './live-view.ts'
import { diff } from './merge-patch.ts'
import type { PageData, PatchMessage, SnapshotMessage } from './page-data.ts'

/** One message with the id a reader resumes after. */
export interface FeedEvent {
  readonly id: string
  readonly name: 'snapshot' | 'patch'
  /** JSON in one line. */
  readonly text: string
}

export interface LiveFeedOptions {
  readonly view: LiveView
  readonly status: () => PageStatus | null
  readonly nowMs: () => number
  /** Tells this feed from others, such as a random text. */
  readonly instance: string
  /** Patches kept for readers that come back. */
  readonly historyLength?: number
}

export class LiveFeed {
  readonly #options: LiveFeedOptions
  readonly #history: FeedEvent[] = []
  #revision = 0
  #data: PageData
  #status: PageStatus | null

  constructor(options: LiveFeedOptions) {
    this.#options = options
    this.#status = this.#look()
    this.#data = options.view.snapshot()
  }

  /** Takes the next look and gives the patch since the last one. */
  tick(): FeedEvent {
    this.#status = this.#look()
    const next = this.#options.view.snapshot()
    const data = diff(this.#data, next)
    this.#data = next
    this.#revision++
    const message: PatchMessage = { ...(data === undefined ? {} : { data }), status: this.#status }
    const event = this.#event('patch', message)
    this.#history.push(event)
    if (this.#history.length > (this.#options.historyLength ?? 60)) this.#history.shift()
    return event
  }

  /** Everything, as of the last tick. */
  snapshot(): FeedEvent {
    return this.#event('snapshot', this.message())
  }

  /** The snapshot as plain data. */
  message(): SnapshotMessage {
    return { page: this.#options.view.page, data: this.#data, status: this.#status }
  }

  /** What a reader needs that has seen everything up to `lastId`: patches if they are still there, else a snapshot. */
  eventsSince(lastId: string | undefined): readonly FeedEvent[] {
    const [instance, revision = ''] = (lastId ?? '').split('.')
    const missed = /^\d{1,15}$/.test(revision) ? this.#revision - Number(revision) : -1
    const isKnown = instance === this.#options.instance && missed >= 0 && missed <= this.#history.length
    if (!isKnown) return [this.snapshot()]
    return this.#history.slice(this.#history.length - missed)
  }

  #look(): PageStatus | null {
    const status = this.#options.status()
    this.#options.view.advance(status?.nowMs ?? this.#options.nowMs(), status?.watermarkMs ?? null)
    return status
  }

  #event(name: FeedEvent['name'], message: object): FeedEvent {
    return { id: `${this.#options.instance}.${this.#revision}`, name, text: JSON.stringify(message) }
  }
}
