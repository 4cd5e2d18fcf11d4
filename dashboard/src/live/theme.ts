/**
 * Light, dark, or whatever the system says; remembered on this machine.
 */
import { signal, type Signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'

const STORAGE_KEY = 'tidemark-theme'
const root = document.documentElement

/** The theme asked for. */
export const theme: Signal<Theme> = signal(toTheme(root.dataset['theme']))

/** Counts up whenever colours change, so that canvases know to draw again. */
export const colourChanges: Signal<number> = signal(0)

export function chooseTheme(next: Theme): void {
  theme.value = next
  if (next === 'auto') delete root.dataset['theme']
  else root.dataset['theme'] = next
  try {
    localStorage.setItem(STORAGE_KEY, next)
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  colourChanges.value++
}

/** Follows the system's colours. */
export function followSystemColours(): void {
  for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)']) {
    matchMedia(query).addEventListener('change', () => colourChanges.value++)
  }
}

function toTheme(text: string | undefined): Theme {
  return text === 'light' || text === 'dark' ? text : 'auto'
}
