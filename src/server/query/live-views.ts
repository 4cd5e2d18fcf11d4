/**
 * Views that stay open: each is evaluated once for all who look at it, whenever the tables have a new epoch.
 *
 * V1  Equal views, of equal access, are one: evaluated once, written once, sent to everyone.
 * V2  One view is evaluated at a time, and then at least as long nothing as it took: however many pages are open, they
 *     take half of one connection at most. A slow view is asked less often than a quick one.
 * V3  Who comes back after a short while gets the patch from what it has, as long as that is among the last
 *     {@link HELD_ANSWERS}; otherwise everything.
 * V4  An error is sent to those who look at the view, and the next evaluation is tried later.
 * V5  A view that someone waits for stays until they have it, and nobody is left in silence, however long views take.
 */
import type { ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import { answerPatch, type Json } from '../../query/answer-patch.ts'
import type { ViewAnswer } from '../../query/view-answer.ts'
import { EventStreams, type StreamEvent } from '../event-stream.ts'
import { errorBody } from './error-answer.ts'

/** Answers of each view that are held for those who come back. */
const HELD_ANSWERS = 8

const MAX_STREAMS = 2_048
const MAX_BUFFERED_BYTES = 4 * 1_024 * 1_024
/** How long a view nobody looks at is kept. */
const KEPT_MS = 30_000
/** A view waits so many times as long as it took before it is asked again. */
const REST_FACTOR = 4
const MIN_REST_MS = 900
const RETRY_MS = 5_000
/** The longest rest between two evaluations: less than a page takes silence for trouble. */
const MAX_REST_MS = 5_000
/** Something comes at least so often, so that silence means trouble. */
const BEAT_MS = 10_000

export interface LiveViewsOptions {
  /** Which epoch the tables have; null where nobody numbers them: then every look is a new one. */
  readonly epoch: () => Promise<number | null>
  readonly pollMs?: number
  readonly nowMs?: () => number
}

interface Held {
  readonly id: string
  readonly answer: Json
}

interface OpenView {
  readonly key: string
  readonly ask: () => Promise<ViewAnswer>
  readonly streams: EventStreams
  /** The oldest first. */
  readonly held: Held[]
  /** The first evaluation, while it is under way. */
  first: Promise<void> | undefined
  epoch: number | null | undefined
  dueMs: number
  lastWantedMs: number
  lastSentMs: number
}

export class LiveViews {
  readonly #options: LiveViewsOptions
  readonly #nowMs: () => number
  readonly #views = new Map<string, OpenView>()
  readonly #instance = randomBytes(4).toString('hex')
  #revision = 0
  #timer: NodeJS.Timeout | undefined
  #resting: NodeJS.Timeout | undefined
  #wake: () => void = () => undefined
  #turning: Promise<void> | undefined
  #isClosed = false

  constructor(options: LiveViewsOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? (() => Date.now())
  }

  /** How many pages are open. */
  get count(): number {
    let sum = 0
    for (const view of this.#views.values()) sum += view.streams.count
    return sum
  }

  /** How many different views they look at. */
  get viewCount(): number {
    return this.#views.size
  }

  get isFull(): boolean {
    return this.count >= MAX_STREAMS
  }

  /**
   * Evaluates a view where nobody looks at it yet: all that can fail, before a stream begins.
   *
   * @param key the same for equal views of equal access
   */
  async prepare(key: string, ask: () => Promise<ViewAnswer>): Promise<void> {
    const view = this.#view(key, ask)
    view.lastWantedMs = this.#nowMs()
    if (view.held.length > 0) return
    view.first ??= this.#evaluate(view).finally(() => {
      view.first = undefined
      // However long it took, whoever waited for it has time to attach.
      view.lastWantedMs = this.#nowMs()
    })
    await view.first
  }

  /**
   * Sends a view that was prepared, from now on.
   *
   * @param response of a stream that has begun
   * @param lastIds of the last event of the view that the page has, and of others
   */
  attach(key: string, response: ServerResponse, lastIds: readonly string[]): void {
    const view = this.#views.get(key)
    const newest = view?.held.at(-1)
    if (view === undefined || newest === undefined) throw new Error('the view was not prepared')
    const base = view.held.find(({ id }) => lastIds.includes(id))
    const event =
      base === undefined
        ? { id: newest.id, name: 'answer', text: JSON.stringify(newest.answer) }
        : this.#patchEvent(base, newest)
    view.streams.join(response, [event])
    this.#schedule()
  }

  /** Looks once: whether there is a new epoch, and which views are to be evaluated. For tests that own the time. */
  async look(): Promise<void> {
    this.#turning ??= this.#turn().finally(() => (this.#turning = undefined))
    await this.#turning
  }

  /** Ends every stream. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#resting)
    this.#wake()
    for (const view of this.#views.values()) view.streams.close()
    await this.#turning?.catch(() => undefined)
    this.#views.clear()
  }

  #view(key: string, ask: () => Promise<ViewAnswer>): OpenView {
    const known = this.#views.get(key)
    if (known !== undefined) return known
    const view: OpenView = {
      key,
      ask,
      streams: new EventStreams({ maxConnections: MAX_STREAMS, maxBufferedBytes: MAX_BUFFERED_BYTES }),
      held: [],
      first: undefined,
      epoch: undefined,
      dueMs: 0,
      lastWantedMs: this.#nowMs(),
      lastSentMs: this.#nowMs(),
    }
    this.#views.set(key, view)
    return view
  }

  #schedule(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#views.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.look()
        .catch(() => undefined)
        .finally(() => this.#schedule())
    }, this.#options.pollMs ?? 1_000)
  }

  async #turn(): Promise<void> {
    this.#forgetUnwanted()
    // Where PostgreSQL is away, each view finds out for itself and says so.
    const epoch = await this.#options.epoch().catch(() => null)
    // The one that waits longest comes first.
    const due = [...this.#views.values()].toSorted((a, b) => a.dueMs - b.dueMs)
    for (const view of due) {
      if (this.#isClosed) return
      const isNew = epoch === null || view.epoch !== epoch
      if (!isNew || view.streams.count === 0 || view.dueMs > this.#nowMs()) continue
      await this.#refresh(view)
      // Those whose turn is far off are not left in silence by the views before them.
      this.#beatAll()
    }
    this.#beatAll()
  }

  async #refresh(view: OpenView): Promise<void> {
    const beganMs = this.#nowMs()
    const before = view.held.at(-1)
    try {
      await this.#evaluate(view)
      const now = view.held.at(-1)
      if (before !== undefined && now !== undefined && now !== before) this.#send(view, this.#patchEvent(before, now))
    } catch (error) {
      view.dueMs = this.#nowMs() + RETRY_MS
      this.#send(view, { id: before?.id ?? '', name: 'failed', text: JSON.stringify(errorBody(error)) })
    }
    await this.#rest(Math.min(MAX_REST_MS, this.#nowMs() - beganMs))
  }

  // V2: as long as it took, nothing.
  async #rest(ms: number): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#resting = setTimeout(resolve, ms)
    })
  }

  async #evaluate(view: OpenView): Promise<void> {
    const beganMs = this.#nowMs()
    const answer = await view.ask()
    const tookMs = this.#nowMs() - beganMs
    view.dueMs = this.#nowMs() + Math.max(MIN_REST_MS, REST_FACTOR * tookMs)
    const { epoch } = answer.asOf
    const isKnown = view.epoch !== undefined && epoch !== null && epoch === view.epoch
    if (isKnown) return
    // Counted anew from 0: what was held is of another time.
    if (epoch !== null && epoch < (view.epoch ?? 0)) view.held.length = 0
    view.epoch = epoch
    view.held.push({
      id: epoch === null ? `${this.#instance}.${++this.#revision}` : `${this.#instance}.${epoch}`,
      answer: asJson(answer),
    })
    if (view.held.length > HELD_ANSWERS) view.held.shift()
  }

  #patchEvent(from: Held, to: Held): StreamEvent {
    return { id: to.id, name: 'patch', text: JSON.stringify(answerPatch(from.answer, to.answer) ?? { keys: [] }) }
  }

  #send(view: OpenView, event: StreamEvent): void {
    view.lastSentMs = this.#nowMs()
    view.streams.broadcast(event)
  }

  #beatAll(): void {
    const nowMs = this.#nowMs()
    for (const view of this.#views.values()) {
      if (nowMs - view.lastSentMs < BEAT_MS) continue
      view.lastSentMs = nowMs
      view.streams.beat()
    }
  }

  #forgetUnwanted(): void {
    const nowMs = this.#nowMs()
    for (const view of this.#views.values()) {
      if (view.streams.count > 0 || view.first !== undefined) view.lastWantedMs = nowMs
      else if (nowMs - view.lastWantedMs > KEPT_MS) this.#views.delete(view.key)
    }
  }
}

function asJson(answer: ViewAnswer): Json {
  return JSON.parse(JSON.stringify(answer)) as Json
}
