/**
 * How long clicks take, asked of the retained journal while somebody looks: it says little that is new within a minute.
 */
import { computed, effect, signal, type Signal } from '@preact/signals'
import { messageOf } from '../../../src/errors.ts'
import type { ClickLagAnswer } from '../../../src/query/raw-answer.ts'
import { DAY_MS, MINUTE_MS } from '../../../src/time/units.ts'
import { filterText } from '../model/page-url.ts'
import { rangeLengthMs } from '../model/page-state.ts'
import { view } from '../state/view-state.ts'
import { canAsk, isPaused } from './answers.ts'
import { fetchAnswer } from './refused.ts'

const EVERY_MS = MINUTE_MS
/** The longest that may be asked for. */
const MAX_LAG_MS = DAY_MS

/** Whether somebody looks at it: reading the journal is work. */
export const isLagShown: Signal<boolean> = signal(false)
/** Why there is no answer. */
export const lagProblem: Signal<string> = signal('')
/** The last answer; null where there is none. */
export const clickLag: Signal<ClickLagAnswer | null> = signal(null)

/** Starts asking, for as long as the page lives. */
export function followClickLag(): void {
  const path = computed(() => {
    const state = view.value
    if (state === null || canAsk.value !== true || !isLagShown.value) return null
    const lengthMs = Math.min(rangeLengthMs(state), MAX_LAG_MS)
    const filters = filterText(state.filters)
    return `/api/v1/click-lag?range=${Math.round(lengthMs / 1_000)}s${filters === '' ? '' : `&${filters}`}`
  })
  let asked = ''
  const ask = async (next: string): Promise<void> => {
    asked = next
    try {
      const answer = (await fetchAnswer(next)) as ClickLagAnswer
      if (asked === next) clickLag.value = answer
      lagProblem.value = ''
    } catch (error) {
      lagProblem.value = messageOf(error)
    }
  }
  effect(() => {
    if (path.value !== null) void ask(path.value)
  })
  setInterval(() => {
    const next = path.peek()
    if (next !== null && !isPaused.peek() && document.visibilityState === 'visible') void ask(next)
  }, EVERY_MS)
}
