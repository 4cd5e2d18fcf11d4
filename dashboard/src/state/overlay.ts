/**
 * The one window that lies over the page, if any.
 */
import { signal, type Signal } from '@preact/signals'
import type { LedgerClass } from '../../../src/pipeline/plan.ts'
import type { ChartPlan } from '../../../src/pipeline/page.ts'

export type Overlay =
  | { readonly kind: 'help' }
  | { readonly kind: 'range' }
  | { readonly kind: 'members'; readonly dimension: string }
  | { readonly kind: 'sql'; readonly title: string; readonly index: number }
  | { readonly kind: 'class'; readonly eventClass: LedgerClass }
  | {
      readonly kind: 'drill'
      readonly windowMs: number
      readonly lengthMs: number
      readonly chart: ChartPlan
      readonly member: string | null
    }

export const overlay: Signal<Overlay | null> = signal(null)

/** Says something once, for eyes and screen readers; gone after a while. */
export const notice: Signal<string> = signal('')

let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string): void {
  notice.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (notice.value = ''), 2_500)
}
