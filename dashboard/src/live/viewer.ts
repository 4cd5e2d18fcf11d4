/**
 * Who looks at the page, as the server says it, and the way to the login where it asks for one.
 *
 * V1  Nothing is shown before this is known: a viewer who is limited is never shown a number that is not theirs.
 */
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'

/** Whoever looks. */
export interface PageViewer {
  /** Null where nobody has to say who they are. */
  readonly name: string | null
  readonly role: 'admin' | 'viewer'
  /** What they are limited to; empty where everything may be seen. */
  readonly scope: readonly { readonly dimension: string; readonly members: readonly string[] }[]
  readonly isLoginRequired: boolean
}

const ANYBODY: PageViewer = { name: null, role: 'admin', scope: [], isLoginRequired: false }

/** Whoever looks; null before it is known. */
export const viewer: Signal<PageViewer | null> = signal(null)
/** Whether they see the numbers of some members alone: no ledger, no sources, no live number. */
export const isLimited: ReadonlySignal<boolean> = computed(() => (viewer.value?.scope.length ?? 0) > 0)
/** Whether they may see raw records. */
export const isAdmin: ReadonlySignal<boolean> = computed(() => viewer.value?.role === 'admin')

/** Asks who looks. Called again wherever a stream ends: a session may have ended with it. */
export async function learnViewer(): Promise<void> {
  const response = await fetch('/api/me').catch(() => undefined)
  if (response?.status === 401) return goToLogin()
  if (response?.ok === true) {
    const next = (await response.json()) as PageViewer
    if (JSON.stringify(next) !== JSON.stringify(viewer.peek())) viewer.value = next
  } else if (viewer.peek() === null && response?.status === 404) viewer.value = ANYBODY
}

/** Leaves for the login, which comes back to what is looked at now. */
export function goToLogin(): void {
  location.assign(`/login?to=${encodeURIComponent(location.pathname + location.search)}`)
}

/** Ends the session. */
export async function logOut(): Promise<void> {
  // The policy of the page forbids forms.
  await fetch('/logout', { method: 'POST', redirect: 'manual' }).catch(() => undefined)
  location.assign('/login')
}
