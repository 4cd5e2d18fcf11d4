/**
 * The live stream, kept alive: opens it, notices when it is silent, and opens it again with growing pauses.
 *
 * K1  No message for `STALE_AFTER_MS` means stale, whatever the connection says of itself.
 * K2  After a break the stream resumes after the last message that came; the server sends a snapshot where it cannot.
 */
import { batch } from '@preact/signals'
import type { PatchMessage, SnapshotMessage } from '../../../src/server/page-data.ts'
import { learnViewer } from './viewer.ts'
import { link, takePatch, takeSnapshot } from './store.ts'

const STALE_AFTER_MS = 5_000
const CHECK_EVERY_MS = 500
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000

let source: EventSource | undefined
let lastId = ''
let pauseMs = FIRST_PAUSE_MS
let retryTimer: ReturnType<typeof setTimeout> | undefined
let openedAtMs = 0

/** Starts following the server, for as long as the page lives. */
export function follow(): void {
  void learnViewer()
  open()
  setInterval(checkFreshness, CHECK_EVERY_MS)
  for (const event of ['online', 'pageshow'] as const) addEventListener(event, reopenIfStale)
  document.addEventListener('visibilitychange', reopenIfStale)
}

function open(): void {
  clearTimeout(retryTimer)
  source?.close()
  openedAtMs = Date.now()
  source = new EventSource(lastId === '' ? '/api/live' : `/api/live?after=${encodeURIComponent(lastId)}`)
  source.addEventListener('snapshot', (event) =>
    take(event, (text) => takeSnapshot(JSON.parse(text) as SnapshotMessage)),
  )
  source.addEventListener('patch', (event) => take(event, (text) => takePatch(JSON.parse(text) as PatchMessage)))
  source.addEventListener('error', retryLater)
}

function take(event: MessageEvent<string>, apply: (text: string) => void): void {
  batch(() => {
    apply(event.data)
    link.value = { state: 'live', lastMessageMs: Date.now() }
  })
  lastId = event.lastEventId
  pauseMs = FIRST_PAUSE_MS
}

// EventSource retries by itself after some failures and gives up after others: one way for all is ours.
function retryLater(): void {
  source?.close()
  source = undefined
  markStale()
  // A refusal has no status here: whether it was one is asked for.
  void learnViewer()
  clearTimeout(retryTimer)
  retryTimer = setTimeout(open, pauseMs * (0.75 + Math.random() / 2))
  pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
}

function checkFreshness(): void {
  const { lastMessageMs } = link.value
  const silentSinceMs = Math.max(lastMessageMs ?? 0, openedAtMs)
  if (Date.now() - (lastMessageMs ?? openedAtMs) > STALE_AFTER_MS) markStale()
  if (source !== undefined && Date.now() - silentSinceMs > STALE_AFTER_MS) retryLater()
}

function markStale(): void {
  if (link.value.state === 'live') link.value = { ...link.value, state: 'stale' }
}

function reopenIfStale(): void {
  if (link.value.state === 'stale' && document.visibilityState === 'visible') {
    pauseMs = FIRST_PAUSE_MS
    open()
  }
}
