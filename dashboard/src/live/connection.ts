/**
 * The one stream of a page, kept alive: what the pipeline says of itself and, where something is looked at, its
 * answers. Opens it, notices when it is silent, and opens it again with growing pauses.
 *
 * K1  No message for `STALE_AFTER_MS` means stale, whatever the connection says of itself.
 * K2  After a break the stream resumes after the last message that came; the server sends a snapshot where it cannot.
 * K3  A page holds one stream, and none once nobody has seen it for `UNSEEN_MS`, or yet: browsers allow six to one
 *     server.
 */
import { batch, effect, signal, type ReadonlySignal } from '@preact/signals'
import type { PatchMessage, SnapshotMessage } from '../../../src/server/page-data.ts'
import { readEvents, type StreamedEvent } from './event-reader.ts'
import { Refused, refusalOf } from './refused.ts'
import { link, takePatch, takeSnapshot } from './store.ts'
import { learnViewer } from './viewer.ts'

const STALE_AFTER_MS = 5_000
const CHECK_EVERY_MS = 500
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 10_000
const UNSEEN_MS = 30_000
const SEARCH_PAUSE_MS = 150

/** What a page follows beside the pipeline. */
export interface FollowedView {
  /** What is asked, as keys of an address; null while that is nothing. */
  readonly question: ReadonlySignal<string | null>
  /** Whether the question is being typed. */
  readonly isTyped: () => boolean
  /** Id of the last event that belongs to the question; empty where none does. */
  readonly lastId: () => string
  /** Told of the events that come for a question. */
  readonly take: (event: StreamedEvent, question: string) => void
}

let view: FollowedView | undefined
let stream: AbortController | undefined
let lastId = ''
let pauseMs = FIRST_PAUSE_MS
let retryTimer: ReturnType<typeof setTimeout> | undefined
let unseenTimer: ReturnType<typeof setTimeout> | undefined
let openedAtMs = 0

const isVisible = (): boolean => document.visibilityState === 'visible'
const mayHoldStream = signal(isVisible())

/** Starts following the server, for as long as the page lives. */
export function follow(followed?: FollowedView): void {
  view = followed
  void learnViewer()
  document.addEventListener('visibilitychange', letGoUnseen)
  effect(() => {
    const isWanted = mayHoldStream.value
    void view?.question.value
    clearTimeout(retryTimer)
    if (!isWanted) close()
    else if (view?.isTyped() === true && stream !== undefined) retryTimer = setTimeout(open, SEARCH_PAUSE_MS)
    else open()
  })
  setInterval(checkFreshness, CHECK_EVERY_MS)
  for (const event of ['online', 'pageshow'] as const) addEventListener(event, reopenIfStale)
}

function letGoUnseen(): void {
  clearTimeout(unseenTimer)
  if (isVisible()) {
    if (mayHoldStream.peek()) reopenIfStale()
    else mayHoldStream.value = true
  } else unseenTimer = setTimeout(() => (mayHoldStream.value = false), UNSEEN_MS)
}

function close(): void {
  clearTimeout(retryTimer)
  stream?.abort()
  stream = undefined
}

function open(): void {
  close()
  openedAtMs = Date.now()
  const own = new AbortController()
  stream = own
  const question = view?.question.peek() ?? null
  const ids = [lastId, question === null ? '' : (view?.lastId() ?? '')].filter((id) => id !== '')
  const after = ids.length === 0 ? '' : `after=${encodeURIComponent(ids.join(','))}`
  const path = question === null ? '/api/live' : '/api/v1/live/page'
  const keys = [question ?? '', after].filter((text) => text !== '').join('&')
  const onEvent = (event: StreamedEvent): void => {
    if (stream === own && event.name !== 'message') take(event, question)
  }
  readEvents(keys === '' ? path : `${path}?${keys}`, { lastId: '', signal: own.signal, onEvent, refusalOf }).then(
    () => retryLater(own),
    (error: unknown) => retryLater(own, error),
  )
}

function take(event: StreamedEvent, question: string | null): void {
  const { id, name, text } = event
  const prefix = question === null ? '' : 'pipeline-'
  batch(() => {
    if (name === `${prefix}snapshot`) takeSnapshot(JSON.parse(text) as SnapshotMessage)
    else if (name === `${prefix}patch`) takePatch(JSON.parse(text) as PatchMessage)
    if (name.startsWith(prefix)) lastId = id
    else if (question !== null) view?.take(event, question)
    link.value = { state: 'live', lastMessageMs: Date.now(), reason: '' }
  })
  pauseMs = FIRST_PAUSE_MS
}

function retryLater(own: AbortController, error?: unknown): void {
  if (stream !== own) return
  close()
  markStale()
  const reason = error instanceof Refused ? `${error.message} ${error.fix}`.trim() : 'The server cannot be reached.'
  link.value = { ...link.value, reason }
  // A session may have ended, or what may be seen have changed.
  void learnViewer()
  retryTimer = setTimeout(open, pauseMs * (0.75 + Math.random() / 2))
  pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
}

function checkFreshness(): void {
  if (!mayHoldStream.peek()) return
  const { lastMessageMs } = link.value
  const silentForMs = Date.now() - Math.max(lastMessageMs ?? 0, openedAtMs)
  if (silentForMs <= STALE_AFTER_MS) return
  markStale()
  if (stream !== undefined) retryLater(stream)
}

function markStale(): void {
  if (link.value.state === 'live') link.value = { ...link.value, state: 'stale' }
}

function reopenIfStale(): void {
  if (link.value.state === 'stale' && isVisible()) {
    pauseMs = FIRST_PAUSE_MS
    open()
  }
}
