/**
 * The state of the page and its address, kept equal: whatever a person changes is a step in the browser's history.
 */
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { page } from '../live/store.ts'
import { defaultState, type PageState } from '../model/page-state.ts'
import { formatPageUrl, parsePageUrl, parseSearch, straysOf, type Stray } from '../model/page-url.ts'
import { rememberedZone, rememberZone } from './preferences.ts'

interface Asked {
  readonly plan: PagePlan
  readonly state: PageState
  readonly strays: readonly Stray[]
}

const asked: Signal<Asked | null> = signal(null)

/** What is looked at; null before the plan is known. */
export const view: ReadonlySignal<PageState | null> = computed(() => {
  const plan = page.value
  if (plan === null) return null
  if (asked.value !== null && asked.value.plan === plan) return asked.value.state
  return parsePageUrl(plan, location.search, rememberedZone())
})

/** What the address says that cannot be read, until a step makes it anew. */
export const strays: ReadonlySignal<readonly Stray[]> = computed(() => {
  const plan = page.value
  if (plan === null) return []
  return asked.value !== null && asked.value.plan === plan ? asked.value.strays : straysOf(plan, location.search)
})

/** What leaderboards are searched for. */
export const search: Signal<string> = signal(parseSearch(location.search))

/** Searches for something else: in the address, and no step of the history for each letter. */
export function searchFor(text: string): void {
  search.value = text
  const plan = page.value
  if (plan !== null && view.value !== null) writeAddress(plan, view.value, false)
}

/** Looks at something else. `isStep` false replaces the present entry of the history instead of adding one. */
export function go(change: (state: PageState, plan: PagePlan) => PageState, isStep: boolean = true): void {
  const plan = page.value
  const state = view.value
  if (plan === null || state === null) return
  const next = change(state, plan)
  if (next === state) return
  asked.value = { plan, state: next, strays: [] }
  writeAddress(plan, next, isStep)
}

/** Makes the address anew, without what it could not say. */
export function cleanAddress(): void {
  const plan = page.value
  const state = view.value
  if (plan === null || state === null) return
  asked.value = { plan, state, strays: [] }
  writeAddress(plan, state, false)
}

function writeAddress(plan: PagePlan, state: PageState, isStep: boolean): void {
  const address = location.pathname + formatPageUrl(plan, state, search.peek())
  if (address === location.pathname + location.search) return
  if (isStep) history.pushState(null, '', address)
  else history.replaceState(null, '', address)
}

/** Back to what the page shows by itself: the original three charts of the last hour. */
export function goHome(): void {
  go((state, plan) => ({ ...defaultState(plan, state.zone), isKiosk: state.isKiosk }))
}

export function chooseZone(zone: string): void {
  rememberZone(zone)
  go((state) => ({ ...state, zone }))
}

/** Follows the browser's back and forward. */
export function followHistory(): void {
  addEventListener('popstate', () => {
    const plan = page.value
    if (plan === null) return
    batch(() => {
      const state = parsePageUrl(plan, location.search, rememberedZone())
      asked.value = { plan, state, strays: straysOf(plan, location.search) }
      search.value = parseSearch(location.search)
    })
  })
}
