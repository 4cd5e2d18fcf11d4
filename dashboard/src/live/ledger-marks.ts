/**
 * The ledger of the range that is shown, and what interrupted results, for marks on the charts: asked for with a new
 * range, and now and then. Where they cannot be had, those that were there stay, and the charts say so.
 */
import { computed, effect } from '@preact/signals'
import type { LedgerAnswer } from '../../../src/query/ledger-view.ts'
import { MINUTE_MS } from '../../../src/time/units.ts'
import { interruptions, ledgerBuckets, marksTrouble, rangeText, screen } from '../state/shown.ts'
import { isInterruptionAnswer, isLedgerAnswer, otherForm } from './answer-shape.ts'
import { fetchAnswer, Refused } from './refused.ts'
import { isLimited } from './viewer.ts'

const EVERY_MS = 30_000
const STEP_MS = MINUTE_MS

/** Starts asking, for as long as the page lives. */
export function followLedgerMarks(): void {
  // Whole minutes: a range that moves on by a second is no new one.
  const span = computed(() => {
    const shown = screen.value
    if (shown?.source !== 'tables' || isLimited.value) return null
    const floor = (timeMs: number): number => Math.floor(timeMs / STEP_MS) * STEP_MS
    return rangeText({ ...shown, startMs: floor(shown.startMs), endMs: floor(shown.endMs) })
  })
  const isAsked = computed(() => screen.value?.source === 'tables')
  const askInterruptions = async (): Promise<void> => {
    const answer = await fetchMarks('/api/v1/interruptions', isInterruptionAnswer)
    // As text: charts need not be drawn anew for equal ones.
    if (answer === null || JSON.stringify(answer.interruptions) === JSON.stringify(interruptions.peek())) return
    interruptions.value = answer.interruptions
  }
  effect(() => {
    if (isAsked.value) void askInterruptions()
  })
  let asked = ''
  const ask = async (text: string): Promise<void> => {
    asked = text
    const answer = await fetchMarks(`/api/v1/ledger?${text}`, isLedgerAnswer)
    if (answer === null || asked !== text) return
    ledgerBuckets.value = answer.buckets.map((startMs, index) => ({
      startMs,
      read: sumOf(answer, index),
      late: sumOf(answer, index, 'late'),
    }))
  }
  effect(() => {
    if (span.value !== null) void ask(span.value)
  })
  setInterval(() => {
    if (document.visibilityState !== 'visible') return
    if (isAsked.peek()) void askInterruptions()
    if (span.peek() !== null) void ask(span.peek() ?? '')
  }, EVERY_MS)
}

/** Null where there is none now; the charts then say that their marks are not new. */
async function fetchMarks<A>(path: string, isAnswer: (value: unknown) => value is A): Promise<A | null> {
  const [about = path] = path.split('?')
  const { [about]: before, ...others } = marksTrouble.peek()
  try {
    const answer = await fetchAnswer(path)
    if (!isAnswer(answer)) throw otherForm()
    if (before !== undefined) marksTrouble.value = others
    return answer
  } catch (error) {
    const message = error instanceof Refused ? error.message : 'The server cannot be reached.'
    marksTrouble.value = { ...others, [about]: { message, sinceMs: before?.sinceMs ?? Date.now() } }
    return null
  }
}

function sumOf({ streams }: LedgerAnswer, index: number, only?: string): number {
  return streams
    .flatMap(({ classes }) => classes)
    .reduce((sum, one) => sum + (only === undefined || one.class === only ? (one.byBucket[index] ?? 0) : 0), 0)
}
