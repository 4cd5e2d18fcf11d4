/**
 * What this machine remembers of the person before it: colours, contrast, motion, time zone.
 */
import { effect, signal, type Signal } from '@preact/signals'
import { isZone } from '../../../src/query/time-zone.ts'

export type Theme = 'auto' | 'light' | 'dark'

const root = document.documentElement

/** The theme asked for. */
export const theme: Signal<Theme> = signal(toTheme(recall('theme')))
/** Whether more contrast than usual is asked for. */
export const isHighContrast: Signal<boolean> = signal(recall('contrast') === 'more')
/** Whether nothing may move by itself. */
export const isCalm: Signal<boolean> = signal(recall('motion') === 'less')
/** Counts up whenever colours change, so that canvases know to draw again. */
export const colourChanges: Signal<number> = signal(0)

/** Applies what is remembered, keeps it, and follows the system's colours. */
export function startPreferences(): void {
  effect(() => keep('theme', theme.value === 'auto' ? undefined : theme.value))
  effect(() => keep('contrast', isHighContrast.value ? 'more' : undefined))
  effect(() => keep('motion', isCalm.value ? 'less' : undefined))
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)']) {
    matchMedia(query).addEventListener('change', () => colourChanges.value++)
  }
}

/** The zone to show where the address names none. */
export function rememberedZone(): string {
  const zone = recall('zone')
  return zone !== null && isZone(zone) ? zone : 'UTC'
}

export function rememberZone(zone: string): void {
  store('zone', zone)
}

function keep(name: 'theme' | 'contrast' | 'motion', value: string | undefined): void {
  if (value === undefined) delete root.dataset[name]
  else root.dataset[name] = value
  store(name, value ?? '')
  colourChanges.value = colourChanges.peek() + 1
}

// Storage may be blocked: a choice then lasts as long as the page.
function store(name: string, value: string): void {
  try {
    localStorage.setItem(`tidemark-${name}`, value)
  } catch {
    return
  }
}

function recall(name: string): string | null {
  try {
    return localStorage.getItem(`tidemark-${name}`)
  } catch {
    return null
  }
}

function toTheme(text: string | null): Theme {
  return text === 'light' || text === 'dark' ? text : 'auto'
}
