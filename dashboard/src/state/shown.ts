/**
 * What the page shows now: the last answer where there is one, otherwise the live feed.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { DatabaseStatus } from '../../../src/runtime/status.ts'
import { answered, canAsk, isPaused } from '../live/answers.ts'
import { data, page, status } from '../live/store.ts'
import { isLimited } from '../live/viewer.ts'
import type { Interruption } from '../../../src/server/query/interruption-answer.ts'
import { interruptionMarks, lateBursts, type Annotation, type LedgerBucket } from '../model/annotations.ts'
import { screenOfAnswer } from '../model/answer-screen.ts'
import { answerUpToMs } from '../model/freshness.ts'
import { readUpToMs } from '../model/progress.ts'
import { screenOfFeed, type Screen } from '../model/screen.ts'
import { newMemory, type Memory } from '../model/slots.ts'
import { view } from './view-state.ts'

const memory: Memory = newMemory()

/** What `source` was when the page was paused, while it is: the feed goes on, and what is shown stays. */
function heldWhilePaused<T>(source: ReadonlySignal<T | null>): ReadonlySignal<T | null> {
  let held: T | null = null
  return computed(() => {
    if (!isPaused.value || held === null) held = source.value
    return held
  })
}

const shownFeed = heldWhilePaused(data)

/** The screen; null before the first numbers. */
export const screen: ReadonlySignal<Screen | null> = computed(() => {
  const plan = page.value
  if (plan === null) return null
  if (answered.value !== null) return screenOfAnswer(plan, answered.value.state, answered.value.answer, memory)
  const feed = shownFeed.value
  return feed === null || isLimited.value || (canAsk.value !== false && !isPlain(plan))
    ? null
    : screenOfFeed(plan, feed)
})

const shownStatus = heldWhilePaused(status)

/** Up to which event time what is shown holds, ms; null where that is not known. */
export const shownUpToMs: ReadonlySignal<number | null> = computed(() => {
  const plan = page.value
  const now = shownStatus.value
  if (plan === null || now === null) return null
  return answered.value === null ? readUpToMs(plan, now) : answerUpToMs(plan, answered.value.answer.asOf, now)
})

/** The ledger of the range, bucket by bucket, where the server tells it. */
export const ledgerBuckets: Signal<readonly LedgerBucket[]> = signal([])

/** Restarts and outages that the server keeps. */
export const interruptions: Signal<readonly Interruption[]> = signal([])

/** Why marks are not new, and since when, by what was asked; empty while they are. */
export const marksTrouble: Signal<Readonly<Record<string, { readonly message: string; readonly sinceMs: number }>>> =
  signal({})

interface Happenings {
  readonly startedAtMs: number
  readonly beganAtMs: number
  readonly outages: DatabaseStatus['outages']
}

// As text: a status comes four times a second, and charts need not be drawn anew for an equal one.
const happenings: ReadonlySignal<string> = computed(() => {
  if (status.value === null) return ''
  if (status.value.source === 'tables') return 'null'
  const { startedAtMs, beganAtMs, database } = status.value
  return JSON.stringify({ startedAtMs, beganAtMs, outages: database.outages })
})

/** What happened within the range. */
export const annotations: ReadonlySignal<readonly Annotation[]> = computed(() => {
  if (happenings.value === '') return []
  const happened = JSON.parse(happenings.value) as Happenings | null
  return [...lateBursts(ledgerBuckets.value), ...interruptionMarks(interruptions.value, happened)]
})

/** The span of a screen as keys of an address. */
export function rangeText({ startMs, endMs, zone }: Screen): string {
  return new URLSearchParams({
    from: new Date(startMs).toISOString(),
    to: new Date(endMs).toISOString(),
    tz: zone,
  }).toString()
}

/** Whether the live feed can stand in for the answer: it knows one range, and no filters. */
function isPlain({ rangeMs }: PagePlan): boolean {
  const state = view.value
  if (state === null) return true
  return state.range.kind === 'last' && state.range.lengthMs === rangeMs && state.filters.length === 0
}
