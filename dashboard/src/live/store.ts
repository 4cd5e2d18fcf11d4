/**
 * What the page knows, as signals: the plan, the data, what the pipeline says of itself, and whether all that is fresh.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { PageStatus } from '../../../src/runtime/status.ts'
import { applyPatch } from '../../../src/server/merge-patch.ts'
import type { PageData, PatchMessage, SnapshotMessage } from '../../../src/server/page-data.ts'
import { planWithin } from '../model/answerable.ts'
import { followWaiting, type Waiting } from '../model/freshness.ts'
import { viewer } from './viewer.ts'

/** `loading` before the first answer; `stale` while nothing has come for some seconds. */
export interface Link {
  readonly state: 'loading' | 'live' | 'stale'
  /** When the last message came, ms since the epoch; null before the first. */
  readonly lastMessageMs: number | null
  /** Why there is no stream, in one sentence; empty where there is one. */
  readonly reason: string
}

const received: Signal<PagePlan | null> = signal(null)

/** The plan, as far as the viewer can ask for it; null before both are known. */
export const page: ReadonlySignal<PagePlan | null> = computed(() =>
  received.value === null || viewer.value === null ? null : planWithin(received.value, viewer.value.scope),
)
export const data: Signal<PageData | null> = signal(null)
export const status: Signal<PageStatus | null> = signal(null)
/** Since when results wait to be written. */
export const waiting: Signal<Waiting> = signal({ epoch: null, sinceMs: null })
export const link: Signal<Link> = signal({ state: 'loading', lastMessageMs: null, reason: '' })

/** Replaces everything. The plan keeps its identity when it is the same, so that charts need not be built anew. */
export function takeSnapshot(message: SnapshotMessage): void {
  if (JSON.stringify(received.peek()) !== JSON.stringify(message.page)) received.value = message.page
  data.value = message.data
  takeStatus(message.status)
}

/** Follows what changed. */
export function takePatch(message: PatchMessage): void {
  if (message.data !== undefined && data.value !== null) data.value = applyPatch(data.value, message.data)
  takeStatus(message.status)
}

function takeStatus(next: PageStatus | null): void {
  status.value = next
  waiting.value = followWaiting(waiting.peek(), next)
}
